/*
 * Verbs: what the command line can do, as one table. A verb says everything about itself in one
 * constant next to its function; usage, help, completion and the manual's chapter of commands are
 * printed from these, so that they cannot drift.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "base/err.h"

struct args;

enum opt_type {
  OPT_FLAG,  /* --name */
  OPT_VALUE, /* --name VALUE or --name=VALUE */
  OPT_LIST   /* as OPT_VALUE, again and again */
};

struct opt {
  const char *name; /* without the dashes; NULL ends a table */
  enum opt_type type;
  const char *value;   /* what help calls its value; FILE and DIR are completed as such */
  const char *choices; /* the values it takes, separated by blanks; NULL: any */
  const char *help;
};
#define OPT_END \
  { 0 }

struct verb {
  const char *noun;              /* "" for a verb of the program itself */
  const char *name;              /* "create" */
  const char *words;             /* "NAME [VERSION]": its arguments */
  unsigned min_words, max_words; /* how many of them */
  bool client;                   /* asks the hub: takes --data and --json, too */
  /* NULL, or the keys of a configuration that it takes as options: verb_settings, .. */
  const struct opt *(*settings)(void);
  const char *summary;       /* one line */
  const char *details;       /* more, in lines of at most 78 characters; NULL: nothing */
  const struct opt *options; /* NULL: none */
  const char *examples;      /* one a line, without the program's name */
  err_t (*run)(const struct args *a);
  /* Instead of run(): parses its words itself and returns the exit code. argv[0] is the first word
   * after the verb. */
  int (*run_argv)(int argc, char **argv);
};

extern const struct verb *const verbs[];
extern const size_t verb_count;
/* The options of a verb, from all the tables that apply to it: the one at i, NULL beyond the last.
 */
const struct opt *verb_option(const struct verb *v, size_t i);
/* What every verb has that asks the hub, and what every verb has that starts it, or a proxy. */
extern const struct opt verb_client_options[];
const struct opt *verb_settings(void);
const struct opt *verb_proxy_settings(void);

struct noun {
  const char *name, *summary;
};
extern const struct noun nouns[];
extern const size_t noun_count;

/* noun "" for the program's own verbs; NULL when there is none. */
const struct verb *verb_find(const char *noun, const char *name);
const struct noun *noun_find(const char *name);

/* The exit codes: a row for each that has a meaning of its own. */
struct exit_code {
  int code;
  const char *meaning;
};
extern const struct exit_code exit_codes[];
extern const size_t exit_code_count;
int exit_code_of(err_t e);

#endif
