/*
 * Authenticated encryption of many messages under one key: the key schedule is made once, a message
 * brings its nonce. The sealed form is ciphertext || tag (16). One thread at a time on one object.
 *
 * A nonce that seals two messages under one key gives the key away: the caller counts, or draws a
 * key for each message.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "crypto/crypto.h"

enum aead_alg { AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305 };
#define AEAD_KEY 32
#define AEAD_NONCE 12
#define AEAD_TAG 16

struct aead;
err_t aead_new(enum aead_alg alg, struct bytes key, struct aead **out);
void aead_free(struct aead *a);
CLEANUP(aead, struct aead *, aead_free)

/* out has room for plain.size + AEAD_TAG; it may be plain.data itself. */
err_t aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE], struct bytes aad,
                struct bytes plain, uint8_t *out);
/* out has room for sealed.size - AEAD_TAG; it may be sealed.data itself. ERR_DECRYPT when the
 * message is not authentic: out is zeroed then. */
err_t aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE], struct bytes aad,
                struct bytes sealed, uint8_t *out);

#define AES_BLOCK 16
/* Single blocks through AES-256, for what is built from them (XAES-256-GCM's key derivation). */
err_t aes256_blocks(struct bytes key, const uint8_t *in, size_t count, uint8_t *out);

#endif
