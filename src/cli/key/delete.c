/* strongroom key delete NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_delete(a, &key_collection);
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
