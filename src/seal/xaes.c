#include "seal/xaes.h"

#include "crypto/aead.h"
#include "crypto/gcm.h"

#define NONCE 24
#define HALF (NONCE / 2)

struct xaes {
  struct secret key; /* 32 bytes, then K1 of the specification */
};

/* L doubled in GF(2^128): the first subkey of CMAC (NIST SP 800-38B 6.1). Constant time. */
static void double_block(const uint8_t l[static AES_BLOCK], uint8_t k1[static AES_BLOCK]) {
  uint8_t reduce = (uint8_t)(-(l[0] >> 7) & 0x87);
  for (size_t i = 0; i < AES_BLOCK; i++)
    k1[i] = (uint8_t)(l[i] << 1 | (i + 1 < AES_BLOCK ? l[i + 1] >> 7 : 0));
  k1[AES_BLOCK - 1] ^= reduce;
}

err_t xaes_new(struct bytes key, struct xaes **out) {
  static const uint8_t zeros[AES_BLOCK];
  if (key.size != AEAD_KEY)
    FAIL(ERR_BAD_PARAMETER, "a key of %zu bytes", key.size);
  AUTO_SECRET l = { 0 };
  AUTO(xaes) struct xaes *x = mem_zalloc(sizeof *x);
  if (!x)
    return ERR_NOMEM;
  TRY(secret_new(AES_BLOCK, &l));
  TRY(secret_new(AEAD_KEY + AES_BLOCK, &x->key));
  memcpy(x->key.data, key.data, AEAD_KEY);
  TRY(aes256_blocks(key, zeros, 1, l.data));
  double_block(l.data, x->key.data + AEAD_KEY);
  *out = TAKE(x);
  return OK;
}

void xaes_free(struct xaes *x) {
  secret_free(&x->key);
  mem_free(x);
}

/* The key for one nonce. */
static err_t derive(const struct xaes *x, const uint8_t nonce[static NONCE], struct secret *out) {
  uint8_t m[2 * AES_BLOCK] = { 0x00, 0x01, 'X', 0x00, [AES_BLOCK] = 0x00, 0x02, 'X', 0x00 };
  const uint8_t *k1 = x->key.data + AEAD_KEY;
  AUTO_SECRET key = { 0 };
  TRY(secret_new(AEAD_KEY, &key));
  memcpy(m + 4, nonce, HALF);
  memcpy(m + AES_BLOCK + 4, nonce, HALF);
  for (size_t i = 0; i < sizeof m; i++)
    m[i] ^= k1[i % AES_BLOCK];
  err_t e = aes256_blocks(bytes_of(x->key.data, AEAD_KEY), m, 2, key.data);
  explicit_bzero(m, sizeof m);
  TRY(e);
  *out = secret_take(&key);
  return OK;
}

err_t xaes_seal(const struct xaes *x, struct bytes aad, struct bytes plain, struct buf *out) {
  AUTO_SECRET key = { 0 };
  if (!buf_reserve(out, plain.size + XAES_OVERHEAD))
    return ERR_NOMEM;
  uint8_t *nonce = out->data + out->size, *text = nonce + NONCE;
  TRY(crypto_random(nonce, NONCE));
  TRY(derive(x, nonce, &key));
  struct gcm g = { secret_bytes(&key), bytes_of(nonce + HALF, HALF), aad };
  TRY(gcm_encrypt(&g, plain, text, text + plain.size));
  out->size += plain.size + XAES_OVERHEAD;
  return OK;
}

err_t xaes_open(const struct xaes *x, struct bytes aad, struct bytes sealed, struct buf *out) {
  AUTO_SECRET key = { 0 };
  if (sealed.size < XAES_OVERHEAD)
    FAIL(ERR_DAMAGED, "a sealed record of %zu bytes", sealed.size);
  size_t size = sealed.size - XAES_OVERHEAD;
  if (!buf_reserve(out, size + 1)) /* never NULL */
    return ERR_NOMEM;
  const uint8_t *text = sealed.data + NONCE;
  TRY(derive(x, sealed.data, &key));
  struct gcm g = { secret_bytes(&key), bytes_of(sealed.data + HALF, HALF), aad };
  err_t e = gcm_decrypt(&g, bytes_of(text, size), text + size, out->data + out->size);
  if (e == ERR_DECRYPT)
    FAIL(ERR_DAMAGED, "a sealed record of %zu bytes is not authentic", sealed.size);
  TRY(e);
  out->size += size;
  return OK;
}
