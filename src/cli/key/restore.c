/* strongroom key restore [FILE] */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_restore(a, &key_collection);
}

const struct verb verb_key_restore = {
  .noun = "key",
  .name = "restore",
  .words = "[FILE]",
  .max_words = 1,
  .client = true,
  .summary = "Restore a key from its backup, from FILE or stdin",
  .examples = "strongroom key restore app.backup",
  .run = run,
};
