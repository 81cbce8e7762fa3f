/* strongroom key delete NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", args_word(a, 0), NULL);
  TRY(ask(a, HTTP_DELETE, &path, NULL, &answer));
  return key_print(a, answer.body);
}

const struct verb verb_key_delete = {
  .noun = "key",
  .name = "delete",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a key with all its versions; it can be recovered for a time",
  .details =
    "From now on nothing can be unwrapped with it. It is purged for good on the date shown.",
  .examples = "strongroom key delete app",
  .run = run,
};
