/* strongroom secret restore [FILE] */
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_restore(a, &secret_collection);
}

const struct verb verb_secret_restore = {
  .noun = "secret",
  .name = "restore",
  .words = "[FILE]",
  .max_words = 1,
  .client = true,
  .summary = "Restore a secret from its backup, from FILE or stdin",
  .examples = "strongroom secret restore db-password.backup",
  .run = run,
};
