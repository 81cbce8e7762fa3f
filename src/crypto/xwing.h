/*
 * X-Wing (draft-connolly-cfrg-xwing-kem; HPKE calls it MLKEM768-X25519): ML-KEM-768 and X25519 in
 * one, safe for as long as either of them is. A private key is a seed of 32 bytes: any 32 bytes are
 * one. Any thread.
 */
#ifndef CRYPTO_XWING_H
#define CRYPTO_XWING_H

#include "crypto/mlkem.h"
#include "crypto/x25519.h"

#define XWING_SEED 32
#define XWING_PUBLIC (MLKEM_PUBLIC + X25519_SIZE)
#define XWING_CIPHERTEXT (MLKEM_CIPHERTEXT + X25519_SIZE)
#define XWING_RANDOM 64

err_t xwing_public(struct bytes seed, uint8_t public[static XWING_PUBLIC]);

/* A fresh key for whoever has the private one, and the ciphertext that tells it to them.
 * ERR_BAD_PARAMETER: this is not a public key. */
err_t xwing_encapsulate(const uint8_t public[static XWING_PUBLIC],
                        uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared);
/* The same with given random bytes (XWING_RANDOM): they must never serve twice. */
err_t xwing_encapsulate_with(const uint8_t public[static XWING_PUBLIC], struct bytes random,
                             uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared);
/* A ciphertext for somebody else gives a key that nobody has. ERR_BAD_PARAMETER: its share of
 * X25519 is of low order. */
err_t xwing_decapsulate(struct bytes seed, const uint8_t ciphertext[static XWING_CIPHERTEXT],
                        struct secret *shared);

#endif
