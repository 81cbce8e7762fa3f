/* Issuers and contacts as the API's JSON, from what is given and what was. */
#include "base/clock.h"
#include "base/write.h"
#include "vault/issuers_internal.h"

/* Strings of an object: what is given, else what was; others do not appear. */
static err_t put_strings(struct buf *b, json_t *given, json_t *base, const char *const *fields) {
  for (; *fields; fields++) {
    struct bytes text = { 0 };
    TRY(json_get_str(base, *fields, &text, NULL));
    TRY(json_get_str(given, *fields, &text, NULL));
    if (text.data)
      write_text(b, *fields, text);
  }
  return OK;
}

static err_t put_list(struct buf *b, const char *name, json_t *list, const char *const *fields) {
  json_t *item;
  size_t i;
  write_open(b, name, '[');
  json_array_foreach(list, i, item) {
    if (!json_is_object(item))
      REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: a list of objects expected\r\n",
             name ? name : "contacts");
    write_open(b, NULL, '{');
    TRY(put_strings(b, item, NULL, fields));
    write_close(b, '}');
  }
  write_close(b, ']');
  return OK;
}

static err_t put_organization(struct buf *b, json_t *given, json_t *base) {
  static const char *const id[] = { "id", NULL };
  static const char *const admin[] = { "first_name", "last_name", "email", "phone", NULL };
  json_t *g = NULL, *was = NULL, *admins = NULL, *new_admins = NULL;
  TRY(json_get_object(given, "org_details", &g));
  TRY(json_get_object(base, "org_details", &was));
  if (!g && !was)
    return OK;
  TRY(json_get_array(was, "admin_details", &admins));
  TRY(json_get_array(g, "admin_details", &new_admins));
  write_open(b, "org_details", '{');
  TRY(put_strings(b, g, was, id));
  write_i64(b, "zip", 0); /* as the service answers, whatever was given */
  if (admins || new_admins)
    TRY(put_list(b, "admin_details", new_admins ? new_admins : admins, admin));
  write_close(b, '}');
  return OK;
}

static err_t put_attributes(struct buf *b, json_t *given, json_t *base) {
  json_t *g = NULL, *was = NULL;
  bool enabled = true;
  int64_t now = clock_now(), created = now;
  TRY(json_get_object(given, "attributes", &g));
  TRY(json_get_object(base, "attributes", &was));
  TRY(json_get_bool(was, "enabled", &enabled, NULL));
  TRY(json_get_bool(g, "enabled", &enabled, NULL));
  TRY(json_get_i64(was, "created", &created, NULL));
  write_open(b, "attributes", '{');
  write_bool(b, "enabled", enabled);
  write_i64(b, "created", created);
  write_i64(b, "updated", now);
  write_close(b, '}');
  return OK;
}

/* A password is neither kept nor shown. */
static err_t put_credentials(struct buf *b, json_t *given, json_t *base) {
  static const char *const account[] = { "account_id", NULL };
  json_t *g = NULL, *was = NULL;
  TRY(json_get_object(given, "credentials", &g));
  TRY(json_get_object(base, "credentials", &was));
  if (!g && !was)
    return OK;
  write_open(b, "credentials", '{');
  TRY(put_strings(b, g, was, account));
  write_close(b, '}');
  return OK;
}

err_t issuer_put(json_t *given, json_t *base, struct issuer *out) {
  struct bytes provider = { 0 };
  TRY(json_get_str(base, "provider", &provider, NULL));
  TRY(json_get_str(given, "provider", &provider, NULL));
  if (!object_name_valid(provider) ||
      bytes_to_cstr(provider, out->provider, sizeof out->provider) != OK)
    REFUSE(ERR_BAD_PARAMETER,
           "Property provider has invalid value: the name of a provider, such as DigiCert, "
           "expected\r\n");
  AUTO_BUF text = BUF_EMPTY;
  write_open(&text, NULL, '{');
  write_str(&text, "provider", out->provider);
  TRY(put_credentials(&text, given, base));
  TRY(put_organization(&text, given, base));
  TRY(put_attributes(&text, given, base));
  TRY(buf_ok(&text));
  if (text.size > ISSUER_TEXT_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The issuer is too long: at most %d bytes as JSON.", ISSUER_TEXT_MAX);
  buf_put(&out->text, text.data + 1, text.size - 1);
  return buf_ok(&out->text);
}

err_t contacts_put(json_t *given, struct buf *out) {
  static const char *const fields[] = { "email", "name", "phone", NULL };
  json_t *list = NULL, *item;
  size_t i;
  TRY(json_get_array(given, "contacts", &list));
  if (!list)
    REFUSE(ERR_BAD_PARAMETER, "Property contacts is required: a list of objects\r\n");
  json_array_foreach(list, i, item) {
    struct bytes email = { 0 };
    TRY(json_get_str(item, "email", &email, NULL));
    if (json_is_object(item) && email.size == 0)
      REFUSE(ERR_BAD_PARAMETER, "Property email is required: a string\r\n");
  }
  TRY(put_list(out, NULL, list, fields));
  TRY(buf_ok(out));
  if (out->size > ISSUER_TEXT_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The contacts are too long: at most %d bytes as JSON.",
           ISSUER_TEXT_MAX);
  return OK;
}
