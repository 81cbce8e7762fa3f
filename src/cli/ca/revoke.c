/* strongroom ca revoke */
#include "base/write.h"
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "ca", "revoke", NULL), body = BUF_EMPTY;
  const char *serial = args_word(a, 0), *name = args_value(a, "name");
  const char *reason = args_value(a, "reason");
  if (!serial == !name)
    FAIL(ERR_USAGE, "say which: a SERIAL or --name NAME");
  write_open(&body, NULL, '{');
  if (serial)
    write_str(&body, "serial", serial);
  else
    write_str(&body, "name", name);
  if (reason)
    write_str(&body, "reason", reason);
  write_close(&body, '}');
  TRY(ask(a, HTTP_POST, &path, &body, &answer));
  if (args_flag(a, "json"))
    out_json(answer.body);
  else
    out_line("Revoked: %lld. The list and OCSP say so from now on.",
             (long long)json_integer_value(json_object_get(answer.body, "revoked")));
  return OK;
}

static const struct opt options[] = {
  { "name", OPT_VALUE, "NAME", NULL, "all certificates for this name that are still good" },
  { "reason", OPT_VALUE, "REASON",
    "unspecified keyCompromise affiliationChanged superseded cessationOfOperation "
    "privilegeWithdrawn",
    "why (default: unspecified)" },
  OPT_END,
};

const struct verb verb_ca_revoke = {
  .noun = "ca",
  .name = "revoke",
  .words = "[SERIAL]",
  .max_words = 1,
  .client = true,
  .summary = "Revoke a certificate, or all that are for a name",
  .details =
    "Who may have the name can ask for another certificate, and programs that keep one do: to\n"
    "keep somebody out, take the grant ('strongroom ca allow') or disable the identity first\n"
    "('strongroom identity disable').",
  .options = options,
  .examples = "strongroom ca revoke --name web.example --reason keyCompromise",
  .run = run,
};
