/*
 * AES-GCM over one message, for sealing and for the API's A*GCM. key is 16, 24 or 32 bytes, iv 12
 * or 16 (a nonce of 16 bytes goes through GHASH as SP 800-38D says). Any thread.
 */
#ifndef CRYPTO_GCM_H
#define CRYPTO_GCM_H

#include "crypto/crypto.h"

#define GCM_IV 12
#define GCM_TAG 16

struct gcm {
  struct bytes key, iv, aad;
};
/* Writes plain.size bytes to out. */
err_t gcm_encrypt(const struct gcm *g, struct bytes plain, uint8_t *out,
                  uint8_t tag[static GCM_TAG]);
/* Writes text.size bytes to out; zeros, with ERR_DECRYPT, if the message is not authentic. */
err_t gcm_decrypt(const struct gcm *g, struct bytes text, const uint8_t tag[static GCM_TAG],
                  uint8_t *out);

#endif
