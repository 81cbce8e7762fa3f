/* strongroom vault unseal */
#include "base/write.h"
#include "cli/ask.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO_SECRET passphrase = { 0 };
  AUTO_BUF path = client_path("hub", "unseal", NULL), body = BUF_EMPTY;
  TRY(ask_open(a, &c));
  TRY(passphrase_get(a, "Passphrase: ", &passphrase));
  write_open(&body, NULL, '{');
  write_text(&body, "passphrase", secret_bytes(&passphrase));
  write_close(&body, '}');
  TRY(client_call_open(c, HTTP_POST, &path, &body, &answer));
  if (args_flag(a, "json"))
    out_json(answer.body);
  else
    out_field("Vault", field_text(answer.body, "status"));
  return OK;
}

static const struct opt options[] = { PASSPHRASE_OPTIONS, OPT_END };

const struct verb verb_vault_unseal = {
  .noun = "vault",
  .name = "unseal",
  .words = "",
  .client = true,
  .summary = "Give a sealed vault its passphrase",
  .details = "The passphrase is asked for on the terminal; it is never an argument.",
  .options = options,
  .examples = "strongroom vault unseal\n"
              "pass show strongroom | strongroom vault unseal --passphrase-stdin",
  .run = run,
};
