/* What imports have in common, and PEM. PKCS#12 is in cert_pkcs12.c. */
#include "crypto/cert_evp.h"

#include "crypto/key_der.h"
#include "crypto/pem.h"

#include <openssl/pem.h>

void bundle_free(struct bundle *b) {
  key_free(b->key);
  for (size_t i = 0; i < b->count; i++)
    buf_free(&b->ders[i]);
  *b = (struct bundle){ 0 };
}

err_t bundle_add_key(struct bundle *b, struct bytes der) {
  struct key *k AUTO(key) = NULL;
  if (b->key)
    REFUSE(ERR_BAD_PARAMETER, "There is more than one private key in the specified content.");
  TRY(key_load_private(der, &k));
  TRY(key_check(k));
  b->key = TAKE(k);
  return OK;
}

err_t bundle_add_certificate(struct bundle *b, struct bytes der) {
  if (b->count == BUNDLE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "There are more than %d certificates.", CERT_CHAIN_MAX);
  struct buf *copy = &b->ders[b->count++];
  buf_put_bytes(copy, der);
  return buf_ok(copy);
}

err_t bundle_take(struct bundle *b, struct key **key, struct cert_chain *chain) {
  struct bytes ders[BUNDLE_MAX];
  if (!b->key)
    REFUSE(ERR_BAD_PARAMETER, "There is no private key in the specified content.");
  for (size_t i = 0; i < b->count; i++)
    ders[i] = buf_bytes(&b->ders[i]);
  TRY(cert_merge_chain(ders, b->count, b->key, chain));
  *key = TAKE(b->key);
  return OK;
}

static bool is_private_key(const char *label) {
  return strcmp(label, PEM_STRING_PKCS8INF) == 0 || strcmp(label, PEM_STRING_RSA) == 0 ||
         strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0;
}

static err_t take_block(void *ctx, const struct pem_block *block) {
  struct bundle *b = ctx;
  if (block->encrypted || strcmp(block->label, PEM_STRING_PKCS8) == 0)
    REFUSE(ERR_BAD_PARAMETER, "The private key in the PEM content is encrypted; it must not be.");
  if (is_private_key(block->label))
    return bundle_add_key(b, block->der);
  if (strcmp(block->label, PEM_STRING_X509) == 0)
    return bundle_add_certificate(b, block->der);
  return OK;
}

err_t cert_import_pem(struct bytes text, struct key **key, struct cert_chain *chain) {
  AUTO_BUNDLE b = { 0 };
  if (text.size > CERT_PEM_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The PEM content is larger than %d bytes.", CERT_PEM_MAX);
  TRY(pem_each(text, take_block, &b));
  return bundle_take(&b, key, chain);
}
