/* strongroom cert delete NAME */
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return collection_delete(a, &cert_collection);
}

const struct verb verb_cert_delete = {
  .noun = "cert",
  .name = "delete",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a certificate with all its versions; it can be recovered for a time",
  .details = "Its keys and secrets go with it. It is purged for good on the date shown.",
  .examples = "strongroom cert delete web",
  .run = run,
};
