/* strongroom help [NOUN [VERB]] */
#include "cli/args.h"
#include "cli/help.h"
#include "cli/verbs.h"

#include <string.h>

static err_t run(const struct args *a) {
  const char *first = args_word(a, 0), *second = args_word(a, 1);
  if (args_flag(a, "roff")) {
    help_roff();
    return OK;
  }
  const struct noun *noun = first ? noun_find(first) : NULL;
  const struct verb *verb = noun && second ? verb_find(first, second)
                            : first        ? verb_find("", first)
                                           : NULL;
  if (!first)
    help_overview();
  else if (verb)
    help_verb(verb);
  else if (noun && !second)
    help_noun(noun);
  else
    return verb_unknown(first, second);
  return OK;
}

static const struct opt options[] = {
  { "roff", OPT_FLAG, NULL, NULL, "print all verbs as the manual page's chapter of commands" },
  OPT_END
};

const struct verb verb_help = {
  .noun = "",
  .name = "help",
  .words = "[NOUN [VERB]]",
  .max_words = 2,
  .summary = "Explain a noun or a verb",
  .options = options,
  .examples = "strongroom help\n"
              "strongroom help key\n"
              "strongroom help key create",
  .run = run,
};
