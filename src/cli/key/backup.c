/* strongroom key backup NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_backup(a, &key_collection);
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL, "write to FILE (mode 0600) instead of stdout" },
  OPT_END,
};

const struct verb verb_key_backup = {
  .noun = "key",
  .name = "backup",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Write a key with all its versions as one sealed text",
  .details = "Only a vault with the same master key can restore it.",
  .options = options,
  .examples = "strongroom key backup app --out app.backup",
  .run = run,
};
