/* Certificates and requests that are made here. */
#include "crypto/cert_evp.h"

#include "crypto/key_der.h"

#include <openssl/err.h>

#define TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z, RFC 5280's last second */

CLEANUP(bignum, BIGNUM *, BN_free)
CLEANUP(asn1_integer, ASN1_INTEGER *, ASN1_INTEGER_free)

const EVP_MD *cert_hash_for(const struct key *k) {
  const struct key_spec *spec = key_spec(k);
  if (spec->type == KEY_RSA || spec->bits <= 256)
    return evp_md(HASH_SHA256);
  return evp_md(spec->bits <= 384 ? HASH_SHA384 : HASH_SHA512);
}

static err_t check_key(const struct key *k, bool needs_private) {
  if (key_spec(k)->type == KEY_OCT)
    REFUSE(ERR_BAD_PARAMETER, "Certificates are for RSA and EC keys.");
  if (needs_private && !key_is_private(k))
    FAIL(ERR_INTERNAL, "a signature with a public key");
  return OK;
}

static err_t check_times(const struct cert_profile *p) {
  if (p->not_before < 0 || p->not_after <= p->not_before || p->not_after > TIME_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The certificate's validity has to end after it begins, and before "
                              "the year 10000.");
  return OK;
}

err_t cert_serial_random(uint8_t out[static CERT_SERIAL_SIZE]) {
  TRY(crypto_random(out, CERT_SERIAL_SIZE));
  out[0] = (out[0] & 0x7f) | 0x40; /* never short, never zero */
  return OK;
}

err_t serial_make(struct bytes serial, ASN1_INTEGER **out) {
  BIGNUM *number AUTO(bignum) = BN_bin2bn(serial.data, (int)serial.size, NULL);
  if (!number || !(*out = BN_to_ASN1_INTEGER(number, NULL)))
    EVP_FAIL(ERR_CRYPTO, "serial number");
  return OK;
}

static err_t set_serial(X509 *x, const struct cert_profile *p) {
  uint8_t serial[CERT_SERIAL_SIZE];
  if (p->serial)
    memcpy(serial, p->serial, sizeof serial);
  else
    TRY(cert_serial_random(serial));
  ASN1_INTEGER *number AUTO(asn1_integer) = NULL;
  TRY(serial_make(bytes_of(serial, sizeof serial), &number));
  if (!X509_set_serialNumber(x, number))
    EVP_FAIL(ERR_NOMEM, "serial number");
  return OK;
}

static err_t set_times(X509 *x, const struct cert_profile *p) {
  TRY(check_times(p));
  if (!ASN1_TIME_set(X509_getm_notBefore(x), p->not_before) ||
      !ASN1_TIME_set(X509_getm_notAfter(x), p->not_after))
    EVP_FAIL(ERR_CRYPTO, "validity");
  return OK;
}

/* The key's identifier, RFC 5280's method 1: SHA-1 of the public key. */
static err_t key_identifier(const X509 *x, ASN1_STRING **out) {
  uint8_t digest[SHA1_SIZE];
  ASN1_STRING *id AUTO(asn1_string) = ASN1_OCTET_STRING_new();
  if (!id || !X509_pubkey_digest(x, evp_md(HASH_SHA1), digest, NULL) ||
      !ASN1_STRING_set(id, digest, sizeof digest))
    EVP_FAIL(ERR_CRYPTO, "key identifier");
  *out = TAKE(id);
  return OK;
}

/* The issuer's identifier as it names it itself. */
static err_t issuer_identifier(X509 *issuer, ASN1_STRING **out) {
  const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer);
  if (!own)
    return key_identifier(issuer, out);
  if (!(*out = ASN1_OCTET_STRING_dup(own)))
    EVP_FAIL(ERR_NOMEM, "key identifier");
  return OK;
}

/* Takes the identifier over. */
static err_t authority_of(ASN1_STRING **identifier, AUTHORITY_KEYID **out) {
  AUTHORITY_KEYID *id AUTO(akid) = AUTHORITY_KEYID_new();
  if (!id)
    EVP_FAIL(ERR_NOMEM, "authorityKeyIdentifier");
  ASN1_OCTET_STRING_free(id->keyid);
  id->keyid = TAKE(*identifier);
  *out = TAKE(id);
  return OK;
}

err_t cert_authority_id(X509 *issuer, AUTHORITY_KEYID **out) {
  ASN1_STRING *identifier AUTO(asn1_string) = NULL;
  TRY(issuer_identifier(issuer, &identifier));
  return authority_of(&identifier, out);
}

/* One that is its own issuer is not finished: OpenSSL must not look at its extensions yet. */
static err_t add_identifiers(X509 *x, X509 *issuer) {
  ASN1_STRING *own AUTO(asn1_string) = NULL, *same AUTO(asn1_string) = NULL;
  AUTHORITY_KEYID *authority AUTO(akid) = NULL;
  TRY(key_identifier(x, &own));
  if (issuer == x) {
    TRY(key_identifier(x, &same));
    TRY(authority_of(&same, &authority));
  } else {
    TRY(cert_authority_id(issuer, &authority));
  }
  if (X509_add1_ext_i2d(x, NID_subject_key_identifier, own, 0, 0) != 1 ||
      X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0, 0) != 1)
    EVP_FAIL(ERR_CRYPTO, "key identifiers");
  return OK;
}

