/* strongroom key recover NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_recover(a, &key_collection);
}

const struct verb verb_key_recover = {
  .noun = "key",
  .name = "recover",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a deleted key back",
  .details = "All its versions are there again, as they were.",
  .examples = "strongroom key recover app",
  .run = run,
};
