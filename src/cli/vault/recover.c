/* strongroom vault recover NAME */
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "deletedvaults", args_word(a, 0), "recover", NULL);
  return vault_ask(a, HTTP_POST, &path, NULL);
}

const struct verb verb_vault_recover = {
  .noun = "vault",
  .name = "recover",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a deleted vault back, with all that was in it",
  .examples = "strongroom vault recover payroll",
  .run = run,
};
