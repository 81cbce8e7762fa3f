/* strongroom cert issuer-set NAME */
#include "base/write.h"
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

static void write_id(const char *object, const char *field, const char *id, struct buf *b) {
  if (!id)
    return;
  write_open(b, object, '{');
  write_str(b, field, id);
  write_close(b, '}');
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", "issuers", args_word(a, 0), NULL), body = BUF_EMPTY;
  const char *provider = args_value(a, "provider");
  if (!provider)
    FAIL(ERR_USAGE, "--provider is missing: Self, Hub, Unknown or another authority's name");
  write_open(&body, NULL, '{');
  write_str(&body, "provider", provider);
  write_id("credentials", "account_id", args_value(a, "account"), &body);
  write_id("org_details", "id", args_value(a, "organization"), &body);
  write_open(&body, "attributes", '{');
  write_bool(&body, "enabled", !args_flag(a, "disabled"));
  write_close(&body, '}');
  write_close(&body, '}');
  TRY(ask(a, HTTP_PUT, &path, &body, &answer));
  return issuer_print(a, answer.body);
}

static const struct opt options[] = {
  { "provider", OPT_VALUE, "PROVIDER", NULL, "Self, Hub, Unknown, or another authority's name" },
  { "account", OPT_VALUE, "ID", NULL, "the account there" },
  { "organization", OPT_VALUE, "ID", NULL, "the organization there" },
  { "disabled", OPT_FLAG, NULL, NULL, "not to be used" },
  OPT_END,
};

const struct verb verb_cert_issuer_set = {
  .noun = "cert",
  .name = "issuer-set",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a named issuer, or replace it",
  .details = "It is a name that policies may use. The vault calls no other authority: with one, a\n"
             "certificate's request is signed elsewhere and merged.",
  .options = options,
  .examples = "strongroom cert issuer-set corp-pki --provider Unknown --organization corp",
  .run = run,
};
