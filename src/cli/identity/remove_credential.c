/* strongroom identity remove-credential NAME CREDENTIAL */
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path =
    client_path("hub", "identities", args_word(a, 0), "credentials", args_word(a, 1), NULL);
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_identity_remove_credential = {
  .noun = "identity",
  .name = "remove-credential",
  .words = "NAME|ID CREDENTIAL",
  .min_words = 2,
  .max_words = 2,
  .client = true,
  .summary = "Take a secret or certificate away",
  .details = "'strongroom identity show' lists the ids of credentials.",
  .examples = "strongroom identity remove-credential billing 0fa8c4f6-5ac4-41a5-8e4e-1f4a0b4e9a51",
  .run = run,
};
