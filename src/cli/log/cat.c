/* strongroom log cat DIR|SEGMENT... */
#include "cli/log/log.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_LOG_SORTER sorter = { 0 };
  struct log_print print = { 0 };
  TRY(log_span_parse(a, &sorter.span));
  log_print_setup(a, &print, &sorter);
  return log_read_all(a, 0, &sorter);
}

static const struct opt options[] = {
  LOG_SPAN_OPTIONS,
  LOG_PRINT_OPTIONS,
  LOG_SKIP_OPTION,
  OPT_END,
};

const struct verb verb_log_cat = {
  .noun = "log",
  .name = "cat",
  .words = "DIR|SEGMENT...",
  .min_words = 1,
  .max_words = WORDS_ANY,
  .client = true,
  .summary = "Print a sealed log, or some of its segments",
  .details =
    "Prints byte for byte what was written, and nothing that was not verified: with exit code 7\n"
    "it ends in front of what is missing or was changed. A log that is being written is printed\n"
    "up to now. With --json each entry is one line of JSON, with the fields of a "
    "journal's.\n" LOG_SPAN_HELP,
  .options = options,
  .examples =
    "strongroom log cat /var/log/my-service --since -2h --times\n"
    "strongroom log cat /var/log/journal-sealed | systemd-journal-remote -o again.journal -\n"
    "strongroom log cat 00000007-20261126T081500Z.srlog",
  .run = run,
};
