#include "crypto/x509.h"

#include "crypto/key_der.h"
#include "crypto/pem.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define SERIAL_SIZE 16
#define CERTIFICATE_MAX 65536

CLEANUP(x509, X509 *, X509_free)
CLEANUP(x509_extension, X509_EXTENSION *, X509_EXTENSION_free)
CLEANUP(x509_name, X509_NAME *, X509_NAME_free)
CLEANUP(general_names, GENERAL_NAMES *, GENERAL_NAMES_free)
CLEANUP(general_name, GENERAL_NAME *, GENERAL_NAME_free)
CLEANUP(bignum, BIGNUM *, BN_free)

static err_t parse(struct bytes der, X509 **out) {
  if (der.size == 0 || der.size > CERTIFICATE_MAX)
    FAIL(ERR_BAD_PARAMETER, "a certificate of %zu bytes", der.size);
  const uint8_t *p = der.data;
  X509 *x AUTO(x509) = d2i_X509(NULL, &p, (long)der.size);
  if (!x || p != der.data + der.size)
    EVP_FAIL(ERR_BAD_PARAMETER, "certificate");
  *out = TAKE(x);
  return OK;
}

static err_t put_der(const X509 *x, struct buf *out) {
  int n = i2d_X509(x, NULL);
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "encoding of a certificate");
  if (!buf_reserve(out, (size_t)n))
    return ERR_NOMEM;
  uint8_t *p = out->data + out->size;
  if (i2d_X509(x, &p) != n)
    EVP_FAIL(ERR_CRYPTO, "encoding of a certificate");
  out->size += (size_t)n;
  return OK;
}

/* Positive, 128 random bits with the top one cleared. */
static err_t set_serial(X509 *x) {
  uint8_t serial[SERIAL_SIZE];
  TRY(crypto_random(serial, sizeof serial));
  serial[0] = (serial[0] & 0x7f) | 0x40; /* never short, never zero */
  BIGNUM *number AUTO(bignum) = BN_bin2bn(serial, sizeof serial, NULL);
  if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)))
    EVP_FAIL(ERR_CRYPTO, "serial number");
  return OK;
}

static err_t set_times(X509 *x, const struct x509_subject *s) {
  if (!ASN1_TIME_set(X509_getm_notBefore(x), s->not_before) ||
      !ASN1_TIME_set(X509_getm_notAfter(x), s->not_after))
    EVP_FAIL(ERR_BAD_PARAMETER, "validity");
  return OK;
}

static err_t set_subject(X509 *x, const char *common_name) {
  X509_NAME *name AUTO(x509_name) = X509_NAME_new();
  if (!name ||
      !X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                  (const unsigned char *)common_name, -1, -1, 0) ||
      !X509_set_subject_name(x, name))
    EVP_FAIL(ERR_BAD_PARAMETER, "subject name");
  return OK;
}

struct extension {
  int nid;
  const char *value; /* as in OpenSSL's configuration: nothing from outside may come here */
};

static err_t add_extension(X509 *x, X509 *issuer, const struct extension *e) {
  X509V3_CTX ctx;
  X509V3_set_ctx_nodb(&ctx);
  X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
  X509_EXTENSION *extension AUTO(x509_extension) =
    X509V3_EXT_conf_nid(NULL, &ctx, e->nid, e->value);
  if (!extension || !X509_add_ext(x, extension, -1))
    EVP_FAIL(ERR_CRYPTO, OBJ_nid2sn(e->nid));
  return OK;
}

static bool is_dns_name(const char *text) {
  size_t n = strlen(text);
  return n > 0 && n < 254 &&
         strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") == n;
}

/* A DNS name or an address, as its own kind of GENERAL_NAME. */
static err_t add_name(GENERAL_NAMES *names, const char *text) {
  uint8_t address[sizeof(struct in6_addr)];
  int size = inet_pton(AF_INET, text, address) == 1    ? (int)sizeof(struct in_addr)
             : inet_pton(AF_INET6, text, address) == 1 ? (int)sizeof(struct in6_addr)
                                                       : 0;
  if (!size && !is_dns_name(text))
    REFUSE(ERR_BAD_PARAMETER, "'%s' is neither a DNS name nor an address.", text);
  GENERAL_NAME *name AUTO(general_name) = GENERAL_NAME_new();
  ASN1_STRING *value = size ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  if (!name || !value) {
    ASN1_STRING_free(value);
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  }
  GENERAL_NAME_set0_value(name, size ? GEN_IPADD : GEN_DNS, value);
  if (!ASN1_STRING_set(value, size ? (const void *)address : text, size ? size : -1) ||
      !sk_GENERAL_NAME_push(names, name))
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  name = NULL;
  return OK;
}

static err_t add_names(X509 *x, const struct x509_subject *s) {
  GENERAL_NAMES *names AUTO(general_names) = GENERAL_NAMES_new();
  if (!names)
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  for (size_t i = 0; i < s->name_count; i++)
    TRY(add_name(names, s->names[i]));
  if (s->name_count && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) != 1)
    EVP_FAIL(ERR_CRYPTO, "subjectAltName");
  return OK;
}

