/* strongroom cert backup NAME */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_backup(a, &cert_collection);
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL, "write to FILE (mode 0600) instead of stdout" },
  OPT_END,
};

const struct verb verb_cert_backup = {
  .noun = "cert",
  .name = "backup",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Write a certificate with all its versions as one sealed text",
  .details = "Only a vault with the same master key can restore it.",
  .options = options,
  .examples = "strongroom cert backup web --out web.backup",
  .run = run,
};
