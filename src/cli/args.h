/*
 * The words of a command line, sorted by a verb's table of options: "--name VALUE", "--name=VALUE",
 * "--" ends the options. Everything borrows argv, in which the words are moved to the front: there
 * may be as many as the system takes.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/verb.h"

#include <limits.h>
#include <stdint.h>

#define ARGS_MAX 64        /* options given */
#define WORDS_ANY UINT_MAX /* for max_words */

struct given {
  const struct opt *opt;
  const char *value; /* NULL for flags */
};
struct args {
  const struct verb *verb;
  char **words;
  size_t word_count;
  struct given given[ARGS_MAX];
  size_t given_count;
  bool help; /* --help or -h: nothing else was looked at */
};
/* ERR_USAGE (FAILed) for what the verb does not take; an unknown option names the nearest. */
err_t args_parse(const struct verb *v, int argc, char **argv, struct args *out);

/* Names that the verb's table does not have are defects of the caller. */
const char *args_word(const struct args *a, size_t i);          /* NULL when absent */
bool args_flag(const struct args *a, const char *name);         /* given at all */
const char *args_value(const struct args *a, const char *name); /* NULL when absent */
/* One value of a list after the other: *at is 0 at the start; NULL at the end. */
const char *args_next(const struct args *a, const char *name, size_t *at);
/* ERR_USAGE unless it is a whole number from min to max; an absent one leaves *out as it is. */
err_t args_uint(const struct args *a, const char *name, uint64_t min, uint64_t max, uint64_t *out);
/* What is wrong with what was given is wrong usage, wherever it was found out: ERR_CONFIG becomes
 * ERR_USAGE, with its words. */
err_t args_usage(err_t e);

#endif
