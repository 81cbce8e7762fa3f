/*
 * X-Wing: ML-KEM-768 and X25519 together (MLKEM768-X25519 of HPKE, KEM 0x647a): a shared secret
 * that holds as long as one of the two does. A private key is a seed of 32 bytes: any will do. Any
 * thread.
 */
#ifndef CRYPTO_XWING_H
#define CRYPTO_XWING_H

#include "crypto/mlkem.h"
#include "crypto/x25519.h"

#define XWING_SEED 32
#define XWING_PUBLIC (MLKEM_PUBLIC + X25519_SIZE)
#define XWING_CIPHERTEXT (MLKEM_CIPHERTEXT + X25519_SIZE)

err_t xwing_public(struct bytes seed, uint8_t public[static XWING_PUBLIC]);
/* ERR_BAD_PARAMETER when that is no public key. */
err_t xwing_encapsulate(const uint8_t public[static XWING_PUBLIC],
                        uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared);
/* ERR_BAD_PARAMETER as x25519_shared(); what is not for this key gives another secret. */
err_t xwing_decapsulate(struct bytes seed, const uint8_t ciphertext[static XWING_CIPHERTEXT],
                        struct secret *shared);

#endif
