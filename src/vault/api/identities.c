/* The directory of identities: applications, their secrets and certificates. */
#include "base/clock.h"
#include "base/write.h"
#include "vault/api/api.h"

#include <stdio.h>

/* The identity that the path names, in whatever way; to the audit log by its object id. */
static err_t find(struct call *c, char app_id[static GUID_SIZE + 1]) {
  char oid[GUID_SIZE + 1];
  TRY(identity_find(c->api->identity, c->id, app_id, oid));
  call_object(c, "hub/identities/%s", oid);
  return OK;
}

/* What of it. */
static void name_part(struct call *c, const char *what, const char *value) {
  size_t n = strlen(c->object);
  snprintf(c->object + n, sizeof c->object - n, "%s%s", what, value);
}

err_t identities_list(struct call *c) {
  return identity_write_all(c->api->identity, call_body(c));
}

err_t identities_post(struct call *c) {
  AUTO_JSON *body = NULL;
  struct bytes text = { 0 };
  char name[4 * IDENTITY_NAME_MAX + 1], app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "displayName", &text, NULL));
  if (text.size == 0 ||
      bytes_to_cstr(text, name, sizeof name) != OK) /* UTF-8: up to four bytes each */
    REFUSE(ERR_BAD_PARAMETER, "Property displayName must have 1 to %d characters\r\n",
           IDENTITY_NAME_MAX);
  name_part(c, "?displayName=", name);
  TRY(identity_create(c->api->identity, name, app_id));
  if (identity_find(c->api->identity, app_id, app_id, oid) == OK)
    call_object(c, "hub/identities/%s?displayName=%s", oid, name);
  c->x->res.status = 201;
  return identity_write(c->api->identity, app_id, call_body(c));
}

err_t identities_show(struct call *c) {
  char app_id[GUID_SIZE + 1];
  TRY(find(c, app_id));
  return identity_write(c->api->identity, app_id, call_body(c));
}

err_t identities_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  char app_id[GUID_SIZE + 1];
  bool enabled = false, found = false;
  TRY(find(c, app_id));
  TRY(call_json(c, &body));
  TRY(json_get_bool(body, "enabled", &enabled, &found));
  if (!found)
    REFUSE(ERR_BAD_PARAMETER, "Property enabled is required\r\n");
  name_part(c, "?enabled=", enabled ? "true" : "false");
  TRY(identity_set_enabled(c->api->identity, app_id, enabled));
  return identity_write(c->api->identity, app_id, call_body(c));
}

err_t identities_delete(struct call *c) {
  char app_id[GUID_SIZE + 1];
  TRY(find(c, app_id));
  TRY(identity_delete(c->api->identity, app_id));
  c->x->res.status = 204;
  return OK;
}

#define LIFETIME_MAX (100ll * 366 * 86400)

err_t identities_secret(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_SECRET secret = { 0 };
  char app_id[GUID_SIZE + 1], secret_id[GUID_SIZE + 1];
  int64_t lifetime = 0;
  TRY(find(c, app_id));
  TRY(call_json(c, &body));
  TRY(json_get_i64(body, "lifetime", &lifetime, NULL));
  if (lifetime < 0 || lifetime > LIFETIME_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property lifetime must be a number of seconds, or 0 for no end\r\n");
  TRY(identity_add_secret(c->api->identity, app_id, lifetime, secret_id, &secret));
  name_part(c, "/secrets/", secret_id);
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "secretId", secret_id);
  write_text(b, "secret", secret_bytes(&secret));
  if (lifetime)
    write_i64(b, "expires", clock_now() + lifetime);
  write_close(b, '}');
  c->x->res.status = 201;
  return OK;
}

err_t identities_certificate(struct call *c) {
  AUTO_JSON *body = NULL;
  char app_id[GUID_SIZE + 1], certificate_id[GUID_SIZE + 1];
  struct bytes pem = { 0 };
  TRY(find(c, app_id));
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "certificate", &pem, NULL));
  TRY(identity_add_certificate(c->api->identity, app_id, pem, certificate_id));
  name_part(c, "/certificates/", certificate_id);
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "certificateId", certificate_id);
  write_close(b, '}');
  c->x->res.status = 201;
  return OK;
}

err_t identities_uncredential(struct call *c) {
  char app_id[GUID_SIZE + 1];
  TRY(find(c, app_id));
  name_part(c, "/credentials/", c->version);
  TRY(identity_remove_credential(c->api->identity, app_id, c->version));
  c->x->res.status = 204;
  return OK;
}

err_t tokenkeys_rotate(struct call *c) {
  TRY(token_rollover(c->api->identity));
  buf_put_str(call_body(c), "{}");
  return OK;
}
