/* strongroom cert policy NAME */
#include "cli/cert/cert.h"
#include "cli/cert/policy_write.h"
#include "cli/verbs.h"

static void print_list(const char *label, json_t *list) {
  json_t *item;
  size_t i;
  json_array_foreach(list, i, item) {
    if (json_is_string(item))
      out_field(i ? NULL : label, bytes_of(json_string_value(item), json_string_length(item)));
  }
}

static void put_number(struct buf *b, json_t *o, const char *field, const char *unit) {
  json_t *n = json_object_get(o, field);
  if (json_is_integer(n))
    buf_printf(b, "%lld%s", (long long)json_integer_value(n), unit);
}

static err_t print_number(const char *label, json_t *o, const char *field, const char *unit) {
  AUTO_BUF text = BUF_EMPTY;
  put_number(&text, o, field, unit);
  TRY(buf_ok(&text));
  out_field(label, buf_bytes(&text));
  return OK;
}

/* "RSA 2048", "EC P-256"; new or the same for each version. */
static err_t print_key(json_t *key) {
  AUTO_BUF text = BUF_EMPTY;
  struct bytes curve = field_text(key, "crv");
  buf_put_bytes(&text, field_text(key, "kty"));
  buf_put_char(&text, ' ');
  buf_put_bytes(&text, curve);
  if (curve.size == 0)
    put_number(&text, key, "key_size", "");
  buf_put_str(&text, json_is_true(json_object_get(key, "reuse_key"))
                       ? ", kept for new versions"
                       : ", a new one for each version");
  TRY(buf_ok(&text));
  out_field("Key", buf_bytes(&text));
  out_field_str("Exportable", field_yes_no(key, "exportable"));
  return OK;
}

/* "at 80 % of its life", "30 days before it expires", and what is done then. */
static err_t print_actions(json_t *actions) {
  json_t *item;
  size_t i;
  json_array_foreach(actions, i, item) {
    AUTO_BUF text = BUF_EMPTY;
    json_t *trigger = field_object(item, "trigger");
    buf_put_bytes(&text, field_text(field_object(item, "action"), "action_type"));
    buf_put_char(&text, ' ');
    put_number(&text, trigger, "lifetime_percentage", " % into its life");
    put_number(&text, trigger, "days_before_expiry", " days before it expires");
    TRY(buf_ok(&text));
    out_field(i ? NULL : "Action", buf_bytes(&text));
  }
  return OK;
}

static err_t print(const struct args *a, json_t *policy) {
  char updated[WHEN_SIZE];
  if (args_flag(a, "json")) {
    out_json(policy);
    return OK;
  }
  json_t *says = field_object(policy, "x509_props"), *sans = field_object(says, "sans");
  out_field("Issuer", field_text(field_object(policy, "issuer"), "name"));
  out_field("Subject", field_text(says, "subject"));
  print_list("DNS names", json_object_get(sans, "dns_names"));
  print_list("IP addresses", json_object_get(sans, "ipAddresses"));
  print_list("URIs", json_object_get(sans, "uris"));
  print_list("E-mail", json_object_get(sans, "emails"));
  print_list("UPN", json_object_get(sans, "upns"));
  TRY(print_number("Valid for", says, "validity_months", " months"));
  print_list("Key usage", json_object_get(says, "key_usage"));
  print_list("Extended", json_object_get(says, "ekus"));
  TRY(print_key(field_object(policy, "key_props")));
  out_field("Secret", field_text(field_object(policy, "secret_props"), "contentType"));
  TRY(print_actions(json_object_get(policy, "lifetime_actions")));
  out_field_str("Updated", field_time(field_object(policy, "attributes"), "updated", updated));
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", args_word(a, 0), "policy", NULL), body = BUF_EMPTY;
  bool change = policy_given(a);
  if (change)
    TRY(policy_write(a, NULL, NULL, &body));
  TRY(ask(a, change ? HTTP_PATCH : HTTP_GET, &path, change ? &body : NULL, &answer));
  return print(a, answer.body);
}

static const struct opt options[] = { POLICY_OPTIONS, OPT_END };

const struct verb verb_cert_policy = {
  .noun = "cert",
  .name = "policy",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show what new versions of a certificate are made like, or change it",
  .details =
    "Without options the policy is shown; what is not given stays as it is, but names are\n"
    "replaced as a whole. Versions that are there stay as they are: 'strongroom cert create'\n"
    "makes a new one.",
  .options = options,
  .examples = "strongroom cert policy web\n"
              "strongroom cert policy web --renew-days 30 --months 3\n"
              "strongroom cert policy web --dns web.corp.example --dns www.corp.example",
  .run = run,
};
