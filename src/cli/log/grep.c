/* strongroom log grep PATTERN DIR|SEGMENT... */
#include "cli/log/log.h"
#include "cli/verbs.h"

#include <regex.h>
#include <stdio.h>

struct grep {
  regex_t regex;
  bool compiled;
  struct log_print print;
  err_t (*show)(void *ctx, const struct log_line *line);
  bool found;
};
static void grep_free(struct grep *g) {
  if (g->compiled)
    regfree(&g->regex);
}

/* A fixed text as the expression that matches it. */
static void put_quoted(struct buf *b, const char *text) {
  for (; *text; text++) {
    if (strchr(".[]{}()\\*+?|^$", *text))
      buf_put_char(b, '\\');
    buf_put_char(b, *text);
  }
}

static err_t compile(struct grep *g, const struct args *a) {
  AUTO_BUF quoted = BUF_EMPTY;
  const char *pattern = args_word(a, 0);
  char why[128];
  if (args_flag(a, "fixed")) {
    put_quoted(&quoted, pattern);
    pattern = buf_cstr(&quoted);
    if (!pattern)
      return ERR_NOMEM;
  }
  int flags = REG_EXTENDED | REG_NEWLINE | (args_flag(a, "ignore-case") ? REG_ICASE : 0);
  int bad = regcomp(&g->regex, pattern, flags);
  g->compiled = bad == 0;
  if (g->compiled)
    return OK;
  regerror(bad, &g->regex, why, sizeof why);
  FAIL(ERR_USAGE, "'%s' is no regular expression: %s", args_word(a, 0), why);
}

static err_t look(void *ctx, const struct log_line *line) {
  struct grep *g = ctx;
  regmatch_t at = { .rm_so = 0, .rm_eo = (regoff_t)line->text.size };
  if (regexec(&g->regex, (const char *)line->text.data, 1, &at, REG_STARTEND) != 0)
    return OK;
  g->found = true;
  return g->show(&g->print, line);
}

static err_t grep(const struct args *a, bool *found) {
  struct grep g __attribute__((cleanup(grep_free))) = { .show = log_print_raw };
  AUTO_LOG_SORTER sorter = { .whole = look, .ctx = &g };
  TRY(log_span_parse(a, &sorter.span));
  TRY(compile(&g, a));
  g.print.times = args_flag(a, "times");
  if (args_flag(a, "json"))
    g.show = log_print_json;
  TRY(log_read_all(a, 1, &sorter));
  *found = g.found;
  return OK;
}

/* It is no error that nothing matched, yet the exit code says so. */
static int run_argv(int argc, char **argv) {
  struct args a;
  bool found = false;
  err_t e = args_parse(&verb_log_grep, argc, argv, &a);
  if (e == OK)
    e = grep(&a, &found);
  if (e == OK)
    return found ? 0 : 1;
  fflush(stdout);
  out_error(e);
  return exit_code_of(e);
}

static const struct opt options[] = {
  { "ignore-case", OPT_FLAG, NULL, NULL, "upper and lower case are the same" },
  { "fixed", OPT_FLAG, NULL, NULL, "PATTERN is a text, not an expression" },
  LOG_SPAN_OPTIONS,
  LOG_PRINT_OPTIONS,
  LOG_SKIP_OPTION,
  OPT_END,
};

const struct verb verb_log_grep = {
  .noun = "log",
  .name = "grep",
  .words = "PATTERN DIR|SEGMENT...",
  .min_words = 2,
  .max_words = WORDS_ANY,
  .client = true,
  .summary = "Print the entries of a sealed log that match; exit code 1 when none does",
  .details =
    "PATTERN is an extended regular expression of POSIX, which works on bytes: letters beyond\n"
    "ASCII have no other case. It is matched against each line, of a journal's entry against\n"
    "each of its fields, and then the whole entry is printed. Of lines longer than 64 MiB the\n"
    "first 64 MiB count. With --json each entry is one line of JSON. " LOG_SPAN_HELP,
  .options = options,
  .examples = "strongroom log grep 'error.*disk' /var/log/my-service\n"
              "strongroom log grep '^PRIORITY=[0-3]$' /var/log/journal-sealed --since -1d",
  .run_argv = run_argv,
};
