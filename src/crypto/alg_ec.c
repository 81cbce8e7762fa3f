#include "crypto/alg_table.h"
#include "crypto/der.h"
#include "crypto/key_der.h"

#define WIDTH_MAX 66                            /* P-521 */
#define SIGNATURE_MAX (3 + 2 * (3 + WIDTH_MAX)) /* ECDSA-Sig-Value (RFC 3279) */

static err_t make_sign(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_pkey(NULL, key_evp(k), NULL);
  if (!ctx || EVP_PKEY_sign_init(ctx) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  *out = TAKE(ctx);
  return OK;
}

static err_t make_verify(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_pkey(NULL, key_evp(k), NULL);
  if (!ctx || EVP_PKEY_verify_init(ctx) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  *out = TAKE(ctx);
  return OK;
}

/* Copies one INTEGER of what OpenSSL wrote, right-aligned into out[width]; returns what follows. */
static const uint8_t *get_integer(const uint8_t *p, uint8_t *out, size_t width) {
  size_t n = p[1];
  const uint8_t *number = p + 2;
  for (p = number + n; n > width; n--) /* the zero before a set top bit */
    number++;
  memset(out, 0, width - n);
  memcpy(out + width - n, number, n);
  return p;
}

static void raw_of_der(const uint8_t *der, uint8_t *raw, size_t width) {
  const uint8_t *p = der + (der[1] & 0x80 ? 3 : 2);
  p = get_integer(p, raw, width);
  (void)get_integer(p, raw + width, width);
}

static uint8_t *put_integer(uint8_t *p, const uint8_t *number, size_t width) {
  for (; width > 1 && *number == 0; width--)
    number++;
  size_t pad = *number >> 7;
  *p++ = DER_INTEGER;
  *p++ = (uint8_t)(width + pad);
  if (pad)
    *p++ = 0;
  memcpy(p, number, width);
  return p + width;
}

static struct bytes der_of_raw(const uint8_t *raw, size_t width, uint8_t der[SIGNATURE_MAX]) {
  uint8_t *body = der + 3;
  uint8_t *end = put_integer(put_integer(body, raw, width), raw + width, width);
  size_t size = (size_t)(end - body);
  body[-1] = (uint8_t)size;
  if (size >= 0x80)
    body[-2] = 0x81;
  uint8_t *start = body - (size >= 0x80 ? 3 : 2);
  *start = DER_SEQUENCE;
  return bytes_of(start, (size_t)(end - start));
}

static err_t ec_sign(const struct alg *a, const struct key *k, struct bytes digest,
                     struct buf *out) {
  size_t width = curve_bytes(a->curve), size = SIGNATURE_MAX;
  uint8_t der[SIGNATURE_MAX];
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PRIVATE), make_sign, a, &ctx));
  if (!buf_reserve(out, 2 * width))
    return ERR_NOMEM;
  if (EVP_PKEY_sign(ctx, der, &size, digest.data, digest.size) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  raw_of_der(der, out->data + out->size, width);
  out->size += 2 * width;
  return OK;
}

/* OpenSSL refuses r or s = 0 or beyond the group's order. */
static err_t ec_verify(const struct alg *a, const struct key *k, struct bytes digest,
                       struct bytes signature, bool *valid) {
  size_t width = curve_bytes(a->curve);
  *valid = false;
  if (signature.size != 2 * width)
    return OK;
  uint8_t der[SIGNATURE_MAX];
  struct bytes s = der_of_raw(signature.data, width, der);
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PUBLIC), make_verify, a, &ctx));
  *valid = EVP_PKEY_verify(ctx, s.data, s.size, digest.data, digest.size) == 1;
  if (!*valid && evp_failed(ERR_BAD_PARAMETER, __FILE__, __LINE__, a->name))
    return ERR_NOMEM;
  return OK;
}

const struct alg_family alg_ecdsa = { .sign = ec_sign, .verify = ec_verify };
