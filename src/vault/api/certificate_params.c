/*
 * What is imported or merged, in the forms in which clients send it: PKCS#12 as base64, PEM as it
 * is or as base64, certificates as base64 of DER, of PEM, or of the base64 that stands in PEM.
 */
#include "base/codec.h"
#include "crypto/pem.h"
#include "vault/api/api.h"

void import_free(struct import *i) {
  key_free(i->key);
  cert_chain_free(&i->chain);
  *i = (struct import){ 0 };
}

static bool is_pem(struct bytes text) {
  static const char begin[] = "-----BEGIN ";
  return text.size && memmem(text.data, text.size, begin, sizeof begin - 1) != NULL;
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Base64, in lines or not, into a secret of the size that it has. */
static err_t decode(struct bytes text, const char *property, struct secret *out) {
  AUTO_BUF flat = BUF_EMPTY;
  AUTO_SECRET s = { 0 };
  size_t size = 0;
  if (!buf_reserve(&flat, text.size + 1))
    return ERR_NOMEM;
  for (size_t i = 0; i < text.size; i++)
    if (!is_space(text.data[i]))
      flat.data[flat.size++] = text.data[i];
  TRY(secret_new(flat.size / 4 * 3 + 3, &s));
  if (flat.size == 0 || b64_decode(buf_bytes(&flat), s.data, s.size, &size) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: base64 expected\r\n", property);
  s.size = size;
  *out = secret_take(&s);
  return OK;
}

static err_t import_pem(struct bytes text, struct import *i) {
  i->pem = true;
  return cert_import_pem(text, &i->key, &i->chain);
}

err_t params_certificate(json_t *body, struct import *i) {
  struct bytes value = { 0 }, password = bytes_str("");
  bool found = false;
  AUTO_SECRET content = { 0 };
  TRY(json_get_str(body, "value", &value, &found));
  TRY(json_get_str(body, "pwd", &password, NULL));
  if (!found)
    REFUSE(ERR_BAD_PARAMETER,
           "Property value is required: PKCS#12 as base64, or PEM, with the private key\r\n");
  if (is_pem(value))
    return import_pem(value, i);
  TRY(decode(value, "value", &content));
  if (is_pem(secret_bytes(&content)))
    return import_pem(secret_bytes(&content), i);
  return cert_import_pkcs12(secret_bytes(&content), password, &i->key, &i->chain);
}

/* DER begins with a SEQUENCE. */
static bool is_der(struct bytes content) {
  return content.size && content.data[0] == 0x30;
}

static err_t merged(struct bytes text, struct buf *out) {
  static const char *const labels[] = { "CERTIFICATE", "X509 CERTIFICATE", NULL };
  AUTO_SECRET content = { 0 }, inner = { 0 };
  TRY(decode(text, "x5c", &content));
  if (!is_der(secret_bytes(&content)))
    TRY(is_pem(secret_bytes(&content)) ? pem_read(secret_bytes(&content), labels, &inner)
                                       : decode(secret_bytes(&content), "x5c", &inner));
  buf_put_bytes(out, inner.data ? secret_bytes(&inner) : secret_bytes(&content));
  return buf_ok(out);
}

err_t params_merge(json_t *body, struct cert_chain *given) {
  json_t *list = NULL, *item;
  size_t i;
  TRY(json_get_array(body, "x5c", &list));
  if (json_array_size(list) == 0 || json_array_size(list) > CERT_CHAIN_MAX)
    REFUSE(ERR_BAD_PARAMETER,
           "Property x5c is required: a list of 1 to %d certificates as base64\r\n",
           CERT_CHAIN_MAX);
  json_array_foreach(list, i, item) {
    if (!json_is_string(item))
      REFUSE(ERR_BAD_PARAMETER, "Property x5c has invalid value: a list of strings expected\r\n");
    struct bytes text = bytes_of(json_string_value(item), json_string_length(item));
    TRY(merged(text, &given->ders[given->count++]));
  }
  return OK;
}
