/* strongroom key purge NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_purge(a, &key_collection);
}

static const struct opt options[] = {
  { "yes", OPT_FLAG, NULL, NULL, "do not ask" },
  OPT_END,
};

const struct verb verb_key_purge = {
  .noun = "key",
  .name = "purge",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Destroy a deleted key for good: what it encrypts becomes unreadable",
  .options = options,
  .examples = "strongroom key delete app && strongroom key purge app --yes",
  .run = run,
};