static err_t add_extensions(X509 *x, const struct cert_profile *p) {
  STACK_OF(X509_EXTENSION) * list AUTO(extensions) = NULL;
  TRY(extensions_make(p, &list));
  TRY(extensions_of_issuer(p, &list));
  for (int i = 0; i < sk_X509_EXTENSION_num(list); i++)
    if (!X509_add_ext(x, sk_X509_EXTENSION_value(list, i), -1))
      EVP_FAIL(ERR_NOMEM, "extension");
  return OK;
}

static err_t set_subject(X509 *x, const struct cert_profile *p) {
  X509_NAME *subject AUTO(x509_name) = NULL;
  TRY(name_from_text(p->subject, &subject));
  if (!X509_set_subject_name(x, subject))
    EVP_FAIL(ERR_NOMEM, "subject");
  return OK;
}

/* Where memory ran out while OpenSSL signed, it may use what it has not finished at the next
 * signature, too (alg_rsa.c): the key is marked, and each signature is looked at. */
err_t cert_signed_well(const struct key *k, bool done, bool valid) {
  bool no_memory = evp_out_of_memory();
  if (no_memory || (done && !valid))
    key_distrust(k);
  if (no_memory || !done || !valid)
    EVP_FAIL(done && !no_memory ? ERR_BUSY : ERR_CRYPTO, "signature of a certificate");
  return OK;
}

static err_t sign(const struct key *k, X509 *x) {
  (void)evp_out_of_memory();
  bool done = X509_sign(x, key_evp(k), cert_hash_for(k)) > 0;
  return cert_signed_well(k, done, done && X509_verify(x, key_evp(k)) == 1);
}

/* Without an issuer the certificate is its own. */
static err_t issue(const struct key *ca_key, X509 *issuer, const struct key *subject_key,
                   const struct cert_profile *p, struct buf *der) {
  X509 *x AUTO(x509) = X509_new();
  TRY(check_key(ca_key, true));
  TRY(check_key(subject_key, false));
  if (!x || !X509_set_version(x, X509_VERSION_3) || !X509_set_pubkey(x, key_evp(subject_key)))
    EVP_FAIL(ERR_CRYPTO, "certificate");
  TRY(set_serial(x, p));
  TRY(set_times(x, p));
  TRY(set_subject(x, p));
  if (!X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)))
    EVP_FAIL(ERR_NOMEM, "issuer name");
  TRY(add_extensions(x, p));
  TRY(add_identifiers(x, issuer ? issuer : x));
  TRY(sign(ca_key, x));
  return cert_put(x, der);
}

err_t cert_self_sign(const struct key *key, const struct cert_profile *p, struct buf *der) {
  return issue(key, NULL, key, p, der);
}

err_t cert_issue(const struct key *ca_key, struct bytes ca_der, const struct key *subject_key,
                 const struct cert_profile *p, struct buf *der) {
  X509 *ca AUTO(x509) = NULL;
  TRY(cert_parse(ca_der, &ca));
  TRY(cert_matches_key(ca_der, ca_key));
  if (X509_check_ca(ca) != 1 || !(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN))
    EVP_REFUSE("The authority's certificate may not sign certificates.");
  return issue(ca_key, ca, subject_key, p, der);
}

err_t cert_profile_check(const struct cert_profile *p) {
  X509_NAME *subject AUTO(x509_name) = NULL;
  STACK_OF(X509_EXTENSION) * list AUTO(extensions) = NULL;
  TRY(check_times(p));
  TRY(name_from_text(p->subject, &subject));
  return extensions_make(p, &list);
}

static err_t put_request(const X509_REQ *r, struct buf *out) {
  unsigned char *der = NULL;
  int n = i2d_X509_REQ(r, &der);
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "encoding of a request");
  buf_put(out, der, (size_t)n);
  OPENSSL_free(der);
  return buf_ok(out);
}

err_t cert_request(const struct key *key, const struct cert_profile *p, struct buf *der) {
  X509_NAME *subject AUTO(x509_name) = NULL;
  STACK_OF(X509_EXTENSION) * list AUTO(extensions) = NULL;
  X509_REQ *r AUTO(x509_req) = X509_REQ_new();
  TRY(check_key(key, true));
  TRY(name_from_text(p->subject, &subject));
  TRY(extensions_make(p, &list));
  if (!r || !X509_REQ_set_version(r, X509_REQ_VERSION_1) || !X509_REQ_set_pubkey(r, key_evp(key)) ||
      !X509_REQ_set_subject_name(r, subject) || !X509_REQ_add_extensions(r, list))
    EVP_FAIL(ERR_CRYPTO, "request");
  (void)evp_out_of_memory();
  bool done = X509_REQ_sign(r, key_evp(key), cert_hash_for(key)) > 0;
  TRY(cert_signed_well(key, done, done && X509_REQ_verify(r, key_evp(key)) == 1));
  return put_request(r, der);
}
