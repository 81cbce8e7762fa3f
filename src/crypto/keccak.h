/* The SHA-3 family (FIPS 202), for the files of crypto/ that build on it. Any thread. */
#ifndef CRYPTO_KECCAK_H
#define CRYPTO_KECCAK_H

#include "crypto/crypto.h"

enum keccak { SHA3_256, SHA3_512, SHAKE128, SHAKE256 };
/* Of the parts, one after the other; size bytes: of SHA3 as many as it has. */
err_t keccak(enum keccak which, const struct bytes *parts, size_t count, uint8_t *out, size_t size);

#endif
