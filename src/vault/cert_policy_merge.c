/*
 * Policies are merged as JSON (what is given, else what was, else the service's defaults), then
 * read into what they mean, then written from that: the text has one form, whatever came in.
 */
#include "vault/cert_policy_internal.h"

static bool present(const json_t *v) {
  return v && !json_is_null(v);
}

bool json_present(json_t *o, const char *field) {
  return present(json_object_get(o, field));
}

static err_t take(json_t *out, json_t *given, json_t *base, const char *field) {
  json_t *v = json_object_get(given, field);
  if (!present(v))
    v = json_object_get(base, field);
  return present(v) && json_object_set(out, field, v) != 0 ? ERR_NOMEM : OK;
}

err_t json_add(json_t *out, const char *field, json_t *value) {
  return json_object_set_new(out, field, value) == 0 ? OK : ERR_NOMEM;
}

/* "RSA" of "RSA-HSM" */
static struct bytes type_of(json_t *o) {
  struct bytes kty = { 0 }, type;
  if (json_get_str(o, "kty", &kty, NULL) != OK)
    return kty;
  bytes_split(kty, '-', &type);
  return type;
}

/* A key of another type has a size or a curve of its own. A key that was exportable may become one
 * that can't be. */
static err_t merge_key(json_t *out, json_t *given, json_t *base) {
  json_t *kty = json_object_get(given, "kty"), *exportable = json_object_get(base, "exportable");
  bool same = !present(kty) || bytes_equal(type_of(given), type_of(base));
  bool shaped = json_present(given, "key_size") || json_present(given, "crv");
  json_t *shape = same && !shaped ? base : NULL;
  bool kept =
    !present(kty) || json_equal(kty, json_object_get(base, "kty")) || json_is_false(exportable);
  TRY(take(out, given, base, "kty"));
  if (!json_present(out, "kty"))
    TRY(json_add(out, "kty", json_string("RSA")));
  TRY(take(out, given, shape, "key_size"));
  TRY(take(out, given, shape, "crv"));
  TRY(take(out, given, kept ? base : NULL, "exportable"));
  return take(out, given, base, "reuse_key");
}

static err_t merge_section(json_t *doc, const char *section, json_t *given, json_t *base) {
  static const char *const fields[] = {
    "contentType", "subject",           "sans", "ekus", "key_usage", "validity_months", "name",
    "cty",         "cert_transparency",
  };
  json_t *g = NULL, *b = NULL, *out = json_object();
  TRY(json_add(doc, section, out));
  TRY(json_get_object(given, section, &g));
  TRY(json_get_object(base, section, &b));
  if (strcmp(section, "key_props") == 0)
    return merge_key(out, g, b);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    TRY(take(out, g, b, fields[i]));
  return OK;
}

bool cert_policy_unknown(json_t *policy) {
  json_t *name = json_object_get(json_object_get(policy, "issuer"), "name");
  return json_is_string(name) &&
         bytes_equal_nocase(bytes_str(json_string_value(name)), ISSUER_UNKNOWN);
}

/* The policies that the service makes are never those of an authority. */
static err_t check_constraints(json_t *given) {
  json_t *x509 = NULL, *constraints = NULL;
  bool ca = false;
  TRY(json_get_object(given, "x509_props", &x509));
  TRY(json_get_object(x509, "basic_constraints", &constraints));
  TRY(json_get_bool(constraints, "ca", &ca, NULL));
  if (ca)
    WRONG("basic_constraints", "a certificate of the vault is not an authority");
  return OK;
}

err_t cert_policy_join(json_t *given, json_t *base, json_t *doc) {
  static const char *const sections[] = { "key_props", "secret_props", "x509_props", "issuer" };
  TRY(check_constraints(given));
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
    TRY(merge_section(doc, sections[i], given, base));
  /* What is done at a time depends on who issues. */
  bool kept = cert_policy_unknown(doc) == cert_policy_unknown(base);
  return take(doc, given, kept ? base : NULL, "lifetime_actions");
}
