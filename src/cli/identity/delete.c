/* strongroom identity delete NAME */
#include "cli/ask.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "identities", args_word(a, 0), NULL);
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_identity_delete = {
  .noun = "identity",
  .name = "delete",
  .words = "NAME|ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete an identity with its credentials and role assignments",
  .examples = "strongroom identity delete billing",
  .run = run,
};
