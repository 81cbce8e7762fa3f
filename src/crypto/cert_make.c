/*
 * Certificates and requests that are made here.
 *
 * A certificate is put together from its parts' DER, not from OpenSSL's X509: that reads a key
 * again each time that it is given one, which costs several times what the signature does.
 */
#include "crypto/cert_evp.h"

#include "crypto/key_der.h"

#include <openssl/err.h>

#define TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z, RFC 5280's last second */

CLEANUP(bignum, BIGNUM *, BN_free)
CLEANUP(asn1_integer, ASN1_INTEGER *, ASN1_INTEGER_free)
CLEANUP(asn1_time, ASN1_TIME *, ASN1_TIME_free)
CLEANUP(x509_algor, X509_ALGOR *, X509_ALGOR_free)

struct cert_issuer {
  const struct key *key; /* borrowed */
  struct buf name;       /* DER */
  ASN1_STRING *id;       /* as it names its key itself */
};

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

/* Parts. */

static err_t put_part(unsigned char *der, int n, struct buf *out) {
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "encoding of a certificate");
  buf_put(out, der, (size_t)n);
  OPENSSL_free(der);
  return buf_ok(out);
}
#define PUT(type, value, out) \
  ({ \
    unsigned char *der_ = NULL; \
    int n_ = i2d_##type((value), &der_); \
    put_part(der_, n_, (out)); \
  })

/* Puts tag and length before the contents. */
static err_t put_wrapped(uint8_t tag, struct bytes contents, struct buf *out) {
  uint8_t length[4];
  unsigned n = 0;
  buf_put_char(out, (char)tag);
  for (size_t rest = contents.size; contents.size >= 0x80 && rest; rest >>= 8)
    length[n++] = (uint8_t)rest;
  buf_put_char(out, (char)(n ? 0x80 | n : contents.size));
  while (n)
    buf_put_char(out, (char)length[--n]);
  buf_put_bytes(out, contents);
  return buf_ok(out);
}
#define SEQUENCE 0x30
#define BIT_STRING 0x03
#define EXPLICIT(n) (0xa0 + (n))

static err_t put_algorithm(const struct key *k, struct buf *out) {
  int nid = NID_undef;
  bool rsa = key_spec(k)->type == KEY_RSA;
  X509_ALGOR *alg AUTO(x509_algor) = X509_ALGOR_new();
  if (!OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(cert_hash_for(k)),
                              rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey) ||
      !alg || !X509_ALGOR_set0(alg, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL))
    EVP_FAIL(ERR_CRYPTO, "signature algorithm");
  return PUT(X509_ALGOR, alg, out);
}

static err_t put_time(int64_t when, struct buf *out) {
  ASN1_TIME *t AUTO(asn1_time) = ASN1_TIME_set(NULL, when);
  if (!t)
    EVP_FAIL(ERR_CRYPTO, "validity");
  return PUT(ASN1_TIME, t, out);
}

static err_t put_validity(const struct cert_profile *p, struct buf *out) {
  AUTO_BUF times = BUF_EMPTY;
  TRY(check_times(p));
  TRY(put_time(p->not_before, &times));
  TRY(put_time(p->not_after, &times));
  return put_wrapped(SEQUENCE, buf_bytes(&times), out);
}

static err_t put_serial(const struct cert_profile *p, struct buf *out) {
  uint8_t serial[CERT_SERIAL_SIZE];
  ASN1_INTEGER *number AUTO(asn1_integer) = NULL;
  if (p->serial)
    memcpy(serial, p->serial, sizeof serial);
  else
    TRY(cert_serial_random(serial));
  TRY(serial_make(bytes_of(serial, sizeof serial), &number));
  return PUT(ASN1_INTEGER, number, out);
}

static err_t put_subject(const struct cert_profile *p, struct buf *out) {
  X509_NAME *subject AUTO(x509_name) = NULL;
  TRY(name_from_text(p->subject, &subject));
  return PUT(X509_NAME, subject, out);
}

