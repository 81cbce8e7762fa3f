/* strongroom acme delete-key KEY-ID */
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "acme", "keys", args_word(a, 0), NULL);
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_acme_delete_key = {
  .noun = "acme",
  .name = "delete-key",
  .words = "KEY-ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a binding key; the accounts made with it stop at once",
  .details = "Their certificates stay good: 'strongroom ca revoke' revokes those.",
  .examples = "strongroom acme delete-key 3f1c9a52-0b7e-4c8d-9a61-5d2e8f7a6b10",
  .run = run,
};
