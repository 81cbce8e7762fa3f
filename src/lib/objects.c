/* Secrets and certificates. */
#include "lib/lib.h"

/* An empty name would be another address: that of the list. */
static err_t check_name(const char *name) {
  NEED(name);
  if (!*name)
    FAIL(ERR_USAGE, "name must not be empty");
  return OK;
}

/* NULL for the newest. */
static const char *version_of(const char *version) {
  return version && *version ? version : NULL;
}

static err_t get_secret(struct sr_vault *v, const char *name, const char *version,
                        struct sr_bytes *value) {
  AUTO_SECRET s = { 0 };
  TRY(vault_check(v));
  TRY(check_name(name));
  NEED(value);
  TRY(client_get_secret(v->client, name, version_of(version), &s));
  return put_secret(secret_bytes(&s), value);
}

enum sr_status sr_get_secret(struct sr_vault *vault, const char *name, const char *version,
                             struct sr_bytes *value, struct sr_error *error) {
  if (value)
    *value = (struct sr_bytes){ 0 };
  return told(get_secret(vault, name, version, value), error);
}

void sr_certificate_free(struct sr_certificate *certificate) {
  if (!certificate)
    return;
  sr_bytes_free(&certificate->certificate);
  sr_bytes_free(&certificate->chain);
  sr_bytes_free(&certificate->key);
  *certificate = (struct sr_certificate){ 0 };
}

static err_t put_text(const struct buf *from, struct sr_bytes *out) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(put_start(&b));
  buf_put_bytes(&b, buf_bytes(from));
  return put_done(&b, out);
}

static err_t put_certificate(const struct client_certificate *c, struct sr_certificate *out) {
  __attribute__((cleanup(sr_certificate_free))) struct sr_certificate made = {
    .not_before = c->not_before, .not_after = c->not_after
  };
  memcpy(made.version, c->version, sizeof made.version);
  TRY(put_text(&c->cert_pem, &made.certificate));
  TRY(put_text(&c->chain_pem, &made.chain));
  TRY(put_secret(secret_bytes(&c->key_pem), &made.key));
  *out = made;
  made = (struct sr_certificate){ 0 };
  return OK;
}

static err_t get_certificate(struct sr_vault *v, const char *name, const char *version,
                             struct sr_certificate *out) {
  AUTO_CLIENT_CERTIFICATE c = { 0 };
  TRY(vault_check(v));
  TRY(check_name(name));
  NEED(out);
  TRY(client_get_certificate(v->client, name, version_of(version), &c));
  return put_certificate(&c, out);
}

enum sr_status sr_get_certificate(struct sr_vault *vault, const char *name, const char *version,
                                  struct sr_certificate *out, struct sr_error *error) {
  if (out)
    *out = (struct sr_certificate){ 0 };
  return told(get_certificate(vault, name, version, out), error);
}

static err_t renew(struct sr_vault *v, const char *name, unsigned timeout_s,
                   struct sr_certificate *out) {
  AUTO_CLIENT_CERTIFICATE c = { 0 };
  TRY(vault_check(v));
  TRY(check_name(name));
  NEED(out);
  TRY(client_renew_certificate(v->client, name, timeout_s, &c));
  return put_certificate(&c, out);
}

enum sr_status sr_renew_certificate(struct sr_vault *vault, const char *name, unsigned timeout_s,
                                    struct sr_certificate *out, struct sr_error *error) {
  if (out)
    *out = (struct sr_certificate){ 0 };
  return told(renew(vault, name, timeout_s, out), error);
}