/* The key's identifier, RFC 5280's method 1: SHA-1 of the public key's bits. */
static err_t key_identifier(struct bytes spki, ASN1_STRING **out) {
  uint8_t digest[SHA1_SIZE];
  struct bytes bits;
  ASN1_STRING *id AUTO(asn1_string) = ASN1_OCTET_STRING_new();
  TRY(spki_bits(spki, &bits));
  TRY(crypto_sha1(bits, digest));
  if (!id || !ASN1_STRING_set(id, digest, sizeof digest))
    EVP_FAIL(ERR_NOMEM, "key identifier");
  *out = TAKE(id);
  return OK;
}

static err_t authority_of(const ASN1_STRING *identifier, AUTHORITY_KEYID **out) {
  AUTHORITY_KEYID *id AUTO(akid) = AUTHORITY_KEYID_new();
  if (!id)
    EVP_FAIL(ERR_NOMEM, "authorityKeyIdentifier");
  ASN1_OCTET_STRING_free(id->keyid);
  if (!(id->keyid = ASN1_STRING_dup(identifier)))
    EVP_FAIL(ERR_NOMEM, "authorityKeyIdentifier");
  *out = TAKE(id);
  return OK;
}

err_t cert_authority_id(X509 *issuer, AUTHORITY_KEYID **out) {
  ASN1_STRING *made AUTO(asn1_string) = NULL;
  const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer);
  uint8_t digest[SHA1_SIZE];
  if (own)
    return authority_of(own, out);
  made = ASN1_OCTET_STRING_new();
  if (!made || !X509_pubkey_digest(issuer, evp_md(HASH_SHA1), digest, NULL) ||
      !ASN1_STRING_set(made, digest, sizeof digest))
    EVP_FAIL(ERR_CRYPTO, "key identifier");
  return authority_of(made, out);
}

static err_t put_extensions(const struct cert_profile *p, const ASN1_STRING *own,
                            const ASN1_STRING *issuer, struct buf *out) {
  STACK_OF(X509_EXTENSION) * list AUTO(extensions) = NULL;
  AUTHORITY_KEYID *authority AUTO(akid) = NULL;
  AUTO_BUF der = BUF_EMPTY;
  TRY(extensions_make(p, &list));
  TRY(extensions_of_issuer(p, &list));
  TRY(authority_of(issuer, &authority));
  TRY(extension_add(&list, NID_subject_key_identifier, (void *)own, false));
  TRY(extension_add(&list, NID_authority_key_identifier, authority, false));
  TRY(PUT(X509_EXTENSIONS, list, &der));
  return put_wrapped(EXPLICIT(3), buf_bytes(&der), out);
}

/* TBSCertificate's contents. Without an issuer the certificate is its own. */
static err_t put_contents(const struct key *ca_key, const struct cert_issuer *issuer,
                          const struct key *subject_key, const struct cert_profile *p,
                          struct buf *out) {
  static const uint8_t v3[] = { EXPLICIT(0), 3, 0x02, 1, 2 };
  ASN1_STRING *own AUTO(asn1_string) = NULL;
  AUTO_SECRET spki = { 0 };
  TRY(spki_encode(subject_key, &spki));
  TRY(key_identifier(secret_bytes(&spki), &own));
  buf_put(out, v3, sizeof v3);
  TRY(put_serial(p, out));
  TRY(put_algorithm(ca_key, out));
  if (issuer)
    buf_put_bytes(out, buf_bytes(&issuer->name));
  else
    TRY(put_subject(p, out));
  TRY(put_validity(p, out));
  TRY(put_subject(p, out));
  buf_put_bytes(out, secret_bytes(&spki));
  return put_extensions(p, own, issuer ? issuer->id : own, out);
}

