/* strongroom identity disable NAME */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  return identity_switch(a, false);
}

const struct verb verb_identity_disable = {
  .noun = "identity",
  .name = "disable",
  .words = "NAME|ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Shut an identity out: its tokens stop working at once",
  .examples = "strongroom identity disable billing",
  .run = run,
};
