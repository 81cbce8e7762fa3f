/* Whether a chain leads to somebody who is trusted. */
#include "crypto/cert_evp.h"

#include "crypto/pem.h"

#include <openssl/pem.h>

CLEANUP(store, X509_STORE *, X509_STORE_free)
CLEANUP(store_ctx, X509_STORE_CTX *, X509_STORE_CTX_free)

static inline void others_cleanup(STACK_OF(X509) * *s) {
  sk_X509_pop_free(*s, X509_free);
}

static err_t add_anchor(void *ctx, const struct pem_block *block) {
  X509 *x AUTO(x509) = NULL;
  if (strcmp(block->label, PEM_STRING_X509) != 0)
    return OK;
  TRY(cert_parse(block->der, &x));
  if (X509_STORE_add_cert(ctx, x) != 1)
    EVP_FAIL(ERR_NOMEM, "trusted certificate");
  return OK;
}

static err_t collect(const struct bytes *ders, size_t count, STACK_OF(X509) * list) {
  for (size_t i = 0; i < count; i++) {
    X509 *x AUTO(x509) = NULL;
    TRY(cert_parse(ders[i], &x));
    if (!sk_X509_push(list, x))
      EVP_FAIL(ERR_NOMEM, "chain");
    x = NULL;
  }
  return OK;
}

static err_t verify(X509_STORE_CTX *ctx) {
  (void)evp_out_of_memory();
  bool trusted = X509_verify_cert(ctx) == 1, no_memory = evp_out_of_memory();
  int error = X509_STORE_CTX_get_error(ctx);
  crypto_clear_errors();
  if (trusted)
    return OK;
  if (no_memory || error == X509_V_ERR_OUT_OF_MEM)
    FAIL(ERR_NOMEM, "verification of a certificate");
  FAIL(ERR_BAD_PARAMETER, "a certificate is not trusted: %s", X509_verify_cert_error_string(error));
}

err_t cert_verify(const struct bytes *chain, size_t count, struct bytes anchors_pem, int64_t when) {
  X509 *leaf AUTO(x509) = NULL;
  STACK_OF(X509) * others AUTO(others) = sk_X509_new_null();
  X509_STORE *anchors AUTO(store) = X509_STORE_new();
  X509_STORE_CTX *ctx AUTO(store_ctx) = X509_STORE_CTX_new();
  if (count == 0)
    FAIL(ERR_BAD_PARAMETER, "a chain without certificates");
  if (!others || !anchors || !ctx)
    EVP_FAIL(ERR_NOMEM, "verification of a certificate");
  TRY(pem_each(anchors_pem, add_anchor, anchors));
  TRY(cert_parse(chain[0], &leaf));
  TRY(collect(chain + 1, count - 1, others));
  if (X509_STORE_CTX_init(ctx, anchors, leaf, others) != 1)
    EVP_FAIL(ERR_NOMEM, "verification of a certificate");
  X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_CTX_set_time(ctx, 0, (time_t)when);
  return verify(ctx);
}
