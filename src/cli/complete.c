/* strongroom complete WORD...: what may follow these words, for the shell. One candidate a line;
 * "@files" stands for the names of files. */
#include "cli/out.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

static void offer_verbs(const char *noun) {
  for (size_t i = 0; i < verb_count; i++)
    if (strcmp(verbs[i]->noun, noun) == 0 && verbs[i] != &verb_complete)
      printf("%s\n", verbs[i]->name);
}

static void offer_nouns(void) {
  for (size_t i = 0; i < noun_count; i++)
    printf("%s\n", nouns[i].name);
}

static void offer_options(const struct verb *v) {
  const struct opt *o;
  for (size_t i = 0; (o = verb_option(v, i)); i++)
    printf("--%s\n", o->name);
}

/* True when the word before is an option that takes a value; offers its values. */
static bool offer_value(const struct verb *v, const char *before) {
  const struct opt *o;
  for (size_t i = 0; (o = verb_option(v, i)); i++) {
    if (o->type == OPT_FLAG || strncmp(before, "--", 2) != 0 || strcmp(before + 2, o->name) != 0)
      continue;
    if (o->choices)
      for (const char *p = o->choices; *p; p++)
        putchar(*p == ' ' ? '\n' : *p);
    else if (strcmp(o->value, "FILE") == 0 || strcmp(o->value, "DIR") == 0)
      printf("@files");
    putchar('\n');
    return true;
  }
  return false;
}

static void offer_for(const struct verb *v, const char *last) {
  if (offer_value(v, last))
    return;
  offer_options(v);
  printf("--help\n");
  if (strstr(v->words, "FILE"))
    printf("@files\n");
}

static int run(int argc, char **argv) {
  const char *first = argc > 0 ? argv[0] : "", *second = argc > 1 ? argv[1] : "";
  bool help = strcmp(first, "help") == 0;
  const struct verb *v = verb_find(first, second);
  if (!v && !help)
    v = verb_find("", first);
  if (argc == 0 || (help && argc == 1)) {
    offer_verbs("");
    offer_nouns();
    if (help)
      offer_options(&verb_help);
  } else if (help || (!v && argc == 1))
    offer_verbs(help ? second : first);
  else if (v)
    offer_for(v, argv[argc - 1]);
  return 0;
}

const struct verb verb_complete = {
  .noun = "",
  .name = "complete",
  .words = "[WORD]...",
  .summary = "Print what may follow these words (the shell's completion asks)",
  .examples = "strongroom complete key",
  .run_argv = run,
};
