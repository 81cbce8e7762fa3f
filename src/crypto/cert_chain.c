/* Chains: which certificate is the key's, and which issued which. */
#include "crypto/cert_evp.h"

#include <openssl/err.h>

struct pool {
  X509 *certs[CERT_CHAIN_MAX];
  size_t count;
};

static void pool_free(struct pool *p) {
  for (size_t i = 0; i < p->count; i++)
    X509_free(p->certs[i]);
}
#define AUTO_POOL __attribute__((cleanup(pool_free))) struct pool

void cert_chain_free(struct cert_chain *chain) {
  for (size_t i = 0; i < chain->count; i++)
    buf_free(&chain->ders[i]);
  *chain = (struct cert_chain){ 0 };
}

bool cert_is_of(const X509 *x, const struct key *key) {
  EVP_PKEY *theirs = X509_get0_pubkey(x), *ours = key_evp(key);
  bool same = theirs && ours && EVP_PKEY_eq(theirs, ours) == 1;
  ERR_clear_error();
  return same;
}

static bool holds(const struct pool *p, const X509 *x) {
  for (size_t i = 0; i < p->count; i++)
    if (X509_cmp(p->certs[i], x) == 0)
      return true;
  return false;
}

static err_t collect(const struct bytes *ders, size_t count, struct pool *p) {
  for (size_t i = 0; i < count; i++) {
    X509 *x AUTO(x509) = NULL;
    TRY(cert_parse(ders[i], &x));
    if (holds(p, x))
      continue;
    if (p->count == CERT_CHAIN_MAX)
      REFUSE(ERR_BAD_PARAMETER, "There are more than %d certificates.", CERT_CHAIN_MAX);
    p->certs[p->count++] = TAKE(x);
  }
  return OK;
}

/* Names, key identifiers and the signature. */
static bool issued(X509 *issuer, X509 *x) {
  EVP_PKEY *pkey = X509_get0_pubkey(issuer);
  bool yes = pkey && X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, pkey) == 1;
  ERR_clear_error();
  return yes;
}

static void bring_to(struct pool *p, size_t from, size_t to) {
  X509 *x = p->certs[from];
  for (; from > to; from--)
    p->certs[from] = p->certs[from - 1];
  p->certs[to] = x;
}

/* The key's own certificate; of several the one that is valid longest. count: there is none. */
static size_t find_leaf(const struct pool *p, const struct key *key) {
  size_t found = p->count;
  for (size_t i = 0; i < p->count; i++)
    if (cert_is_of(p->certs[i], key) &&
        (found == p->count || ASN1_TIME_compare(X509_get0_notAfter(p->certs[i]),
                                                X509_get0_notAfter(p->certs[found])) > 0))
      found = i;
  return found;
}

/* A hash that can be made to collide says nothing of who signed. Roots are trusted for what they
 * are, and not for their signature. */
static err_t check_signature(const X509 *x) {
  int hash = NID_undef;
  bool known = X509_get_signature_info((X509 *)x, &hash, NULL, NULL, NULL) == 1;
  ERR_clear_error();
  if (known && (hash == NID_md5 || hash == NID_sha1 || hash == NID_md5_sha1 || hash == NID_md4))
    REFUSE(ERR_BAD_PARAMETER,
           "The certificate is signed with %s, which is too weak: SHA-256 or "
           "better expected.",
           OBJ_nid2ln(hash));
  return OK;
}

static void sort(struct pool *p) {
  for (size_t at = 1; at < p->count; at++) {
    size_t i = at;
    while (i < p->count && !issued(p->certs[i], p->certs[at - 1]))
      i++;
    if (i == p->count)
      return;
    bring_to(p, i, at);
  }
}

static err_t put_all(const struct pool *p, struct cert_chain *chain) {
  AUTO_CERT_CHAIN c = { 0 };
  for (size_t i = 0; i < p->count; i++) {
    c.count++;
    TRY(cert_put(p->certs[i], &c.ders[i]));
  }
  *chain = c;
  c = (struct cert_chain){ 0 };
  return OK;
}

err_t cert_merge_chain(const struct bytes *ders, size_t count, const struct key *key,
                       struct cert_chain *chain) {
  AUTO_POOL p = { 0 };
  AUTO_CERT_CHAIN c = { 0 };
  AUTO_CERT_INFO leaf = { 0 };
  if (count == 0)
    REFUSE(ERR_BAD_PARAMETER, "There is no X.509 certificate in the specified content.");
  (void)evp_out_of_memory();
  TRY(collect(ders, count, &p));
  size_t own = find_leaf(&p, key);
  if (own < p.count && !chain->keep_order) {
    bring_to(&p, own, 0);
    sort(&p);
    own = 0;
  }
  if (evp_out_of_memory())
    FAIL(ERR_NOMEM, "a chain");
  if (own == p.count)
    return cert_refuse_mismatch();
  TRY(check_signature(p.certs[own]));
  TRY(put_all(&p, &c));
  c.leaf = own;
  c.keep_order = chain->keep_order;
  TRY(cert_read(buf_bytes(&c.ders[own]), &leaf)); /* whatever is kept can be shown */
  *chain = c;
  c = (struct cert_chain){ 0 };
  return OK;
}
