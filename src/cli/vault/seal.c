/* strongroom vault seal */
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "seal", NULL);
  TRY(ask(a, HTTP_POST, &path, NULL, &answer));
  if (args_flag(a, "json"))
    out_json(answer.body);
  else
    out_field("Vault", field_text(answer.body, "status"));
  return OK;
}

const struct verb verb_vault_seal = {
  .noun = "vault",
  .name = "seal",
  .words = "",
  .client = true,
  .summary = "Forget all keys until the vault is unsealed again",
  .details = "Only a vault whose root key is a passphrase can be sealed.",
  .examples = "strongroom vault seal",
  .run = run,
};
