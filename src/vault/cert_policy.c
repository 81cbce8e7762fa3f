/* What a policy's JSON means, checked. */
#include "vault/cert_policy.h"

#include "base/write.h"
#include "vault/cert_policy_internal.h"
#include "vault/key_names.h"
#include "vault/object.h"

#define TYPE_PKCS12 "application/x-pkcs12"
#define TYPE_PEM "application/x-pem-file"
#define CTY_MAX 255
#define DAYS_A_MONTH 27 /* of which days_before_expiry may use, as the service says */

void cert_policy_free(struct cert_policy *p) {
  buf_free(&p->text);
  for (size_t i = 0; i < sizeof p->items / sizeof *p->items; i++)
    mem_free(p->items[i]);
  json_decref(p->owner);
  *p = (struct cert_policy){ 0 };
}

const char *cert_policy_type(bool pem) {
  return pem ? TYPE_PEM : TYPE_PKCS12;
}

static err_t read_curve(json_t *o, struct key_spec *spec) {
  int64_t size = 0;
  bool sized = false;
  TRY(json_get_i64(o, "key_size", &size, &sized));
  if (sized && !json_present(o, "crv"))
    TRY(json_add(o, "crv", json_string(size == 384 ? "P-384" : size == 521 ? "P-521" : "P-256")));
  TRY(curve_read(o, spec));
  if (sized && size != spec->bits)
    REFUSE(ERR_BAD_PARAMETER, "Unsupported key size (%lld). Supported sizes are [256, 384, 521]",
           (long long)size);
  return OK;
}

static err_t read_size(json_t *o, struct key_spec *spec) {
  int64_t size = 2048;
  TRY(json_get_i64(o, "key_size", &size, NULL));
  if (size != 2048 && size != 3072 && size != 4096)
    REFUSE(ERR_BAD_PARAMETER, "Unsupported key size (%lld). Supported sizes are [2048, 3072, 4096]",
           (long long)size);
  spec->bits = (unsigned)size;
  return OK;
}

static err_t read_key(json_t *o, struct cert_policy *p) {
  TRY(kty_read(o, &p->spec.type, &p->hsm));
  if (p->spec.type == KEY_OCT)
    WRONG("kty", "RSA, RSA-HSM, EC or EC-HSM expected for a certificate");
  TRY(p->spec.type == KEY_EC ? read_curve(o, &p->spec) : read_size(o, &p->spec));
  p->exportable = !p->hsm;
  TRY(json_get_bool(o, "exportable", &p->exportable, NULL));
  if (p->hsm && p->exportable)
    WRONG("exportable", "the private key of an HSM key does not leave it");
  return json_get_bool(o, "reuse_key", &p->reuse_key, NULL);
}

static err_t read_type(json_t *o, struct cert_policy *p) {
  struct bytes type = bytes_str(TYPE_PKCS12);
  TRY(json_get_str(o, "contentType", &type, NULL));
  p->pem = bytes_equal_nocase(type, TYPE_PEM);
  if (!p->pem && !bytes_equal_nocase(type, TYPE_PKCS12))
    WRONG("contentType", TYPE_PKCS12 " or " TYPE_PEM " expected");
  return OK;
}

/* A list of texts that stay in the document. */
static err_t read_texts(json_t *o, const char *field, const char ***items, struct cert_texts *out) {
  json_t *list = NULL, *item;
  size_t i;
  TRY(json_get_array(o, field, &list));
  size_t count = json_array_size(list);
  if (count == 0)
    return OK;
  if (*items)
    WRONG(field, "it is given twice");
  if (count > CERT_TEXTS_MAX)
    WRONG(field, "too many values");
  *items = mem_alloc(count * sizeof **items);
  if (!*items)
    return ERR_NOMEM;
  json_array_foreach(list, i, item) {
    if (!json_is_string(item))
      WRONG(field, "a list of strings expected");
    (*items)[i] = json_string_value(item);
  }
  *out = (struct cert_texts){ *items, count };
  return OK;
}

static err_t read_sans(json_t *o, struct cert_policy *p) {
  json_t *sans = NULL;
  TRY(json_get_object(o, "sans", &sans));
  for (size_t kind = 0; kind < SAN_KINDS; kind++)
    TRY(read_texts(sans, san_names[kind], &p->items[kind], &p->says.sans[kind]));
  /* As other fields of the API are spelt. */
  return read_texts(sans, "ip_addresses", &p->items[SAN_IP], &p->says.sans[SAN_IP]);
}

/* Both kinds of use that a TLS server or client has. A key of an elliptic curve only signs (RFC
 * 8813, 3). */
static err_t read_usages(json_t *o, struct cert_policy *p) {
  static const char *both[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH };
  json_t *list = NULL, *item;
  size_t i;
  if (json_present(o, "ekus"))
    TRY(read_texts(o, "ekus", &p->items[SAN_KINDS], &p->says.ekus));
  else
    p->says.ekus = (struct cert_texts){ both, 2 };
  TRY(json_get_array(o, "key_usage", &list));
  if (!list)
    p->says.usage =
      USAGE_DIGITAL_SIGNATURE | (p->spec.type == KEY_RSA ? USAGE_KEY_ENCIPHERMENT : 0u);
  json_array_foreach(list, i, item) {
    unsigned bit = json_is_string(item) ? cert_usage_bit(bytes_str(json_string_value(item))) : 0;
    if (!bit)
      WRONG("key_usage", "digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, "
                         "keyAgreement, keyCertSign, cRLSign, encipherOnly or decipherOnly "
                         "expected");
    p->says.usage |= bit;
  }
  return OK;
}

