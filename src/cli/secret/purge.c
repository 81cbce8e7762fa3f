/* strongroom secret purge NAME */
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_purge(a, &secret_collection);
}

static const struct opt options[] = {
  { "yes", OPT_FLAG, NULL, NULL, "do not ask" },
  OPT_END,
};

const struct verb verb_secret_purge = {
  .noun = "secret",
  .name = "purge",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Destroy a deleted secret with all its versions, for good",
  .options = options,
  .examples = "strongroom secret delete db-password && strongroom secret purge db-password --yes",
  .run = run,
};
