/* strongroom key purge NAME */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <unistd.h>

/* A person types the name once more; a script says --yes. */
static err_t confirm(const struct args *a) {
  char line[256];
  if (args_flag(a, "yes"))
    return OK;
  if (!isatty(STDIN_FILENO))
    FAIL(ERR_USAGE, "purging can't be undone: confirm it with --yes");
  fprintf(stderr,
          "Everything encrypted with '%s' becomes unreadable, for good.\n"
          "Type the key's name to purge it: ",
          args_word(a, 0));
  if (!fgets(line, sizeof line, stdin) ||
      !bytes_equal_str(bytes_of(line, strcspn(line, "\n")), args_word(a, 0)))
    FAIL(ERR_USAGE, "nothing was purged");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("deletedkeys", args_word(a, 0), NULL);
  TRY(confirm(a));
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

static const struct opt options[] = {
  { "yes", OPT_FLAG, NULL, NULL, "do not ask" },
  OPT_END,
};

const struct verb verb_key_purge = {
  .noun = "key",
  .name = "purge",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Destroy a deleted key for good: what it encrypts becomes unreadable",
  .options = options,
  .examples = "strongroom key delete app && strongroom key purge app --yes",
  .run = run,
};
