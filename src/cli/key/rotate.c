/* strongroom key rotate NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("keys", args_word(a, 0), "rotate", NULL);
  return collection_ask(a, &key_collection, HTTP_POST, &path, NULL);
}

const struct verb verb_key_rotate = {
  .noun = "key",
  .name = "rotate",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a new version of a key; its policy says how long it lives",
  .details = "What is wrapped with an earlier version can still be unwrapped: no data is touched.",
  .examples = "strongroom key rotate app",
  .run = run,
};
