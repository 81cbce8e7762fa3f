#include "crypto/keccak.h"

#include "crypto/evp.h"

static const char *const names[] = { [SHA3_256] = "SHA3-256",
                                     [SHA3_512] = "SHA3-512",
                                     [SHAKE128] = "SHAKE-128",
                                     [SHAKE256] = "SHAKE-256" };

static bool run(EVP_MD_CTX *ctx, const EVP_MD *md, const struct bytes *parts, size_t count,
                uint8_t *out, size_t size) {
  if (!ctx || !md || EVP_DigestInit_ex2(ctx, md, NULL) <= 0)
    return false;
  for (size_t i = 0; i < count; i++)
    if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].size) <= 0)
      return false;
  if (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF)
    return EVP_DigestFinalXOF(ctx, out, size) > 0;
  return (size_t)EVP_MD_get_size(md) == size && EVP_DigestFinal_ex(ctx, out, NULL) > 0;
}

err_t keccak(enum keccak which, const struct bytes *parts, size_t count, uint8_t *out,
             size_t size) {
  EVP_MD *md = EVP_MD_fetch(NULL, names[which], NULL);
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = EVP_MD_CTX_new();
  bool good = run(ctx, md, parts, count, out, size);
  EVP_MD_free(md);
  if (!good)
    EVP_FAIL(ERR_CRYPTO, names[which]);
  return OK;
}
