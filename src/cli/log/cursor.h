/*
 * How far a journal is in the log: the cursor of the last entry that is on disk as a whole, kept in
 * a file, from which the next reader of the journal goes on. The file is never ahead of the log,
 * and some seconds behind it after a crash: then the last entries come twice. One thread.
 */
#ifndef CLI_LOG_CURSOR_H
#define CLI_LOG_CURSOR_H

#include "seal/log_entry.h"

#define CURSOR_MAX 512

struct log_cursor {
  const char *path;                                            /* NULL: nobody asked for it */
  char begun[CURSOR_MAX], whole[CURSOR_MAX], kept[CURSOR_MAX]; /* of entries, and in the file */
  uint64_t kept_us;
};
/* What is durable by now. */
void log_cursor_move(struct log_cursor *c, const struct log_batch *b);
err_t log_cursor_keep(struct log_cursor *c); /* at the end */

#endif
