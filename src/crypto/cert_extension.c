/* The extensions of certificates and requests, in both directions. */
#include "crypto/cert_evp.h"

#include <openssl/err.h>

CLEANUP(bit_string, ASN1_BIT_STRING *, ASN1_BIT_STRING_free)
CLEANUP(basic_constraints, BASIC_CONSTRAINTS *, BASIC_CONSTRAINTS_free)

static const char *const usage_names[USAGE_COUNT] = {
  "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
  "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly",
};

const char *cert_usage_name(unsigned i) {
  return usage_names[i];
}

unsigned cert_usage_bit(struct bytes name) {
  for (unsigned i = 0; i < USAGE_COUNT; i++)
    if (bytes_equal_nocase(name, usage_names[i]))
      return 1u << i;
  return 0;
}

err_t extension_add(STACK_OF(X509_EXTENSION) * *list, int nid, void *value, bool critical) {
  if (X509V3_add1_i2d(list, nid, value, critical, X509V3_ADD_APPEND) != 1)
    EVP_FAIL(ERR_CRYPTO, OBJ_nid2sn(nid));
  return OK;
}

static err_t add_constraints(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  BASIC_CONSTRAINTS *constraints AUTO(basic_constraints) = BASIC_CONSTRAINTS_new();
  if (!constraints)
    EVP_FAIL(ERR_NOMEM, "basicConstraints");
  constraints->ca = p->ca ? 0xff : 0;
  if (p->ca && p->ca_last && !(constraints->pathlen = ASN1_INTEGER_new())) /* new: 0 */
    EVP_FAIL(ERR_NOMEM, "basicConstraints");
  return extension_add(list, NID_basic_constraints, constraints, true);
}

static err_t add_usage(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  ASN1_BIT_STRING *bits AUTO(bit_string) = ASN1_BIT_STRING_new();
  if (p->usage == 0)
    return OK;
  if (p->usage >> USAGE_COUNT)
    FAIL(ERR_BAD_PARAMETER, "key usage 0x%x", p->usage);
  if (!bits)
    EVP_FAIL(ERR_NOMEM, "keyUsage");
  for (int i = 0; i < USAGE_COUNT; i++)
    if (p->usage >> i & 1 && !ASN1_BIT_STRING_set_bit(bits, i, 1))
      EVP_FAIL(ERR_NOMEM, "keyUsage");
  return extension_add(list, NID_key_usage, bits, true);
}

static err_t add_eku(const char *text, EXTENDED_KEY_USAGE *list) {
  ASN1_OBJECT *oid AUTO(asn1_object) = NULL;
  err_t e = oid_from_text(bytes_str(text), &oid);
  if (e == ERR_BAD_PARAMETER)
    REFUSE(e, "Property ekus has invalid value: an object identifier such as 1.3.6.1.5.5.7.3.1 "
              "expected\r\n");
  TRY(e);
  if (!sk_ASN1_OBJECT_push(list, oid))
    EVP_FAIL(ERR_NOMEM, "extKeyUsage");
  oid = NULL;
  return OK;
}

static err_t add_ekus(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  EXTENDED_KEY_USAGE *ekus AUTO(eku) = sk_ASN1_OBJECT_new_null();
  if (p->ekus.count == 0)
    return OK;
  if (!ekus)
    EVP_FAIL(ERR_NOMEM, "extKeyUsage");
  if (p->ekus.count > CERT_TEXTS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property ekus has invalid value: at most %d\r\n", CERT_TEXTS_MAX);
  for (size_t i = 0; i < p->ekus.count; i++)
    TRY(add_eku(p->ekus.items[i], ekus));
  return extension_add(list, NID_ext_key_usage, ekus, false);
}

static err_t add_sans(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  GENERAL_NAMES *names AUTO(general_names) = NULL;
  bool nameless = !p->subject || bytes_trim(bytes_str(p->subject)).size == 0;
  TRY(sans_make(p, &names));
  if (!names && nameless)
    REFUSE(ERR_BAD_PARAMETER,
           "Property subject has invalid value: without a subject there has to be a subject "
           "alternative name\r\n");
  return names ? extension_add(list, NID_subject_alt_name, names, nameless) : OK;
}

err_t extensions_make(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *out) {
  TRY(add_constraints(p, out));
  TRY(add_usage(p, out));
  TRY(add_ekus(p, out));
  return add_sans(p, out);
}

/* The value of an extension: NULL when there is none, refused when it is malformed or there are
 * two. */
static err_t find(const STACK_OF(X509_EXTENSION) * list, int nid, void **value) {
  int critical = 0;
  *value = X509V3_get_d2i(list, nid, &critical, NULL);
  if (!*value && critical != -1)
    EVP_REFUSE("The certificate's %s extension is malformed.", OBJ_nid2sn(nid));
  return OK;
}

static err_t read_constraints(const STACK_OF(X509_EXTENSION) * list, struct cert_profile *p) {
  void *value = NULL;
  TRY(find(list, NID_basic_constraints, &value));
  BASIC_CONSTRAINTS *constraints AUTO(basic_constraints) = value;
  p->ca = constraints && constraints->ca;
  return OK;
}

static err_t read_usage(const STACK_OF(X509_EXTENSION) * list, struct cert_profile *p) {
  void *value = NULL;
  TRY(find(list, NID_key_usage, &value));
  ASN1_BIT_STRING *bits AUTO(bit_string) = value;
  for (int i = 0; bits && i < USAGE_COUNT; i++)
    if (ASN1_BIT_STRING_get_bit(bits, i))
      p->usage |= 1u << i;
  return OK;
}

static err_t read_ekus(const STACK_OF(X509_EXTENSION) * list, struct cert_profile *p) {
  void *value = NULL;
  TRY(find(list, NID_ext_key_usage, &value));
  EXTENDED_KEY_USAGE *ekus AUTO(eku) = value;
  for (int i = 0; i < sk_ASN1_OBJECT_num(ekus); i++) {
    AUTO_BUF text = BUF_EMPTY;
    TRY(oid_to_text(sk_ASN1_OBJECT_value(ekus, i), &text));
    TRY(cert_texts_add(&p->ekus, buf_bytes(&text)));
  }
  return OK;
}

static err_t read_sans(const STACK_OF(X509_EXTENSION) * list, struct cert_profile *p) {
  void *value = NULL;
  TRY(find(list, NID_subject_alt_name, &value));
  GENERAL_NAMES *names AUTO(general_names) = value;
  return names ? sans_read(names, p) : OK;
}

err_t extensions_read(const STACK_OF(X509_EXTENSION) * list, struct cert_profile *p) {
  TRY(read_constraints(list, p));
  TRY(read_usage(list, p));
  TRY(read_ekus(list, p));
  return read_sans(list, p);
}
