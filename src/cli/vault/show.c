/* strongroom vault show NAME */
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path =
    client_path("hub", args_flag(a, "deleted") ? "deletedvaults" : "vaults", args_word(a, 0), NULL);
  return vault_ask(a, HTTP_GET, &path, NULL);
}

static const struct opt options[] = {
  { "deleted", OPT_FLAG, NULL, NULL, "a vault that is deleted" },
  OPT_END,
};

const struct verb verb_vault_show = {
  .noun = "vault",
  .name = "show",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show a vault's address and how it keeps what is deleted",
  .options = options,
  .examples = "strongroom vault show payroll",
  .run = run,
};
