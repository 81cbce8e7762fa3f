/* strongroom identity show NAME */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "identities", args_word(a, 0), NULL);
  TRY(ask(a, HTTP_GET, &path, NULL, &answer));
  return identity_print(a, answer.body);
}

const struct verb verb_identity_show = {
  .noun = "identity",
  .name = "show",
  .words = "NAME|ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show an identity and its credentials",
  .examples = "strongroom identity show billing",
  .run = run,
};
