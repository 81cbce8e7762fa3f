#include "crypto/gcm.h"

#include "crypto/evp.h"

#include <limits.h>
#include <openssl/core_names.h>

/* EVP counts in int. */
static bool too_long(struct bytes v) {
  return v.size > INT_MAX - GCM_TAG;
}

/* 1 when all went well, as OpenSSL has it. tag is written when encrypting, checked when
 * decrypting. */
static int run(EVP_CIPHER_CTX *ctx, const struct gcm *g, bool encrypt, struct bytes in,
               uint8_t *out, uint8_t *tag) {
  size_t iv_size = g->iv.size;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_AEAD_IVLEN, &iv_size),
    OSSL_PARAM_END,
  };
  int n;
  if (!ctx || !EVP_CipherInit_ex2(ctx, evp_aes(MODE_GCM, g->key.size), NULL, NULL, encrypt, params))
    return 0;
  if (!EVP_CipherInit_ex2(ctx, NULL, g->key.data, g->iv.data, encrypt, NULL))
    return 0;
  if (g->aad.size && !EVP_CipherUpdate(ctx, NULL, &n, g->aad.data, (int)g->aad.size))
    return 0;
  if (in.size && !EVP_CipherUpdate(ctx, out, &n, in.data, (int)in.size))
    return 0;
  if (!encrypt && !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag))
    return 0;
  uint8_t nothing[GCM_TAG];
  if (EVP_CipherFinal_ex(ctx, nothing, &n) <= 0)
    return 0;
  return !encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag);
}

err_t gcm_encrypt(const struct gcm *g, struct bytes plain, uint8_t *out,
                  uint8_t tag[static GCM_TAG]) {
  if (too_long(plain) || too_long(g->aad))
    FAIL(ERR_TOO_LARGE, "AES-GCM over %zu bytes", plain.size);
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  if (!run(ctx, g, true, plain, out, tag))
    EVP_FAIL(ERR_CRYPTO, "AES-GCM");
  return OK;
}

err_t gcm_decrypt(const struct gcm *g, struct bytes text, const uint8_t tag[static GCM_TAG],
                  uint8_t *out) {
  if (too_long(text) || too_long(g->aad))
    FAIL(ERR_TOO_LARGE, "AES-GCM over %zu bytes", text.size);
  uint8_t expected[GCM_TAG];
  memcpy(expected, tag, GCM_TAG);
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  if (run(ctx, g, false, text, out, expected))
    return OK;
  if (text.size)
    explicit_bzero(out, text.size);
  EVP_FAIL_DECRYPT();
}
