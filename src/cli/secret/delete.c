/* strongroom secret delete NAME */
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_delete(a, &secret_collection);
}

const struct verb verb_secret_delete = {
  .noun = "secret",
  .name = "delete",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a secret with all its versions; it can be recovered for a time",
  .details = "From now on its value can't be read. It is purged for good on the date shown.",
  .examples = "strongroom secret delete db-password",
  .run = run,
};
