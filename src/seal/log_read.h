/*
 * Reading sealed logs (log.h): one segment after the other, each record verified before it is
 * given to anybody, and the whole checked against what each segment says of the one before it.
 * A log may be read while it is written.
 *
 * Errors name segment and record. One thread at a time on one object.
 */
#ifndef SEAL_LOG_READ_H
#define SEAL_LOG_READ_H

#include "seal/log.h"

/* --- a directory's segments --- */

#define LOG_NAME 48
struct log_name {
  uint64_t number;
  char text[LOG_NAME];
};
struct log_names {
  struct log_name *at; /* in order */
  size_t count;
};
err_t log_names_read(const char *dir, struct log_names *out);
void log_names_free(struct log_names *n);
#define AUTO_LOG_NAMES __attribute__((cleanup(log_names_free))) struct log_names
/* Whether a file is called as a segment is. */
bool log_name_parse(const char *text, struct log_name *out);

/* --- a segment --- */

/* A record of entries. */
struct log_record {
  uint64_t number;
  int64_t first_ns, last_ns; /* the first one's time, the latest one */
  uint64_t count;
  struct bytes entries; /* for log_entries_next(); until the next record is read */
};

struct log_segment;
/* name is below dir, or a path with AT_FDCWD. The opening record is read. */
err_t log_segment_open(struct key_cache *keys, int dir, const char *name, struct log_segment **out);
void log_segment_free(struct log_segment *s);
CLEANUP(log_segment, struct log_segment *, log_segment_free)

struct log_about {
  const char *name; /* of the file */
  uint64_t number;
  uint8_t log_id[LOG_ID];
  enum log_format format;
  int64_t opened_ns;
  struct log_before before;
  const char *key_id;
};
const struct log_about *log_segment_about(const struct log_segment *s);

/*
 * The next record of entries; *more is false at the end, which, in a segment that is not closed
 * yet, may be a moment's: it can be asked again. limit: the last record that counts (UINT64_MAX:
 * all).
 */
err_t log_segment_next(struct log_segment *s, uint64_t limit, struct log_record *out, bool *more);

/* How far it was read. */
struct log_state {
  uint64_t last; /* record */
  uint64_t entries;
  enum log_end end;
  uint64_t torn;             /* bytes at the end that are no whole record */
  int64_t first_ns, last_ns; /* of its entries, the latest one; 0 without any */
  uint8_t chain[LOG_CHAIN];
};
const struct log_state *log_segment_state(const struct log_segment *s);

/* Goes on with the records whose entries are the last so many, without verifying the chain of those
 * before; *count is how many entries these records have. */
err_t log_segment_seek_last(struct log_segment *s, uint64_t entries, uint64_t limit,
                            uint64_t *count);

/* --- a log --- */

/* A place in a log that can be kept elsewhere: "SEGMENT:RECORD" or "SEGMENT:RECORD:DIGEST". */
struct log_position {
  uint64_t segment, record;
  bool has_chain;
  uint8_t chain[LOG_CHAIN];
};
#define LOG_POSITION_TEXT 112
void log_position_format(const struct log_position *p, char out[static LOG_POSITION_TEXT]);
bool log_position_parse(const char *text, struct log_position *out);

struct log_visitor {
  void *ctx;
  /* NULL: nobody looks. An error ends the walk and is returned. */
  err_t (*record)(void *ctx, const struct log_about *s, const struct log_record *r);
  /* A segment's end. before: what the next one says of it; NULL: it is the last. */
  err_t (*segment)(void *ctx, const struct log_about *s, const struct log_state *state);
  /* Something is missing or was changed: OK to go on behind it. err_last() says what. */
  err_t (*problem)(void *ctx, err_t e);
};
struct log_walk_options {
  bool from_start;                  /* the first segment must be number 1 */
  int64_t since_ns, until_ns;       /* only segments that may have entries of these times; 0: all */
  const struct log_position *least; /* must be reached and be as it was; NULL */
};
struct log_walk_result {
  uint64_t first, segments, records, entries; /* first: number of the first segment */
  bool open;                                  /* the last segment is not closed */
  uint8_t log_id[LOG_ID];
  struct log_position end;
};
err_t log_walk(const char *dir, struct key_cache *keys, const struct log_walk_options *o,
               const struct log_visitor *v, struct log_walk_result *out);
/* Whether somebody writes to it just now. */
bool log_is_written(const char *dir);

#endif
