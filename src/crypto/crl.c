#include "crypto/crl.h"

#include "crypto/cert_evp.h"

CLEANUP(x509_crl, X509_CRL *, X509_CRL_free)
CLEANUP(x509_revoked, X509_REVOKED *, X509_REVOKED_free)
CLEANUP(asn1_enumerated, ASN1_ENUMERATED *, ASN1_ENUMERATED_free)
CLEANUP(asn1_integer, ASN1_INTEGER *, ASN1_INTEGER_free)
CLEANUP(asn1_time, ASN1_TIME *, ASN1_TIME_free)

static err_t set_reason(X509_REVOKED *r, unsigned reason) {
  ASN1_ENUMERATED *code AUTO(asn1_enumerated) = ASN1_ENUMERATED_new();
  if (reason == 0)
    return OK;
  if (!code || !ASN1_ENUMERATED_set(code, (long)reason) ||
      X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, code, 0, 0) != 1)
    EVP_FAIL(ERR_CRYPTO, "reason of a revocation");
  return OK;
}

static err_t add_entry(const struct crl_entry *e, X509_CRL *crl) {
  X509_REVOKED *r AUTO(x509_revoked) = X509_REVOKED_new();
  ASN1_INTEGER *serial AUTO(asn1_integer) = NULL;
  ASN1_TIME *when AUTO(asn1_time) = ASN1_TIME_set(NULL, e->when);
  TRY(serial_make(e->serial, &serial));
  if (!r || !when || !X509_REVOKED_set_serialNumber(r, serial) ||
      !X509_REVOKED_set_revocationDate(r, when))
    EVP_FAIL(ERR_CRYPTO, "entry of a revocation list");
  TRY(set_reason(r, e->reason));
  if (!X509_CRL_add0_revoked(crl, r))
    EVP_FAIL(ERR_NOMEM, "entry of a revocation list");
  r = NULL;
  return OK;
}

static err_t set_times(const struct crl_list *list, X509_CRL *crl) {
  ASN1_TIME *from AUTO(asn1_time) = ASN1_TIME_set(NULL, list->this_update);
  ASN1_TIME *until AUTO(asn1_time) = ASN1_TIME_set(NULL, list->next_update);
  if (!from || !until || !X509_CRL_set1_lastUpdate(crl, from) ||
      !X509_CRL_set1_nextUpdate(crl, until))
    EVP_FAIL(ERR_CRYPTO, "times of a revocation list");
  return OK;
}

static err_t add_number(const struct crl_list *list, X509_CRL *crl) {
  ASN1_INTEGER *number AUTO(asn1_integer) = ASN1_INTEGER_new();
  if (!number || !ASN1_INTEGER_set_uint64(number, list->number) ||
      X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) != 1)
    EVP_FAIL(ERR_CRYPTO, "number of a revocation list");
  return OK;
}

static err_t sign(const struct key *k, X509_CRL *crl) {
  (void)evp_out_of_memory();
  bool done = X509_CRL_sign(crl, key_evp(k), cert_hash_for(k)) > 0;
  return cert_signed_well(k, done, done && X509_CRL_verify(crl, key_evp(k)) == 1);
}

static err_t put(const X509_CRL *crl, struct buf *out) {
  unsigned char *der = NULL;
  int n = i2d_X509_CRL(crl, &der);
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "encoding of a revocation list");
  buf_put(out, der, (size_t)n);
  OPENSSL_free(der);
  return buf_ok(out);
}

err_t crl_sign(const struct key *ca_key, struct bytes ca_der, const struct crl_list *list,
               struct buf *der) {
  X509 *ca AUTO(x509) = NULL;
  AUTHORITY_KEYID *authority AUTO(akid) = NULL;
  X509_CRL *crl AUTO(x509_crl) = X509_CRL_new();
  TRY(cert_parse(ca_der, &ca));
  TRY(cert_matches_key(ca_der, ca_key));
  TRY(cert_authority_id(ca, &authority));
  if (!crl || !X509_CRL_set_version(crl, X509_CRL_VERSION_2) ||
      !X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) ||
      X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, authority, 0, 0) != 1)
    EVP_FAIL(ERR_CRYPTO, "revocation list");
  TRY(set_times(list, crl));
  TRY(add_number(list, crl));
  for (size_t i = 0; i < list->count; i++)
    TRY(add_entry(&list->entries[i], crl));
  TRY(sign(ca_key, crl));
  return put(crl, der);
}
