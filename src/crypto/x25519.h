/*
 * X25519 key agreement (RFC 7748). Private keys are 32 bytes of a struct secret: any 32 bytes are
 * one. Any thread.
 */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include "crypto/crypto.h"

#define X25519_SIZE 32

err_t x25519_generate(struct secret *private, uint8_t public[static X25519_SIZE]);
err_t x25519_public(struct bytes private, uint8_t public[static X25519_SIZE]);
/* ERR_BAD_PARAMETER where what would be shared is zeros, whoever's the private key is: the peer's
 * is of low order then. */
err_t x25519_shared(struct bytes private, const uint8_t peer[static X25519_SIZE],
                    struct secret *out);

#endif
