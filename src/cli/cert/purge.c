/* strongroom cert purge NAME */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_purge(a, &cert_collection);
}

static const struct opt options[] = {
  { "yes", OPT_FLAG, NULL, NULL, "do not ask" },
  OPT_END,
};

const struct verb verb_cert_purge = {
  .noun = "cert",
  .name = "purge",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Destroy a deleted certificate with all its versions, for good",
  .options = options,
  .examples = "strongroom cert delete web && strongroom cert purge web --yes",
  .run = run,
};
