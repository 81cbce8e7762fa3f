/* Certificates that come from outside. */
#include "crypto/cert_evp.h"

#include "crypto/key_der.h"

#include <openssl/err.h>

static void move_info(struct cert_info *from, struct cert_info *to) {
  *to = *from;
  *from = (struct cert_info){ 0 };
}

void cert_info_free(struct cert_info *info) {
  mem_free((void *)info->is.subject);
  mem_free((void *)info->issuer);
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    cert_texts_free(&info->is.sans[kind]);
  cert_texts_free(&info->is.ekus);
  key_free(info->public_key);
  *info = (struct cert_info){ 0 };
}

err_t cert_parse(struct bytes der, X509 **out) {
  if (der.size == 0 || der.size > CERT_DER_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The certificate is empty or too large.");
  const uint8_t *p = der.data;
  X509 *x AUTO(x509) = d2i_X509(NULL, &p, (long)der.size);
  if (!x || p != der.data + der.size)
    EVP_REFUSE("The certificate is malformed.");
  *out = TAKE(x);
  return OK;
}

err_t cert_put(const X509 *x, struct buf *out) {
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

/* Takes *pkey over. */
static err_t adopt(EVP_PKEY **pkey, struct key **out) {
  if (!*pkey)
    EVP_REFUSE("The certificate's public key is malformed or of an unsupported type.");
  bool ec = EVP_PKEY_is_a(*pkey, "EC");
  if (!ec && !EVP_PKEY_is_a(*pkey, "RSA"))
    REFUSE(ERR_BAD_PARAMETER, "The certificate's key is neither an RSA nor an EC key.");
  return key_adopt(pkey, ec ? KEY_EC : KEY_RSA, false, out);
}

static err_t read_name(const X509_NAME *name, const char **out) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(name_to_text(name, &text));
  const char *s = buf_cstr(&text);
  if (!s || !(*out = mem_strdup(s)))
    return ERR_NOMEM;
  return OK;
}

err_t cert_unix_seconds(const ASN1_TIME *t, int64_t *out) {
  struct tm tm;
  if (!ASN1_TIME_to_tm(t, &tm))
    EVP_REFUSE("The certificate's validity is malformed.");
  *out = timegm(&tm);
  return OK;
}

err_t cert_public_key(const X509 *x, struct key **out) {
  EVP_PKEY *pkey AUTO(evp_pkey) = X509_get_pubkey((X509 *)x);
  return adopt(&pkey, out);
}

err_t cert_validity(const X509 *x, int64_t *not_before, int64_t *not_after) {
  int64_t from = 0;
  TRY(cert_unix_seconds(X509_get0_notBefore(x), &from));
  TRY(cert_unix_seconds(X509_get0_notAfter(x), not_after));
  *not_before = from;
  return OK;
}

static err_t read_serial(const X509 *x, struct cert_info *info) {
  const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
  struct bytes b =
    bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)); /* magnitude */
  if (b.size > sizeof info->serial)
    REFUSE(ERR_BAD_PARAMETER, "The certificate's serial number is too long.");
  if (b.size)
    memcpy(info->serial, b.data, b.size);
  info->serial_size = b.size;
  return OK;
}

static err_t read_into(struct bytes der, struct cert_info *info) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  TRY(cert_public_key(x, &info->public_key));
  TRY(read_name(X509_get_subject_name(x), &info->is.subject));
  TRY(read_name(X509_get_issuer_name(x), &info->issuer));
  TRY(extensions_read(X509_get0_extensions(x), &info->is));
  TRY(cert_validity(x, &info->is.not_before, &info->is.not_after));
  TRY(read_serial(x, info));
  TRY(crypto_sha1(der, info->sha1));
  return crypto_sha256(der, info->sha256);
}

err_t cert_read(struct bytes der, struct cert_info *info) {
  AUTO_CERT_INFO read = { 0 };
  TRY(read_into(der, &read));
  move_info(&read, info);
  return OK;
}

err_t cert_refuse_mismatch(void) {
  REFUSE(ERR_BAD_PARAMETER,
         "The public key of the end-entity certificate in the specified X.509 certificate content "
         "does not match the public part of the specified private key. Please check if certificate "
         "is valid.");
}

err_t cert_matches_key(struct bytes der, const struct key *key) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  (void)evp_out_of_memory();
  if (cert_is_of(x, key))
    return OK;
  if (evp_out_of_memory())
    FAIL(ERR_NOMEM, "comparison of keys");
  return cert_refuse_mismatch();
}
