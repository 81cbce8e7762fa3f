/* strongroom version */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  out_line("strongroom %s", STRONGROOM_VERSION);
  return OK;
}

const struct verb verb_version = {
  .noun = "",
  .name = "version",
  .words = "",
  .summary = "Print the version of this program",
  .examples = "strongroom version",
  .run = run,
};
