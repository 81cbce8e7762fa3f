/* strongroom identity rollover */
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "tokenkeys", "rotate", NULL);
  return ask(a, HTTP_POST, &path, NULL, &answer);
}

const struct verb verb_identity_rollover = {
  .noun = "identity",
  .name = "rollover",
  .words = "",
  .client = true,
  .summary = "Sign tokens with a new key from now on",
  .details = "Tokens that were given out stay good until they expire.",
  .examples = "strongroom identity rollover",
  .run = run,
};
