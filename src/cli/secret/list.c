/* strongroom secret list */
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_list(a, &secret_collection, "");
}

static const struct opt options[] = {
  { "versions", OPT_VALUE, "NAME", NULL, "the versions of one secret" },
  { "deleted", OPT_FLAG, NULL, NULL, "secrets that are deleted and can be recovered" },
  OPT_END,
};

const struct verb verb_secret_list = {
  .noun = "secret",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List secrets: their properties, no values",
  .options = options,
  .examples = "strongroom secret list\n"
              "strongroom secret list --versions db-password\n"
              "strongroom secret list --deleted --json",
  .run = run,
};
