/* Revocation lists that come from outside. */
#include "crypto/crl.h"

#include "crypto/cert_evp.h"

#include <stdlib.h>

CLEANUP(x509_crl, X509_CRL *, X509_CRL_free)
CLEANUP(asn1_integer, ASN1_INTEGER *, ASN1_INTEGER_free)

void crl_free(struct crl *c) {
  mem_free(c->serials);
  *c = (struct crl){ 0 };
}

static err_t parse(struct bytes der, X509_CRL **out) {
  if (der.size == 0 || der.size > CRL_DER_MAX)
    FAIL(ERR_BAD_PARAMETER, "a revocation list of %zu bytes", der.size);
  const uint8_t *p = der.data;
  X509_CRL *crl AUTO(x509_crl) = d2i_X509_CRL(NULL, &p, (long)der.size);
  if (!crl || p != der.data + der.size)
    EVP_FAIL(ERR_BAD_PARAMETER, "a malformed revocation list");
  *out = TAKE(crl);
  return OK;
}

static err_t check_signature(X509_CRL *crl, X509 *ca) {
  EVP_PKEY *key = X509_get0_pubkey(ca);
  if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) != 0)
    FAIL(ERR_BAD_PARAMETER, "a revocation list of another authority");
  if (X509_check_ca(ca) == 0 || !(X509_get_key_usage(ca) & KU_CRL_SIGN))
    EVP_FAIL(ERR_BAD_PARAMETER, "a revocation list of whom may sign none");
  (void)evp_out_of_memory();
  if (!key || X509_CRL_verify(crl, key) != 1)
    EVP_FAIL(ERR_BAD_PARAMETER, "a revocation list that its authority has not signed");
  return OK;
}

/* What changes the meaning of a list is critical: lists of changes, of some certificates, of
 * others' certificates. */
static err_t check_extensions(const STACK_OF(X509_EXTENSION) * list) {
  for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
    X509_EXTENSION *e = sk_X509_EXTENSION_value(list, i);
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
    if (X509_EXTENSION_get_critical(e) && nid != NID_crl_number && nid != NID_crl_reason &&
        nid != NID_authority_key_identifier && nid != NID_invalidity_date)
      FAIL(ERR_BAD_PARAMETER, "a revocation list with a critical extension that is not known");
  }
  return OK;
}

static err_t read_number(const X509_CRL *crl, uint64_t *out) {
  ASN1_INTEGER *number AUTO(asn1_integer) = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
  if (!number || ASN1_INTEGER_get_uint64(out, number) != 1)
    EVP_FAIL(ERR_BAD_PARAMETER, "a revocation list without a number, or with too high a one");
  return OK;
}

static err_t read_times(const X509_CRL *crl, struct crl *out) {
  const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
  if (!next)
    FAIL(ERR_BAD_PARAMETER, "a revocation list that never ends");
  TRY(cert_unix_seconds(X509_CRL_get0_lastUpdate(crl), &out->this_update));
  TRY(cert_unix_seconds(next, &out->next_update));
  if (out->next_update < out->this_update)
    FAIL(ERR_BAD_PARAMETER, "a revocation list that ends before it begins");
  return OK;
}

static err_t read_entry(const X509_REVOKED *entry, struct crl_serial *out) {
  const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
  int n = ASN1_STRING_length(serial);
  if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || n < 0 || n > CERT_SERIAL_MAX)
    FAIL(ERR_BAD_PARAMETER, "a revocation list with a serial number that is none");
  TRY(check_extensions(X509_REVOKED_get0_extensions(entry)));
  out->size = (uint8_t)n;
  if (n)
    memcpy(out->data, ASN1_STRING_get0_data(serial), (size_t)n);
  return OK;
}

static int compare(const void *a, const void *b) {
  const struct crl_serial *l = a, *r = b;
  return l->size != r->size ? l->size - r->size
                            : memcmp(l->data, r->data, l->size); /* not secret */
}

static err_t read_entries(X509_CRL *crl, struct crl *out) {
  STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
  int count = entries ? sk_X509_REVOKED_num(entries) : 0;
  if (count <= 0)
    return OK;
  if (!(out->serials = mem_zalloc((size_t)count * sizeof *out->serials)))
    return ERR_NOMEM;
  for (int i = 0; i < count; i++)
    TRY(read_entry(sk_X509_REVOKED_value(entries, i), &out->serials[out->count++]));
  qsort(out->serials, out->count, sizeof *out->serials, compare);
  return OK;
}

err_t crl_read(struct bytes der, struct bytes ca_der, struct crl *out) {
  X509 *ca AUTO(x509) = NULL;
  X509_CRL *crl AUTO(x509_crl) = NULL;
  AUTO_CRL c = { 0 };
  TRY(parse(der, &crl));
  TRY(cert_parse(ca_der, &ca));
  TRY(check_signature(crl, ca));
  TRY(check_extensions(X509_CRL_get0_extensions(crl)));
  TRY(read_number(crl, &c.number));
  TRY(read_times(crl, &c));
  TRY(read_entries(crl, &c));
  *out = c;
  c = (struct crl){ 0 };
  return OK;
}

bool crl_has(const struct crl *c, struct bytes serial) {
  struct crl_serial wanted = { .size = (uint8_t)serial.size };
  if (serial.size > CERT_SERIAL_MAX || c->count == 0)
    return false;
  if (serial.size)
    memcpy(wanted.data, serial.data, serial.size);
  return bsearch(&wanted, c->serials, c->count, sizeof *c->serials, compare) != NULL;
}
