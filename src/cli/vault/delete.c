/* strongroom vault delete NAME */
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "vaults", args_word(a, 0), NULL);
  return vault_ask(a, HTTP_DELETE, &path, NULL);
}

const struct verb verb_vault_delete = {
  .noun = "vault",
  .name = "delete",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a vault with all that is in it; it can be recovered for a time",
  .details = "From now on it answers nothing. It is purged for good on the date shown.",
  .examples = "strongroom vault delete payroll",
  .run = run,
};
