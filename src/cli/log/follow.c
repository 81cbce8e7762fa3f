/* strongroom log follow DIR */
#include "cli/log/log.h"
#include "cli/verbs.h"
#include "seal/log_follow.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define LINES_MAX 1000000
#define PAUSE_MS 1000 /* where nobody tells that a file has grown, such as on NFS */

static void end(int number) {
  (void)number;
  _exit(0);
}

/* All there is at the moment. */
static err_t print_new(struct log_follower *f, struct log_sorter *s) {
  struct log_record r;
  const struct log_about *about;
  bool more;
  for (;;) {
    TRY(log_follower_next(f, &about, &r, &more));
    if (!more)
      return OK;
    TRY(log_sort(s, about, &r));
    if (out_failed())
      return ERR_CLOSED;
  }
}

/* A vault that is away is waited for. */
static err_t look(struct log_follower *f, struct log_sorter *s, err_t *told) {
  err_t e = print_new(f, s);
  bool passes = log_may_pass(e) && !out_failed();
  if (passes && e != *told)
    out_note("log follow: %s", out_error_text(e));
  *told = passes ? e : OK;
  return passes ? OK : e;
}

static err_t follow(const struct args *a, uint64_t lines, struct log_sorter *s) {
  AUTO_LOG_KEYS keys = { 0 };
  struct log_follower *f AUTO(log_follower) = NULL;
  err_t told = OK;
  TRY(log_keys_open(a, &keys));
  TRY(log_follower_open(args_word(a, 0), keys.cache, lines, &f, &s->skip));
  for (;;) {
    TRY(look(f, s, &told));
    if (fflush(stdout) != 0)
      return ERR_CLOSED;
    struct pollfd fd = { log_follower_fd(f), POLLIN, 0 };
    poll(&fd, 1, PAUSE_MS);
  }
}

static err_t run(const struct args *a) {
  AUTO_LOG_SORTER sorter = { 0 };
  struct log_print print = { 0 };
  uint64_t lines = 10;
  TRY(args_uint(a, "lines", 0, LINES_MAX, &lines));
  log_print_setup(a, &print, &sorter);
  signal(SIGTERM, end);
  signal(SIGINT, end);
  err_t e = follow(a, lines, &sorter);
  return e == ERR_CLOSED && out_failed() ? OK : e;
}

static const struct opt options[] = {
  { "lines", OPT_VALUE, "N", NULL, "begin with the last N entries (default: 10)" },
  LOG_PRINT_OPTIONS,
  OPT_END,
};

const struct verb verb_log_follow = {
  .noun = "log",
  .name = "follow",
  .words = "DIR",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Print the end of a sealed log, and what comes, until stopped",
  .details = "Goes from segment to segment as they are begun. An entry comes when it is on disk,\n"
             "half a second after it was written (--flush-ms of 'log write').",
  .options = options,
  .examples = "strongroom log follow /var/log/my-service --lines 100 --times",
  .run = run,
};
