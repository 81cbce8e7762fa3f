/* strongroom key recover NAME */
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("deletedkeys", args_word(a, 0), "recover", NULL);
  TRY(ask(a, HTTP_POST, &path, NULL, &answer));
  return key_print(a, answer.body);
}

const struct verb verb_key_recover = {
  .noun = "key",
  .name = "recover",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a deleted key back",
  .details = "All its versions are there again, as they were.",
  .examples = "strongroom key recover app",
  .run = run,
};