static err_t prepare(const struct key *subject_key, const struct x509_subject *s, X509 *x) {
  if (!X509_set_version(x, X509_VERSION_3) || !X509_set_pubkey(x, key_evp(subject_key)))
    EVP_FAIL(ERR_CRYPTO, "certificate");
  TRY(set_serial(x));
  TRY(set_times(x, s));
  return set_subject(x, s->common_name);
}

/* Without an issuer the certificate is its own. */
static err_t issue(const struct key *ca_key, X509 *issuer, const struct key *subject_key,
                   const struct x509_subject *subject, const struct extension *extensions,
                   size_t count, struct buf *der) {
  X509 *x AUTO(x509) = X509_new();
  if (!x)
    EVP_FAIL(ERR_NOMEM, "certificate");
  if (!issuer)
    issuer = x;
  TRY(prepare(subject_key, subject, x));
  if (!X509_set_issuer_name(x, X509_get_subject_name(issuer)))
    EVP_FAIL(ERR_NOMEM, "issuer name");
  for (size_t i = 0; i < count; i++)
    TRY(add_extension(x, issuer, &extensions[i]));
  TRY(add_names(x, subject));
  if (!X509_sign(x, key_evp(ca_key), evp_md(HASH_SHA256)))
    EVP_FAIL(ERR_CRYPTO, "signature of a certificate");
  return put_der(x, der);
}

err_t x509_make_ca(const struct key *ca_key, const struct x509_subject *subject, struct buf *der) {
  static const struct extension extensions[] = {
    { NID_basic_constraints, "critical,CA:TRUE" },
    { NID_key_usage, "critical,keyCertSign,cRLSign" },
    { NID_subject_key_identifier, "hash" },
  };
  return issue(ca_key, NULL, ca_key, subject, extensions, sizeof extensions / sizeof *extensions,
               der);
}

err_t x509_issue_server(const struct key *ca_key, struct bytes ca_der,
                        const struct key *subject_key, const struct x509_subject *subject,
                        struct buf *der) {
  static const struct extension extensions[] = {
    { NID_basic_constraints, "critical,CA:FALSE" },
    { NID_key_usage, "critical,digitalSignature" },
    { NID_ext_key_usage, "serverAuth,clientAuth" },
    { NID_subject_key_identifier, "hash" },
    { NID_authority_key_identifier, "keyid:always" },
  };
  X509 *ca AUTO(x509) = NULL;
  TRY(parse(ca_der, &ca));
  if (X509_check_private_key(ca, key_evp(ca_key)) != 1)
    EVP_FAIL(ERR_BAD_PARAMETER, "the authority's key is not that of its certificate");
  return issue(ca_key, ca, subject_key, subject, extensions, sizeof extensions / sizeof *extensions,
               der);
}

err_t x509_public_key(struct bytes der, struct key **out) {
  X509 *x AUTO(x509) = NULL;
  TRY(parse(der, &x));
  EVP_PKEY *pkey AUTO(evp_pkey) = X509_get_pubkey(x);
  if (!pkey)
    EVP_FAIL(ERR_BAD_PARAMETER, "a certificate's key");
  return key_adopt(&pkey, EVP_PKEY_is_a(pkey, "EC") ? KEY_EC : KEY_RSA, false, out);
}

static err_t unix_seconds(const ASN1_TIME *t, int64_t *out) {
  struct tm tm;
  if (!ASN1_TIME_to_tm(t, &tm))
    EVP_FAIL(ERR_BAD_PARAMETER, "a certificate's time");
  *out = timegm(&tm);
  return OK;
}

err_t x509_validity(struct bytes der, int64_t *not_before, int64_t *not_after) {
  X509 *x AUTO(x509) = NULL;
  TRY(parse(der, &x));
  int64_t from = 0;
  TRY(unix_seconds(X509_get0_notBefore(x), &from));
  TRY(unix_seconds(X509_get0_notAfter(x), not_after));
  *not_before = from;
  return OK;
}

bool x509_covers(struct bytes der, const char *name) {
  X509 *x AUTO(x509) = NULL;
  if (parse(der, &x) != OK)
    return false;
  const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  bool covered =
    X509_check_ip_asc(x, name, 0) == 1 || X509_check_host(x, name, 0, flags, NULL) == 1;
  ERR_clear_error();
  return covered;
}

err_t x509_to_pem(struct bytes der, struct buf *pem) {
  AUTO_SECRET text = { 0 };
  TRY(pem_write(PEM_STRING_X509, der, &text));
  buf_put_bytes(pem, secret_bytes(&text));
  return buf_ok(pem);
}

err_t x509_from_pem(struct bytes text, struct buf *der) {
  static const char *const labels[] = { PEM_STRING_X509, NULL };
  AUTO_SECRET decoded = { 0 };
  bool is_der = text.size && text.data[0] == 0x30; /* SEQUENCE */
  if (!is_der)
    TRY(pem_read(text, labels, &decoded));
  X509 *x AUTO(x509) = NULL;
  TRY(parse(is_der ? text : secret_bytes(&decoded), &x));
  return put_der(x, der);
}
