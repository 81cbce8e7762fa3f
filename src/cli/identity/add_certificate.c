/* strongroom identity add-certificate NAME FILE */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  TRY(ask_open(a, &c));
  TRY(identity_new_certificate(c, args_word(a, 0), args_word(a, 1), &answer));
  if (args_flag(a, "json"))
    out_json(answer.body);
  else
    out_field("Credential", field_text(answer.body, "certificateId"));
  return OK;
}

const struct verb verb_identity_add_certificate = {
  .noun = "identity",
  .name = "add-certificate",
  .words = "NAME|ID FILE",
  .min_words = 2,
  .max_words = 2,
  .client = true,
  .summary = "Let an identity sign in with a certificate (PEM)",
  .examples = "strongroom identity add-certificate billing billing.pem",
  .run = run,
};
