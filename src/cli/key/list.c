/* strongroom key list */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_list(a, &key_collection, "");
}

static const struct opt options[] = {
  { "versions", OPT_VALUE, "NAME", NULL, "the versions of one key" },
  { "deleted", OPT_FLAG, NULL, NULL, "keys that are deleted and can be recovered" },
  OPT_END,
};

const struct verb verb_key_list = {
  .noun = "key",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List keys",
  .options = options,
  .examples = "strongroom key list\n"
              "strongroom key list --versions app\n"
              "strongroom key list --deleted --json",
  .run = run,
};
