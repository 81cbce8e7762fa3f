/* strongroom cert list */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_list(a, &cert_collection,
                         args_flag(a, "pending") ? "?includePending=true" : "");
}

static const struct opt options[] = {
  { "pending", OPT_FLAG, NULL, NULL, "those that were never issued yet, too" },
  { "versions", OPT_VALUE, "NAME", NULL, "the versions of one certificate" },
  { "deleted", OPT_FLAG, NULL, NULL, "certificates that are deleted and can be recovered" },
  OPT_END,
};

const struct verb verb_cert_list = {
  .noun = "cert",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List certificates",
  .options = options,
  .examples = "strongroom cert list\n"
              "strongroom cert list --versions web\n"
              "strongroom cert list --pending --json",
  .run = run,
};
