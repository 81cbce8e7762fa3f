/* What the tests of client/ share. */
#ifndef TEST_CLIENT_CHECK_H
#define TEST_CLIENT_CHECK_H

#include "../asserts.h"
#include "crypto/crypto.h"

static inline int start_crypto(void **state) {
  (void)state;
  return crypto_attach(NULL) == OK ? 0 : -1;
}

#endif
