/* What the tests of client/ share. */
#ifndef TEST_CLIENT_CHECK_H
#define TEST_CLIENT_CHECK_H

#include "base/bytes.h"
#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_result(call, expected_name) assert_string_equal(err_info(call)->name, expected_name)
#define assert_ok(call) assert_result(call, "OK")
#define assert_err(call, code) assert_result(call, #code)
#define assert_bytes(b, text) \
  do { \
    struct bytes seen_ = (b), wanted_ = bytes_str(text); \
    if (!bytes_equal(seen_, wanted_)) \
      fail_msg("'" BYTES_FMT "' instead of '" BYTES_FMT "'", BYTES_ARG(seen_), \
               BYTES_ARG(wanted_)); \
  } while (0)

static inline int start_crypto(void **state) {
  (void)state;
  return crypto_attach(NULL) == OK ? 0 : -1;
}

#endif
