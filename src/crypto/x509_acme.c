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
