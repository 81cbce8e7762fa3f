/* Certificates, and the key of the first one, as one file. */
#include "crypto/cert_evp.h"

#include "crypto/pem.h"
#include "crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#define ITERATIONS 2048 /* the password is empty: more would protect nothing */

CLEANUP(pkcs12, PKCS12 *, PKCS12_free)

static inline void x509s_cleanup(STACK_OF(X509) * *s) {
  sk_X509_pop_free(*s, X509_free);
}

static err_t check(const struct key *key, const struct cert_chain *chain) {
  if (chain->count == 0 || chain->count > CERT_CHAIN_MAX || (key && !key_is_private(key)))
    FAIL(ERR_INTERNAL, "export without a certificate or a private key");
  return key ? cert_matches_key(buf_bytes(&chain->ders[chain->leaf]), key) : OK;
}

/* All but the key's own. */
static err_t others(const struct cert_chain *chain, STACK_OF(X509) * *out) {
  STACK_OF(X509) * list AUTO(x509s) = sk_X509_new_null();
  if (!list)
    EVP_FAIL(ERR_NOMEM, "chain");
  for (size_t i = 0; i < chain->count; i++) {
    if (i == chain->leaf)
      continue;
    X509 *x AUTO(x509) = NULL;
    TRY(cert_parse(buf_bytes(&chain->ders[i]), &x));
    if (!sk_X509_push(list, x))
      EVP_FAIL(ERR_NOMEM, "chain");
    x = NULL;
  }
  *out = TAKE(list);
  return OK;
}

static err_t put(const PKCS12 *p12, struct secret *out) {
  AUTO_SECRET der = { 0 };
  int n = i2d_PKCS12(p12, NULL);
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "PKCS#12");
  TRY(secret_new((size_t)n, &der));
  uint8_t *p = der.data;
  if (i2d_PKCS12(p12, &p) != n)
    EVP_FAIL(ERR_CRYPTO, "PKCS#12");
  *out = secret_take(&der);
  return OK;
}

err_t cert_export_pkcs12(const struct key *key, const struct cert_chain *chain,
                         struct secret *out) {
  X509 *leaf AUTO(x509) = NULL;
  STACK_OF(X509) * rest AUTO(x509s) = NULL;
  TRY(check(key, chain));
  TRY(cert_parse(buf_bytes(&chain->ders[chain->leaf]), &leaf));
  TRY(others(chain, &rest));
  PKCS12 *p12 AUTO(pkcs12) =
    PKCS12_create("", NULL, key ? key_evp(key) : NULL, leaf, rest, NID_aes_256_cbc, NID_aes_256_cbc,
                  ITERATIONS, -1 /* later */, 0);
  if (!p12 || !PKCS12_set_mac(p12, "", 0, NULL, 0, ITERATIONS, evp_md(HASH_SHA256)))
    EVP_FAIL(ERR_CRYPTO, "PKCS#12");
  return put(p12, out);
}

/* Parts of a text, the first of which may be secret. */
struct parts {
  struct secret part[1 + CERT_CHAIN_MAX];
  size_t count;
};

static void parts_free(struct parts *p) {
  for (size_t i = 0; i < p->count; i++)
    secret_free(&p->part[i]);
}
#define AUTO_PARTS __attribute__((cleanup(parts_free))) struct parts

static err_t join(const struct parts *p, struct secret *out) {
  size_t size = 0, at = 0;
  for (size_t i = 0; i < p->count; i++)
    size += p->part[i].size;
  TRY(secret_new(size, out));
  for (size_t i = 0; i < p->count; at += p->part[i++].size)
    memcpy(out->data + at, p->part[i].data, p->part[i].size);
  return OK;
}

err_t cert_export_pem(const struct key *key, const struct cert_chain *chain, struct secret *out) {
  AUTO_PARTS p = { 0 };
  TRY(check(key, chain));
  if (key)
    TRY(key_to_pem(key, &p.part[p.count++]));
  for (size_t i = 0; i < chain->count; i++)
    TRY(pem_write(PEM_STRING_X509, buf_bytes(&chain->ders[i]), &p.part[p.count++]));
  return join(&p, out);
}
