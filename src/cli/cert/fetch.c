#include "cli/cert/fetch.h"

#include "base/codec.h"
#include "crypto/x509.h"

#include <stdio.h>

#define ROOT_PATH "/pki/root.cer"

void cert_set_free(struct cert_set *s) {
  buf_free(&s->cert);
  buf_free(&s->chain);
  buf_free(&s->fullchain);
  buf_free(&s->ca);
  secret_free(&s->key);
}

err_t cert_version_of(json_t *bundle, char out[static CERT_VERSION_SIZE + 1]) {
  struct bytes name, version;
  id_split(field_text(bundle, "id"), &name, &version);
  bool good = version.size == CERT_VERSION_SIZE;
  for (size_t i = 0; good && i < version.size; i++)
    good = hex_digit(version.data[i]) >= 0;
  if (!good)
    FAIL(ERR_INTERNAL, "the server's answer names no version");
  return bytes_to_cstr(version, out, CERT_VERSION_SIZE + 1);
}

bool cert_exportable(json_t *bundle) {
  json_t *key = field_object(field_object(bundle, "policy"), "key_props");
  return !json_is_false(json_object_get(key, "exportable"));
}

/* --- from the bundle --- */

static err_t put_certificate(struct bytes der, struct cert_set *s) {
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_read(der, &info));
  TRY(x509_to_pem(der, &s->cert));
  s->not_before = info.is.not_before;
  s->not_after = info.is.not_after;
  return OK;
}

err_t cert_set_of(json_t *bundle, struct cert_set *out) {
  AUTO_CERT_SET s = { 0 };
  AUTO_BUF der = BUF_EMPTY;
  TRY(cert_version_of(bundle, s.version));
  TRY(cert_der(bundle, &der));
  TRY(put_certificate(buf_bytes(&der), &s));
  *out = s;
  s = (struct cert_set){ 0 };
  return OK;
}

/* --- from the secret --- */

/* The right to a certificate is not the one to its key. */
static err_t refused(err_t e, const char *name) {
  char text[160];
  snprintf(text, sizeof text, "%s", out_error_text(e));
  FAIL(e,
       "%s The private key is the value of the secret '%s': a role such as secrets-user shows it.",
       text, name);
}

static err_t ask_secret(struct client *c, const char *name, const char *version, struct key **key,
                        struct cert_chain *chain) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("secrets", name, version, NULL), pkcs12 = BUF_EMPTY;
  err_t e = client_call(c, HTTP_GET, &path, NULL, &answer);
  if (e == ERR_FORBIDDEN)
    return refused(e, name);
  TRY(e);
  struct bytes value = field_text(answer.body, "value");
  if (bytes_equal_nocase(field_text(answer.body, "contentType"), "application/x-pem-file"))
    return cert_import_pem(value, key, chain);
  TRY(cert_decode(value, &pkcs12));
  return cert_import_pkcs12(buf_bytes(&pkcs12), bytes_str(""), key, chain);
}

/* The certificates between the first one and the root; top is what the last one says. */
static err_t put_chain(const struct cert_chain *chain, struct cert_set *s, struct cert_info *top) {
  for (size_t i = 0; i < chain->count; i++) {
    struct bytes der = buf_bytes(&chain->ders[i]);
    cert_info_free(top);
    TRY(cert_read(der, top));
    if (i > 0 && !cert_is_root(top))
      TRY(x509_to_pem(der, &s->chain));
  }
  buf_put_bytes(&s->fullchain, buf_bytes(&s->cert));
  buf_put_bytes(&s->fullchain, buf_bytes(&s->chain));
  return buf_ok(&s->fullchain);
}

/* A chain ends below the root, as servers send it: the root of the hub's authority is asked for. */
static err_t put_root(struct client *c, struct bytes last, const struct cert_info *top,
                      struct cert_set *s) {
  AUTO_BUF root = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  if (cert_is_root(top))
    return x509_to_pem(last, &s->ca);
  err_t e = client_download(c, ROOT_PATH, &root);
  if (e == ERR_AWAY || e == ERR_BUSY || e == ERR_SEALED || e == ERR_NOMEM)
    return e;
  bool ours = e == OK && cert_read(buf_bytes(&root), &info) == OK && info.is.subject &&
              top->issuer && strcmp(info.is.subject, top->issuer) == 0;
  return x509_to_pem(ours ? buf_bytes(&root) : last, &s->ca);
}

err_t cert_fetch(struct client *c, const char *name, json_t *bundle, struct cert_set *out) {
  AUTO_CERT_SET s = { 0 };
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO_CERT_INFO top = { 0 };
  AUTO(key) struct key *key = NULL;
  if (!cert_exportable(bundle))
    FAIL(
      ERR_CONFLICT,
      "the private key of '%s' is not exportable: it stays in the vault ('strongroom cert policy "
      "%s --exportable' lets the next version's out)",
      name, name);
  TRY(cert_version_of(bundle, s.version));
  TRY(ask_secret(c, name, s.version, &key, &chain));
  TRY(put_certificate(buf_bytes(&chain.ders[0]), &s));
  TRY(put_chain(&chain, &s, &top));
  TRY(put_root(c, buf_bytes(&chain.ders[chain.count - 1]), &top, &s));
  TRY(key_to_pem(key, &s.key));
  *out = s;
  s = (struct cert_set){ 0 };
  return OK;
}
