#include "crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define HKDF_MAX (255 * SHA256_SIZE) /* RFC 5869 */
#define SHA512_SIZE 64

static OSSL_PARAM octets(const char *name, struct bytes v) {
  return OSSL_PARAM_construct_octet_string(name, (void *)(v.data ? v.data : (const uint8_t *)""),
                                           v.size);
}

static err_t derive(EVP_KDF_CTX *ctx, const OSSL_PARAM *params, size_t size, struct secret *out) {
  AUTO_SECRET s = { 0 };
  TRY(secret_new(size, &s));
  if (!ctx || EVP_KDF_derive(ctx, s.data, size, params) <= 0)
    EVP_FAIL(ERR_CRYPTO, "key derivation");
  *out = secret_take(&s);
  return OK;
}

err_t crypto_hkdf_salted(struct bytes key, struct bytes salt, const char *info, size_t size,
                         struct secret *out) {
  if (size == 0 || size > HKDF_MAX)
    FAIL(ERR_BAD_PARAMETER, "HKDF: %zu bytes asked for", size);
  EVP_KDF_CTX *ctx AUTO(evp_kdf_ctx) = evp_hkdf();
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)evp_hash_name(HASH_SHA256), 0),
    octets(OSSL_KDF_PARAM_KEY, key),
    octets(OSSL_KDF_PARAM_INFO, bytes_str(info)),
    salt.size ? octets(OSSL_KDF_PARAM_SALT, salt) : OSSL_PARAM_construct_end(),
    OSSL_PARAM_END,
  };
  return derive(ctx, params, size, out);
}

err_t crypto_hkdf(struct bytes key, const char *info, size_t size, struct secret *out) {
  return crypto_hkdf_salted(key, (struct bytes){ 0 }, info, size, out);
}

/* T(n) = HMAC(prk, T(n-1) || info || n), in place behind T(n-1); ctx is keyed. */
static bool expand_block(EVP_MAC_CTX *ctx, struct bytes info, uint8_t n, uint8_t *t) {
  size_t size;
  return EVP_MAC_init(ctx, NULL, 0, NULL) &&
         (n == 1 || EVP_MAC_update(ctx, t - SHA512_SIZE, SHA512_SIZE)) &&
         (info.size == 0 || EVP_MAC_update(ctx, info.data, info.size)) &&
         EVP_MAC_update(ctx, &n, 1) && EVP_MAC_final(ctx, t, &size, SHA512_SIZE);
}

/* Not by EVP_KDF, whose info ends at 2 KiB: a context is as long as its owner wants. */
err_t crypto_hkdf_expand_sha512(struct bytes prk, struct bytes info, size_t size,
                                struct secret *out) {
  size_t blocks = (size + SHA512_SIZE - 1) / SHA512_SIZE;
  if (size == 0 || blocks > UINT8_MAX || prk.size == 0)
    FAIL(ERR_BAD_PARAMETER, "HKDF: %zu bytes asked for", size);
  AUTO_SECRET whole = { 0 }, s = { 0 };
  TRY(secret_new(blocks * SHA512_SIZE, &whole));
  EVP_MAC_CTX *ctx AUTO(evp_mac_ctx) = evp_hmac(HASH_SHA512);
  if (!ctx || !EVP_MAC_init(ctx, prk.data, prk.size, NULL))
    EVP_FAIL(ERR_CRYPTO, "HKDF");
  for (size_t i = 0; i < blocks; i++)
    if (!expand_block(ctx, info, (uint8_t)(i + 1), whole.data + i * SHA512_SIZE))
      EVP_FAIL(ERR_CRYPTO, "HKDF");
  TRY(secret_copy(bytes_of(whole.data, size), &s));
  *out = secret_take(&s);
  return OK;
}

err_t crypto_scrypt(struct bytes passphrase, struct bytes salt, unsigned log2_n, size_t size,
                    struct secret *out) {
  if (log2_n < 1 || log2_n > 20 || size == 0)
    FAIL(ERR_BAD_PARAMETER, "scrypt: log2(N) = %u, %zu bytes asked for", log2_n, size);
  uint64_t n = UINT64_C(1) << log2_n;
  uint32_t r = 8, p = 1;
  uint64_t max_memory = 128 * r * (n + p + 2); /* RFC 7914: V, B, and the working blocks */
  EVP_KDF_CTX *ctx AUTO(evp_kdf_ctx) = evp_scrypt();
  OSSL_PARAM params[] = {
    octets(OSSL_KDF_PARAM_PASSWORD, passphrase),
    octets(OSSL_KDF_PARAM_SALT, salt),
    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max_memory),
    OSSL_PARAM_END,
  };
  return derive(ctx, params, size, out);
}
