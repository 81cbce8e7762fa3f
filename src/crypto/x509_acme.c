/* What ACME looks at in certificates and requests, beyond what they say of their holders. */
#include "crypto/cert_evp.h"
#include "crypto/x509.h"

#include <openssl/err.h>

#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31"

err_t x509_authority_key_id(struct bytes der, struct buf *out) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(x);
  ERR_clear_error();
  if (!id)
    REFUSE(ERR_BAD_PARAMETER, "The certificate does not name its authority's key.");
  buf_put(out, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
  return buf_ok(out);
}

/* It is an OCTET STRING of 32 bytes, in DER. */
err_t x509_acme_identifier(struct bytes der, uint8_t out[static SHA256_SIZE]) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  ASN1_OBJECT *oid AUTO(asn1_object) = OBJ_txt2obj(ACME_IDENTIFIER, 1);
  if (!oid)
    return ERR_NOMEM;
  int at = X509_get_ext_by_OBJ(x, oid, -1);
  if (at < 0 || X509_get_ext_by_OBJ(x, oid, at) >= 0)
    REFUSE(ERR_BAD_PARAMETER, "The certificate does not have the acmeIdentifier extension once.");
  X509_EXTENSION *e = X509_get_ext(x, at);
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
  struct bytes v = bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
  if (!X509_EXTENSION_get_critical(e) || v.size != 2 + SHA256_SIZE || v.data[0] != 0x04 ||
      v.data[1] != SHA256_SIZE)
    REFUSE(ERR_BAD_PARAMETER, "The acmeIdentifier extension is malformed or not critical.");
  memcpy(out, v.data + 2, SHA256_SIZE);
  return OK;
}

static err_t copy_entry(const X509_NAME_ENTRY *entry, char *out, size_t size) {
  unsigned char *utf8 = NULL;
  int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
  struct bytes text = bytes_of(utf8, n > 0 ? (size_t)n : 0);
  bool good = n >= 0 && text_is_plain(text) && bytes_to_cstr(text, out, size) == OK;
  OPENSSL_free(utf8);
  ERR_clear_error();
  if (!good)
    REFUSE(ERR_BAD_PARAMETER, "The common name is malformed or too long.");
  return OK;
}

err_t x509_request_common_name(struct bytes der, char *out, size_t size) {
  X509_REQ *r AUTO(x509_req) = NULL;
  TRY(cert_request_parse(der, &r));
  const X509_NAME *name = X509_REQ_get_subject_name(r);
  int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  out[0] = '\0';
  if (at < 0)
    return OK;
  if (X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
    REFUSE(ERR_BAD_PARAMETER, "The request has more than one common name.");
  return copy_entry(X509_NAME_get_entry(name, at), out, size);
}
