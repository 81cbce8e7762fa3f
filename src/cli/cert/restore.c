/* strongroom cert restore [FILE] */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_restore(a, &cert_collection);
}

const struct verb verb_cert_restore = {
  .noun = "cert",
  .name = "restore",
  .words = "[FILE]",
  .max_words = 1,
  .client = true,
  .summary = "Restore a certificate from its backup, from FILE or stdin",
  .examples = "strongroom cert restore web.backup",
  .run = run,
};
