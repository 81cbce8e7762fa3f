/*
 * ML-KEM-768 (FIPS 203): key encapsulation that a quantum computer does not break. OpenSSL 3.0 has
 * none. Written after the standard; neither branches nor addresses depend on secrets, and those are
 * on the secure heap. On its own it is of no use here: xwing.h combines it with X25519. Any thread.
 */
#ifndef CRYPTO_MLKEM_H
#define CRYPTO_MLKEM_H

#include "crypto/crypto.h"

#define MLKEM_SEED 64 /* d || z: the private key */
#define MLKEM_PUBLIC 1184
#define MLKEM_CIPHERTEXT 1088
#define MLKEM_SHARED 32

err_t mlkem_public(struct bytes seed, uint8_t public[static MLKEM_PUBLIC]);
/* ERR_BAD_PARAMETER when that is no public key. */
err_t mlkem_encapsulate(const uint8_t public[static MLKEM_PUBLIC],
                        uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared);
/* A ciphertext that is not for this key gives a shared secret that nobody else has. */
err_t mlkem_decapsulate(struct bytes seed, const uint8_t ciphertext[static MLKEM_CIPHERTEXT],
                        struct secret *shared);

#endif
