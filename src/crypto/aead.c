#include "crypto/aead.h"

#include "crypto/evp.h"

#include <limits.h>

struct aead {
  EVP_CIPHER_CTX *ctx;
};

/* EVP counts in int. */
static bool too_long(struct bytes v) {
  return v.size > INT_MAX - AEAD_TAG;
}

err_t aead_new(enum aead_alg alg, struct bytes key, struct aead **out) {
  const EVP_CIPHER *cipher =
    alg == AEAD_AES_256_GCM ? evp_aes(MODE_GCM, AEAD_KEY) : evp_chacha20_poly1305();
  if (key.size != AEAD_KEY)
    FAIL(ERR_INTERNAL, "an AEAD key of %zu bytes", key.size);
  AUTO(aead) struct aead *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  a->ctx = EVP_CIPHER_CTX_new();
  if (!a->ctx || EVP_CipherInit_ex2(a->ctx, cipher, key.data, NULL, 1, NULL) <= 0)
    EVP_FAIL(ERR_CRYPTO, "AEAD");
  *out = TAKE(a);
  return OK;
}

void aead_free(struct aead *a) {
  EVP_CIPHER_CTX_free(a->ctx);
  mem_free(a);
}

/* Starts a message: the key schedule stays as it is. */
static bool begin(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, bool seal, struct bytes aad) {
  int n;
  return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, seal, NULL) > 0 &&
         (aad.size == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.size) > 0);
}

err_t aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE], struct bytes aad,
                struct bytes plain, uint8_t *out) {
  int n;
  if (too_long(plain) || too_long(aad))
    FAIL(ERR_TOO_LARGE, "a message of %zu bytes", plain.size);
  if (!begin(a->ctx, nonce, true, aad) ||
      (plain.size && EVP_CipherUpdate(a->ctx, out, &n, plain.data, (int)plain.size) <= 0) ||
      EVP_CipherFinal_ex(a->ctx, out + plain.size, &n) <= 0 ||
      EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + plain.size) <= 0)
    EVP_FAIL(ERR_CRYPTO, "AEAD");
  return OK;
}

err_t aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE], struct bytes aad,
                struct bytes sealed, uint8_t *out) {
  int n;
  uint8_t tag[AEAD_TAG], nothing[AEAD_TAG];
  if (too_long(sealed) || too_long(aad) || sealed.size < AEAD_TAG)
    FAIL(ERR_TOO_LARGE, "a sealed message of %zu bytes", sealed.size);
  size_t size = sealed.size - AEAD_TAG;
  memcpy(tag, sealed.data + size, AEAD_TAG);
  if (begin(a->ctx, nonce, false, aad) &&
      (size == 0 || EVP_CipherUpdate(a->ctx, out, &n, sealed.data, (int)size) > 0) &&
      EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) > 0 &&
      EVP_CipherFinal_ex(a->ctx, nothing, &n) > 0)
    return OK;
  if (size)
    explicit_bzero(out, size);
  EVP_FAIL_DECRYPT();
}

err_t aes256_blocks(struct bytes key, const uint8_t *in, size_t count, uint8_t *out) {
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  int n, size = (int)(count * AES_BLOCK);
  if (key.size != AEAD_KEY)
    FAIL(ERR_INTERNAL, "an AES-256 key of %zu bytes", key.size);
  if (!ctx || EVP_EncryptInit_ex2(ctx, evp_aes(MODE_ECB, AEAD_KEY), key.data, NULL, NULL) <= 0 ||
      EVP_CIPHER_CTX_set_padding(ctx, 0) <= 0 || EVP_EncryptUpdate(ctx, out, &n, in, size) <= 0 ||
      n != size)
    EVP_FAIL(ERR_CRYPTO, "AES");
  return OK;
}
