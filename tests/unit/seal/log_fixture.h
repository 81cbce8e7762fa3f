/* What the tests of logs share: a log in a directory of its own, written and read in few words. */
#ifndef TEST_LOG_FIXTURE_H
#define TEST_LOG_FIXTURE_H

#include "fixture.h"

#include "seal/log_format.h"
#include "seal/log_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_test {
  struct fake_vault vault;
  struct key_cache *keys;
  char dir[64];
  struct log_writer *writer;
};
extern struct log_test t;
int log_setup(void **state);    /* of each test: an empty directory, a good vault */
int log_teardown(void **state); /* removes it */

void log_start(void); /* a writer: opens, recovers, begins a segment */
err_t log_begin_segment(void);
void log_put(const char *text); /* a record of one line */
void log_put_many(unsigned from, unsigned to);
void log_stop(void);  /* closes the segment and ends */
void log_crash(void); /* ends as kill -9 would */
/* Three segments: 1 rotated with lines 1 to 3, 2 cut off by a crash with 4 and 5, 3 stopped with 6
 * and 7. */
void log_make_three(void);

/* The lines that a walk shows, each with a line feed, up to its error. */
err_t log_lines(struct buf *out);
/* A walk that stops at the first problem. o and r may be NULL. */
err_t log_verify(const struct log_walk_options *o, struct log_walk_result *r);

/* The file of a segment. */
const char *log_path(uint64_t segment);
struct bytes log_load(uint64_t segment);
void log_store(uint64_t segment, struct bytes content);
/* Where record n begins, and behind the last one the file's end. */
uint64_t log_offset(uint64_t segment, uint64_t record);

/* assert that the call fails so, naming what. */
#define assert_named(call, code, what) \
  do { \
    assert_result(call, #code); \
    if (!strstr(err_last()->why, what)) \
      fail_msg("'%s' does not name '%s'", err_last()->why, what); \
  } while (0)

#endif
