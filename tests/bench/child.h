/*
 * A program that this one starts: it says one line on its descriptor 3 when it is ready or has its
 * result, its stderr goes to a file or stays ours, and it ends with this program. One thread.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "base/bytes.h"

#include <sys/types.h>

#define CHILD_OUT 3 /* the descriptor on which it speaks */

struct child {
  pid_t pid; /* 0: none */
  int out;   /* what it says */
};

/* argv[0] is the path; log NULL leaves stderr as it is. */
err_t child_start(const char *const *argv, const char *log, struct child *out);
err_t child_line(struct child *c, unsigned timeout_ms, struct buf *line);
/* Sends sig (0: none) and waits for its end; ERR_IO when its status is not 0. */
err_t child_stop(struct child *c, int sig);
/* Ends it without asking, if it is there. */
void child_kill(struct child *c);

#endif
