/* strongroom key show NAME [VERSION] */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  TRY(collection_get(a, &key_collection, &answer));
  return collection_print(a, &key_collection, answer.body);
}

static const struct opt options[] = {
  { "deleted", OPT_FLAG, NULL, NULL, "a key that is deleted" },
  OPT_END,
};

const struct verb verb_key_show = {
  .noun = "key",
  .name = "show",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Show a key: its attributes, and with --json its public part",
  .options = options,
  .examples = "strongroom key show app\n"
              "strongroom key show app --json | jq .key",
  .run = run,
};
