/*
 * SHA-3 (FIPS 202): the digests, and the functions of any output size. Any thread.
 */
#ifndef CRYPTO_SHA3_H
#define CRYPTO_SHA3_H

#include "base/bytes.h"

enum sha3 { SHA3_256, SHA3_512, SHAKE128, SHAKE256, SHA3_COUNT };
#define SHA3_256_SIZE 32
#define SHA3_512_SIZE 64

/* Of the parts, one after the other. size is the digest's own for SHA3_256 and SHA3_512. out may be
 * one of the parts. */
err_t crypto_sha3(enum sha3 which, const struct bytes *parts, size_t count, uint8_t *out,
                  size_t size);

#endif
