/* strongroom secret recover NAME */
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_recover(a, &secret_collection);
}

const struct verb verb_secret_recover = {
  .noun = "secret",
  .name = "recover",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a deleted secret back",
  .details = "All its versions are there again, as they were.",
  .examples = "strongroom secret recover db-password",
  .run = run,
};
