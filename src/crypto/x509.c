#include "crypto/x509.h"

#include "crypto/cert_evp.h"
#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

err_t x509_public_key(struct bytes der, struct key **out) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  return cert_public_key(x, out);
}

err_t x509_validity(struct bytes der, int64_t *not_before, int64_t *not_after) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  return cert_validity(x, not_before, not_after);
}

bool x509_covers(struct bytes der, const char *name) {
  X509 *x AUTO(x509) = NULL;
  if (cert_parse(der, &x) != OK)
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
  TRY(cert_parse(is_der ? text : secret_bytes(&decoded), &x));
  return cert_put(x, der);
}

err_t x509_request_from_pem(struct bytes text, struct buf *der) {
  static const char *const labels[] = { PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, NULL };
  AUTO_SECRET decoded = { 0 };
  TRY(pem_read(text, labels, &decoded));
  buf_put_bytes(der, secret_bytes(&decoded));
  return buf_ok(der);
}

err_t x509_request_to_pem(struct bytes der, struct buf *pem) {
  AUTO_SECRET text = { 0 };
  TRY(pem_write(PEM_STRING_X509_REQ, der, &text));
  buf_put_bytes(pem, secret_bytes(&text));
  return buf_ok(pem);
}
