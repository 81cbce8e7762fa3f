/*
 * The access log's file: lines are put into a queue of a bounded size, which a thread writes, so
 * that whoever has a line never waits for a disk or a pipe. What finds no room, or can't be
 * written, is lost: that is counted, and the log says so. What a full disk has taken of a line is
 * taken back, so that lines are whole. Any thread.
 */
#ifndef CLI_PROXY_ACCESS_WRITER_H
#define CLI_PROXY_ACCESS_WRITER_H

#include "transit/proxy/ended.h"

#define ACCESS_QUEUE_MAX (1u << 20) /* bytes that wait to be written */

struct access_writer;
/* A file, which is appended to and made with mode 0600, or "-" for stdout. ERR_CONFIG, FAILed. */
err_t access_writer_open(const char *path, struct access_writer **out);
err_t access_writer_start(struct access_writer *w);
void access_writer_put(struct access_writer *w, const struct proxy_ended *e);
/* Opens the file of that name again, soon: the one it writes to was moved away. */
void access_writer_reopen(struct access_writer *w);
uint64_t access_writer_lost(const struct access_writer *w); /* lines */
/* What waits is written first, as far as that takes seconds. */
void access_writer_free(struct access_writer *w);
CLEANUP(access_writer, struct access_writer *, access_writer_free)

#endif
