/*
 * HPKE (RFC 9180), as much of it as age needs: one message to a public key, base mode, of the suite
 * MLKEM768-X25519 (0x647a, draft-ietf-hpke-pq), HKDF-SHA256, ChaCha20-Poly1305; no additional data.
 * info names the purpose. Any thread.
 */
#ifndef CRYPTO_HPKE_H
#define CRYPTO_HPKE_H

#include "crypto/xwing.h"

#define HPKE_ENC XWING_CIPHERTEXT /* the encapsulated key */
#define HPKE_OVERHEAD 16

/* out has room for plain.size + HPKE_OVERHEAD. ERR_BAD_PARAMETER: this is not a public key. */
err_t hpke_seal(const uint8_t public[static XWING_PUBLIC], const char *info, struct bytes plain,
                uint8_t enc[static HPKE_ENC], uint8_t *out);
/* ERR_DECRYPT: it was not sealed to this key, for this purpose. ERR_BAD_PARAMETER: enc is what no
 * sender makes. */
err_t hpke_open(struct bytes seed, const char *info, const uint8_t enc[static HPKE_ENC],
                struct bytes sealed, struct secret *out);

#endif