/* EC's are not looked at: what alg_rsa.c says is of RSA. */
static bool valid(const struct key *k, struct bytes tbs, const uint8_t *signature, size_t size) {
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = NULL;
  if (key_spec(k)->type == KEY_EC && !key_distrusted(k))
    return true;
  return (ctx = EVP_MD_CTX_new()) &&
         EVP_DigestVerifyInit(ctx, NULL, cert_hash_for(k), NULL, key_evp(k)) == 1 &&
         EVP_DigestVerify(ctx, signature, size, tbs.data, tbs.size) == 1;
}

#define SIGNATURE_MAX 1024

static err_t put_signature(const struct key *k, struct bytes tbs, struct buf *out) {
  uint8_t signature[1 + SIGNATURE_MAX] = { 0 }; /* no unused bits */
  size_t size = SIGNATURE_MAX;
  (void)evp_out_of_memory();
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = EVP_MD_CTX_new();
  bool done = ctx && EVP_DigestSignInit(ctx, NULL, cert_hash_for(k), NULL, key_evp(k)) == 1 &&
              EVP_DigestSign(ctx, signature + 1, &size, tbs.data, tbs.size) == 1;
  TRY(cert_signed_well(k, done, done && valid(k, tbs, signature + 1, size)));
  return put_wrapped(BIT_STRING, bytes_of(signature, size + 1), out);
}

static err_t issue(const struct key *ca_key, const struct cert_issuer *issuer,
                   const struct key *subject_key, const struct cert_profile *p, struct buf *der) {
  AUTO_BUF contents = BUF_EMPTY, parts = BUF_EMPTY, whole = BUF_EMPTY;
  TRY(check_key(ca_key, true));
  TRY(check_key(subject_key, false));
  TRY(put_contents(ca_key, issuer, subject_key, p, &contents));
  TRY(put_wrapped(SEQUENCE, buf_bytes(&contents), &parts));
  AUTO_BUF signature = BUF_EMPTY;
  TRY(put_signature(ca_key, buf_bytes(&parts), &signature));
  TRY(put_algorithm(ca_key, &parts));
  buf_put_bytes(&parts, buf_bytes(&signature));
  TRY(buf_ok(&parts));
  TRY(put_wrapped(SEQUENCE, buf_bytes(&parts), &whole));
  buf_put_bytes(der, buf_bytes(&whole));
  return buf_ok(der);
}

err_t cert_self_sign(const struct key *key, const struct cert_profile *p, struct buf *der) {
  return issue(key, NULL, key, p, der);
}

void cert_issuer_free(struct cert_issuer *i) {
  buf_free(&i->name);
  ASN1_STRING_free(i->id);
  mem_free(i);
}

err_t cert_issuer_new(const struct key *ca_key, struct bytes ca_der, struct cert_issuer **out) {
  X509 *ca AUTO(x509) = NULL;
  AUTHORITY_KEYID *id AUTO(akid) = NULL;
  AUTO(cert_issuer) struct cert_issuer *i = mem_zalloc(sizeof *i);
  if (!i)
    return ERR_NOMEM;
  TRY(cert_parse(ca_der, &ca));
  TRY(cert_matches_key(ca_der, ca_key));
  if (X509_check_ca(ca) != 1 || !(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN))
    EVP_REFUSE("The authority's certificate may not sign certificates.");
  i->key = ca_key;
  TRY(PUT(X509_NAME, X509_get_subject_name(ca), &i->name));
  TRY(cert_authority_id(ca, &id));
  i->id = TAKE(id->keyid);
  *out = TAKE(i);
  return OK;
}

err_t cert_issue_by(const struct cert_issuer *issuer, const struct key *subject_key,
                    const struct cert_profile *p, struct buf *der) {
  return issue(issuer->key, issuer, subject_key, p, der);
}

err_t cert_issue(const struct key *ca_key, struct bytes ca_der, const struct key *subject_key,
                 const struct cert_profile *p, struct buf *der) {
  AUTO(cert_issuer) struct cert_issuer *issuer = NULL;
  TRY(cert_issuer_new(ca_key, ca_der, &issuer));
  return cert_issue_by(issuer, subject_key, p, der);
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
