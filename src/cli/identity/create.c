/* strongroom identity create NAME */
#include "base/write.h"
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static err_t make(struct client *c, const char *name, struct client_answer *out) {
  AUTO_BUF path = client_path("hub", "identities", NULL), body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  write_str(&body, "displayName", name);
  write_close(&body, '}');
  TRY(client_call(c, HTTP_POST, &path, &body, out));
  if (!out->body || !field_text(out->body, "appId").size)
    FAIL(ERR_INTERNAL, "the server's answer has no client id");
  return OK;
}

/* What a credential's answer says becomes part of what is shown of the identity. */
static err_t merge(json_t *identity, json_t *credential) {
  return json_object_update(identity, credential) == 0 ? OK : ERR_NOMEM;
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER made = { 0 }, secret = { 0 }, certificate = { 0 };
  const char *file = args_value(a, "certificate"), *lifetime = args_value(a, "lifetime");
  bool wants_secret = args_flag(a, "secret") || lifetime || args_flag(a, "out");
  int64_t seconds = 0;
  if (lifetime)
    TRY(when_parse_span("lifetime", lifetime, &seconds));
  TRY(ask_open(a, &c));
  TRY(make(c, args_word(a, 0), &made));
  const char *app_id = (const char *)field_text(made.body, "appId").data;
  if (file) {
    TRY(identity_new_certificate(c, app_id, file, &certificate));
    TRY(merge(made.body, certificate.body));
  }
  if (wants_secret)
    TRY(identity_new_secret(c, app_id, seconds, &secret));
  bool in_json = args_flag(a, "json") && !args_flag(a, "out");
  if (wants_secret && in_json)
    TRY(merge(made.body, secret.body));
  TRY(identity_print(a, made.body));
  return wants_secret && !in_json ? identity_give_secret(a, app_id, secret.body) : OK;
}

static const struct opt options[] = {
  { "secret", OPT_FLAG, NULL, NULL, "with a client secret" },
  { "certificate", OPT_VALUE, "FILE", NULL, "with a certificate (PEM)" },
  SECRET_OPTIONS,
  OPT_END,
};

const struct verb verb_identity_create = {
  .noun = "identity",
  .name = "create",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make an application's identity; it may do nothing until it is given a role",
  .options = options,
  .examples = "strongroom identity create billing --secret --out billing.env\n"
              "strongroom identity create backup --certificate backup.pem\n"
              "strongroom role assign crypto-service-encryption-user --to billing",
  .run = run,
};
