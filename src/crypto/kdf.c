#include "crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#define HKDF_MAX (255 * SHA256_SIZE) /* RFC 5869 */

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

err_t crypto_hkdf(struct bytes key, const char *info, size_t size, struct secret *out) {
  if (size == 0 || size > HKDF_MAX)
    FAIL(ERR_BAD_PARAMETER, "HKDF: %zu bytes asked for", size);
  EVP_KDF_CTX *ctx AUTO(evp_kdf_ctx) = evp_hkdf();
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)evp_hash_name(HASH_SHA256), 0),
    octets(OSSL_KDF_PARAM_KEY, key),
    octets(OSSL_KDF_PARAM_INFO, bytes_str(info)),
    OSSL_PARAM_END,
  };
  return derive(ctx, params, size, out);
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
