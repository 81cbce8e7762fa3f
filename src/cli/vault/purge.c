/* strongroom vault purge NAME */
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "deletedvaults", args_word(a, 0), NULL);
  TRY(collection_confirm(a, &vault_collection));
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

static const struct opt options[] = {
  { "yes", OPT_FLAG, NULL, NULL, "do not ask" },
  OPT_END,
};

const struct verb verb_vault_purge = {
  .noun = "vault",
  .name = "purge",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Destroy a deleted vault for good: what its keys encrypt becomes unreadable",
  .options = options,
  .examples = "strongroom vault delete payroll && strongroom vault purge payroll --yes",
  .run = run,
};