static err_t read_x509(json_t *o, struct cert_policy *p) {
  struct bytes subject = bytes_str("");
  int64_t months = 12;
  TRY(json_get_str(o, "subject", &subject, NULL));
  TRY(json_get_i64(o, "validity_months", &months, NULL));
  if (months < 1 || months > CERT_MONTHS_MAX)
    WRONG("validity_months", "1 to 1200 expected");
  if (subject.size > CERT_SUBJECT_MAX)
    WRONG("subject", "it is too long");
  p->months = (unsigned)months;
  p->says.subject =
    (const char *)subject.data; /* JSON strings end with a NUL that is not counted */
  TRY(read_sans(o, p));
  return read_usages(o, p);
}

static err_t read_trigger(json_t *trigger, const struct cert_policy *p, struct cert_trigger *out) {
  int64_t percentage = 0, days = 0;
  bool by_percentage = false, by_days = false;
  TRY(json_get_i64(trigger, "lifetime_percentage", &percentage, &by_percentage));
  TRY(json_get_i64(trigger, "days_before_expiry", &days, &by_days));
  if (by_percentage == by_days)
    WRONG("trigger", "one of lifetime_percentage and days_before_expiry expected");
  if (by_percentage && (percentage < 1 || percentage > 99))
    WRONG("lifetime_percentage", "1 to 99 expected");
  if (by_days && (days < 1 || days > p->months * DAYS_A_MONTH))
    REFUSE(ERR_BAD_PARAMETER,
           "Property days_before_expiry has invalid value: 1 to %u (27 for each month of validity) "
           "expected\r\n",
           p->months * DAYS_A_MONTH);
  *out = (struct cert_trigger){ (unsigned)percentage, (unsigned)days };
  return OK;
}

static err_t read_action(json_t *item, struct cert_policy *p) {
  json_t *trigger = NULL, *action = NULL;
  struct bytes type = { 0 };
  if (!json_is_object(item))
    WRONG("lifetime_actions", "a list of objects expected");
  TRY(json_get_object(item, "trigger", &trigger));
  TRY(json_get_object(item, "action", &action));
  TRY(json_get_str(action, "action_type", &type, NULL));
  bool renew = bytes_equal_nocase(type, ACTION_RENEW);
  if (!renew && !bytes_equal_nocase(type, ACTION_EMAIL))
    WRONG("action_type", ACTION_RENEW " or " ACTION_EMAIL " expected");
  struct cert_trigger *to = renew ? &p->renew : &p->email;
  if (to->percentage || to->days)
    WRONG("lifetime_actions", "at most one " ACTION_RENEW " and one " ACTION_EMAIL " expected");
  return read_trigger(trigger, p, to);
}

static err_t read_actions(json_t *doc, struct cert_policy *p) {
  json_t *list = NULL, *item;
  size_t i;
  TRY(json_get_array(doc, "lifetime_actions", &list));
  if (!list)
    *(cert_policy_unknown(doc) ? &p->email : &p->renew) = (struct cert_trigger){ .percentage = 80 };
  json_array_foreach(list, i, item) TRY(read_action(item, p));
  return OK;
}

static err_t read_issuer(json_t *o, struct cert_policy *p) {
  struct bytes name = bytes_str(ISSUER_SELF), cty = { 0 };
  bool transparency;
  TRY(json_get_str(o, "name", &name, NULL));
  if (!object_name_valid(name) || bytes_to_cstr(name, p->issuer, sizeof p->issuer) != OK)
    WRONG("issuer", "its name is not one that an issuer can have");
  TRY(json_get_str(o, "cty", &cty, NULL));
  if (cty.size > CTY_MAX)
    WRONG("cty", "it is too long");
  return json_get_bool(o, "cert_transparency", &transparency, NULL);
}

static err_t interpret(json_t *doc, struct cert_policy *p) {
  TRY(read_key(json_object_get(doc, "key_props"), p));
  TRY(read_type(json_object_get(doc, "secret_props"), p));
  TRY(read_x509(json_object_get(doc, "x509_props"), p));
  TRY(read_issuer(json_object_get(doc, "issuer"), p));
  return read_actions(doc, p);
}

err_t cert_policy_merge(json_t *given, struct bytes base, struct cert_policy *out) {
  AUTO_CERT_POLICY p = { .owner = json_object() };
  AUTO_JSON *before = NULL;
  if (!p.owner)
    return ERR_NOMEM;
  if (base.size)
    TRY(json_read(base, &before));
  TRY(cert_policy_join(given, before, p.owner));
  TRY(interpret(p.owner, &p));
  cert_policy_put(&p, &p.text);
  TRY(buf_ok(&p.text));
  if (p.text.size > CERT_POLICY_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The policy is too long: at most %d bytes.", CERT_POLICY_MAX);
  *out = p;
  p = (struct cert_policy){ 0 };
  return OK;
}

/* The times are those of its use. */
err_t cert_policy_check(const struct cert_policy *p) {
  struct cert_profile says = p->says;
  says.not_before = 0;
  says.not_after = 1;
  return cert_profile_check(&says);
}

err_t cert_policy_read(json_t *given, struct bytes base, struct cert_policy *out) {
  AUTO_CERT_POLICY p = { 0 };
  TRY(cert_policy_merge(given, base, &p));
  TRY(cert_policy_check(&p));
  *out = p;
  p = (struct cert_policy){ 0 };
  return OK;
}
