#include "crypto/sha3.h"

#include "crypto/evp.h"

err_t crypto_sha3(enum sha3 which, const struct bytes *parts, size_t count, uint8_t *out,
                  size_t size) {
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = EVP_MD_CTX_new();
  const EVP_MD *md = evp_sha3(which);
  bool any_size = which == SHAKE128 || which == SHAKE256;
  if (!any_size && size != (size_t)EVP_MD_get_size(md))
    FAIL(ERR_INTERNAL, "a digest of %zu bytes", size);
  if (!ctx || EVP_DigestInit_ex2(ctx, md, NULL) <= 0)
    EVP_FAIL(ERR_CRYPTO, "SHA-3");
  for (size_t i = 0; i < count; i++)
    if (parts[i].size && EVP_DigestUpdate(ctx, parts[i].data, parts[i].size) <= 0)
      EVP_FAIL(ERR_CRYPTO, "SHA-3");
  if ((any_size ? EVP_DigestFinalXOF(ctx, out, size) : EVP_DigestFinal_ex(ctx, out, NULL)) <= 0)
    EVP_FAIL(ERR_CRYPTO, "SHA-3");
  return OK;
}
