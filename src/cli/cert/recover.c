/* strongroom cert recover NAME */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_recover(a, &cert_collection);
}

const struct verb verb_cert_recover = {
  .noun = "cert",
  .name = "recover",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a deleted certificate back",
  .details = "All its versions are there again, as they were, with their keys and secrets.",
  .examples = "strongroom cert recover web",
  .run = run,
};
