/* strongroom identity enable NAME */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return identity_switch(a, true);
}

const struct verb verb_identity_enable = {
  .noun = "identity",
  .name = "enable",
  .words = "NAME|ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Let an identity in again",
  .examples = "strongroom identity enable billing",
  .run = run,
};
