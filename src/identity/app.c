/* Applications and their credentials as objects; what the API does with them is in principal.c. */
#include "identity/internal.h"

void credential_free(struct credential *c) {
  buf_free(&c->der);
  if (c->public_key)
    key_free(c->public_key);
  *c = (struct credential){ 0 };
}

void app_free(struct app *a) {
  for (size_t i = 0; i < a->credential_count; i++)
    credential_free(&a->credentials[i]);
  replay_free(&a->replay);
  mem_free(a);
}

static err_t credential_copy(const struct credential *from, struct credential *to) {
  AUTO_CREDENTIAL c = *from;
  c.der = BUF_EMPTY;
  c.public_key = from->public_key ? key_ref(from->public_key) : NULL;
  buf_put_bytes(&c.der, buf_bytes(&from->der));
  TRY(buf_ok(&c.der));
  *to = c;
  c = (struct credential){ 0 };
  return OK;
}

err_t app_copy(const struct app *a, struct app **out) {
  AUTO(app) struct app *copy = mem_zalloc(sizeof *copy);
  if (!copy)
    return ERR_NOMEM;
  memcpy(copy->app_id, a->app_id, sizeof copy->app_id);
  memcpy(copy->oid, a->oid, sizeof copy->oid);
  memcpy(copy->name, a->name, sizeof copy->name);
  copy->created = a->created;
  copy->enabled = a->enabled;
  for (size_t i = 0; i < a->credential_count; i++) {
    TRY(credential_copy(&a->credentials[i], &copy->credentials[i]));
    copy->credential_count++;
  }
  *out = TAKE(copy);
  return OK;
}

void app_exchange(struct app *a, struct app *next) {
  struct credential kept[APP_CREDENTIALS_MAX];
  size_t count = a->credential_count;
  memcpy(kept, a->credentials, sizeof kept);
  memcpy(a->credentials, next->credentials, sizeof kept);
  memcpy(next->credentials, kept, sizeof kept);
  a->credential_count = next->credential_count;
  next->credential_count = count;
  a->enabled = next->enabled;
}

err_t app_find(const struct identity *id, const char *app_id, struct app **out) {
  char folded[GUID_SIZE + 1];
  struct app *a = guid_fold(app_id, folded) ? guid_map_get(&id->apps, folded) : NULL;
  if (!a)
    FAIL(ERR_IDENTITY_NOT_FOUND, "no such application");
  *out = a;
  return OK;
}

bool app_name_valid(const char *name) {
  size_t count = 0, size = strlen(name);
  uint32_t c;
  for (struct bytes rest = bytes_str(name); rest.size; count++)
    if (count == IDENTITY_NAME_MAX || !utf8_next(&rest, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
      return false;
  return size && name[0] != ' ' && name[size - 1] != ' ' && !guid_valid(bytes_str(name));
}

err_t credential_set_certificate(struct credential *c, struct buf *der) {
  c->kind = CREDENTIAL_CERTIFICATE;
  TRY(crypto_sha256(buf_bytes(der), c->digest));
  TRY(crypto_sha1(buf_bytes(der), c->name));
  TRY(x509_validity(buf_bytes(der), &c->not_before, &c->expires));
  TRY(x509_public_key(buf_bytes(der), &c->public_key));
  c->der = *der;
  *der = BUF_EMPTY;
  return OK;
}

static void credential_write(const struct credential *c, struct buf *json) {
  write_open(json, NULL, '{');
  write_str(json, "id", c->id);
  write_str(json, "type", c->kind == CREDENTIAL_SECRET ? "secret" : "certificate");
  write_i64(json, "created", c->created);
  if (c->expires)
    write_i64(json, "expires", c->expires);
  if (c->kind == CREDENTIAL_CERTIFICATE)
    write_b64url(json, "thumbprint", bytes_of(c->digest, SHA256_SIZE));
  write_close(json, '}');
}

void app_write(const struct app *a, struct buf *json) {
  write_open(json, NULL, '{');
  write_str(json, "appId", a->app_id);
  write_str(json, "objectId", a->oid);
  write_str(json, "displayName", a->name);
  write_bool(json, "enabled", a->enabled);
  write_i64(json, "created", a->created);
  write_open(json, "credentials", '[');
  for (size_t i = 0; i < a->credential_count; i++)
    credential_write(&a->credentials[i], json);
  write_close(json, ']');
  write_close(json, '}');
}
