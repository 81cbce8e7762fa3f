/* The one form of a policy's text, and the policy that a certificate amounts to. */
#include "base/write.h"
#include "vault/cert_policy_internal.h"
#include "vault/key_names.h"
#include "vault/keys.h"

#include <stdio.h>

const char *const san_names[SAN_KINDS] = {
  [SAN_DNS] = "dns_names", [SAN_EMAIL] = "emails",   [SAN_UPN] = "upns",
  [SAN_URI] = "uris",      [SAN_IP] = "ipAddresses",
};

static void put_texts(struct buf *b, const char *field, const struct cert_texts *list) {
  write_open(b, field, '[');
  for (size_t i = 0; i < list->count; i++)
    write_text(b, NULL, bytes_str(list->items[i]));
  write_close(b, ']');
}

static void put_sans(struct buf *b, const struct cert_profile *says) {
  write_open(b, "sans", '{');
  for (size_t kind = 0; kind < SAN_KINDS; kind++)
    if (says->sans[kind].count)
      put_texts(b, san_names[kind], &says->sans[kind]);
  write_close(b, '}');
}

static void put_usage(struct buf *b, unsigned usage) {
  write_open(b, "key_usage", '[');
  for (unsigned i = 0; i < USAGE_COUNT; i++)
    if (usage & 1u << i)
      write_str(b, NULL, cert_usage_name(i));
  write_close(b, ']');
}

static void put_key(struct buf *b, const struct key_spec *spec, bool hsm, bool exportable,
                    bool reuse) {
  write_open(b, "key_props", '{');
  write_bool(b, "exportable", exportable);
  write_str(b, "kty", kty_name(spec->type, hsm));
  if (spec->type == KEY_RSA)
    write_i64(b, "key_size", spec->bits);
  write_bool(b, "reuse_key", reuse);
  if (spec->type == KEY_EC)
    write_str(b, "crv", curve_name(spec->curve));
  write_close(b, '}');
}

static void put_x509(struct buf *b, const struct cert_profile *says, bool sans, unsigned months) {
  write_open(b, "x509_props", '{');
  write_text(b, "subject", bytes_str(says->subject ? says->subject : ""));
  if (sans)
    put_sans(b, says);
  put_texts(b, "ekus", &says->ekus);
  put_usage(b, says->usage);
  write_i64(b, "validity_months", months);
  write_open(b, "basic_constraints", '{');
  write_bool(b, "ca", false);
  write_close(b, '}');
  write_close(b, '}');
}

static void put_action(struct buf *b, const char *type, const struct cert_trigger *t) {
  if (!t->percentage && !t->days)
    return;
  write_open(b, NULL, '{');
  write_open(b, "trigger", '{');
  if (t->percentage)
    write_i64(b, "lifetime_percentage", t->percentage);
  else
    write_i64(b, "days_before_expiry", t->days);
  write_close(b, '}');
  write_open(b, "action", '{');
  write_str(b, "action_type", type);
  write_close(b, '}');
  write_close(b, '}');
}

/* Its type and transparency are kept and shown: named issuers may have them. */
static void put_issuer(struct buf *b, const struct cert_policy *p) {
  json_t *given = json_object_get(p->owner, "issuer");
  json_t *cty = json_object_get(given, "cty");
  json_t *transparency = json_object_get(given, "cert_transparency");
  write_open(b, "issuer", '{');
  write_str(b, "name", p->issuer);
  if (json_is_string(cty))
    write_text(b, "cty", bytes_str(json_string_value(cty)));
  if (json_is_boolean(transparency))
    write_bool(b, "cert_transparency", json_is_true(transparency));
  write_close(b, '}');
}

static void put_secret(struct buf *b, bool pem) {
  write_open(b, "secret_props", '{');
  write_str(b, "contentType", cert_policy_type(pem));
  write_close(b, '}');
}

void cert_policy_put(const struct cert_policy *p, struct buf *out) {
  json_t *x509 = json_object_get(p->owner, "x509_props");
  write_open(out, NULL, '{');
  put_key(out, &p->spec, p->hsm, p->exportable, p->reuse_key);
  put_secret(out, p->pem);
  put_x509(out, &p->says, json_is_object(json_object_get(x509, "sans")), p->months);
  write_open(out, "lifetime_actions", '[');
  put_action(out, ACTION_RENEW, &p->renew);
  put_action(out, ACTION_EMAIL, &p->email);
  write_close(out, ']');
  put_issuer(out, p);
  write_close(out, '}');
}

/* Whole months, the last one begun. */
static unsigned months_of(const struct cert_profile *is) {
  int64_t end;
  for (unsigned months = 1; months < CERT_MONTHS_MAX; months++) {
    char duration[16];
    snprintf(duration, sizeof duration, "P%uM", months);
    if (!duration_add(duration, 1, is->not_before, &end) || end >= is->not_after)
      return months;
  }
  return CERT_MONTHS_MAX;
}

static err_t check_same_key(const struct cert_policy *p, const struct key_spec *spec) {
  if (p->spec.type != spec->type || p->spec.bits != spec->bits || p->spec.curve != spec->curve)
    REFUSE(ERR_BAD_PARAMETER,
           "Property key_props has invalid value: the certificate's key is %s "
           "of %u bits\r\n",
           kty_name(spec->type, false), spec->bits);
  return OK;
}

err_t cert_policy_of(json_t *given, const struct cert_info *info, bool pem,
                     struct cert_policy *out) {
  const struct key_spec *spec = key_spec(info->public_key);
  const struct cert_profile *is = &info->is;
  bool sans = false;
  AUTO_BUF base = BUF_EMPTY;
  AUTO_CERT_POLICY p = { 0 };
  for (size_t kind = 0; kind < SAN_KINDS; kind++)
    sans = sans || is->sans[kind].count;
  write_open(&base, NULL, '{');
  put_key(&base, spec, false, true, false);
  put_secret(&base, pem);
  put_x509(&base, is, sans, months_of(is));
  write_open(&base, "issuer", '{');
  write_str(&base, "name", ISSUER_UNKNOWN);
  write_close(&base, '}');
  write_close(&base, '}');
  TRY(buf_ok(&base));
  TRY(cert_policy_merge(given, buf_bytes(&base), &p));
  TRY(check_same_key(&p, spec));
  if (given) /* what the certificate itself says is a fact */
    TRY(cert_policy_check(&p));
  *out = p;
  p = (struct cert_policy){ 0 };
  return OK;
}
