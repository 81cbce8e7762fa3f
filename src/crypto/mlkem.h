/*
 * ML-KEM-768 (FIPS 203): a shared key agreed on in one message, safe from quantum computers as far
 * as is known. OpenSSL 3.0 has none.
 *
 * A private key is the seed that it is made of, d || z (64 bytes), and nothing else: it is made out
 * of it anew for each use, which costs less than it would to check one that somebody else made.
 * What is computed from secrets is on the secure heap for as long as a call lasts, and takes the
 * same time whatever they are. Any thread.
 */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include "crypto/crypto.h"

#define MLKEM_SEED 64
#define MLKEM_PUBLIC 1184
#define MLKEM_CIPHERTEXT 1088
#define MLKEM_SHARED 32
#define MLKEM_RANDOM 32

err_t mlkem_public(struct bytes seed, uint8_t public[static MLKEM_PUBLIC]);
/* ERR_BAD_PARAMETER unless it is written as the standard has it (7.2). */
err_t mlkem_check(const uint8_t public[static MLKEM_PUBLIC]);

/* A fresh key for whoever has the private one, and the ciphertext that tells it to them. The public
 * key is checked. */
err_t mlkem_encapsulate(const uint8_t public[static MLKEM_PUBLIC],
                        uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared);
/* The same with given random bytes (MLKEM_RANDOM): they must never serve twice. */
err_t mlkem_encapsulate_with(const uint8_t public[static MLKEM_PUBLIC], struct bytes random,
                             uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared);
/* A ciphertext that is not for this key, or not as it was made, gives a key that nobody else has,
 * the same one each time; that it did shows only where the key is used. */
err_t mlkem_decapsulate(struct bytes seed, const uint8_t ciphertext[static MLKEM_CIPHERTEXT],
                        struct secret *shared);

#endif
