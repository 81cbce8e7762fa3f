/*
 * The bytes of a segment (log.h): what its writer and its readers share. Any thread.
 *
 * A record's plaintext: version:u8 type:u8 first:i64 last:i64, times in nanoseconds, and then
 *
 *   lines:  count:u64 entries (log_entry.h)
 *   opened: format:u8 present:u8 number:u64 last:u64 end:u8 unchecked:u8 latest:i64
 *           chain (32), of the segment before
 *   closed: end:u8
 */
#ifndef SEAL_LOG_FORMAT_H
#define SEAL_LOG_FORMAT_H

#include "base/file.h"
#include "base/pack.h"
#include "seal/header.h"
#include "seal/log_read.h"
#include "seal/xaes.h"

#define LOG_SUFFIX ".srlog"
#define LOG_LOCK ".lock"
#define LOG_NEW ".new" /* a segment that is not complete yet */

#define LOG_SALT 32
#define LOG_COMMITMENT 32
#define LOG_PREFIX (LOG_SALT + LOG_ID + 8 + LOG_COMMITMENT)
#define LOG_START (HEADER_SIZE + LOG_PREFIX) /* of the first record */
#define LOG_LENGTH 4
/* A batch is at most what a full queue holds and one read more. */
#define LOG_RECORD_MAX (16u * 1024 * 1024)

struct log_prefix {
  uint8_t salt[LOG_SALT], id[LOG_ID];
  uint64_t number;
  uint8_t commitment[LOG_COMMITMENT];
};
void log_prefix_put(const struct log_prefix *p, struct buf *out);
void log_prefix_get(const uint8_t in[static LOG_PREFIX], struct log_prefix *out);
/* The record key, and the commitment that goes with it, of a prefix's other fields. */
err_t log_prefix_key(const struct log_prefix *p, struct bytes data_key, struct xaes **out,
                     uint8_t commitment[static LOG_COMMITMENT]);

enum log_type { LOG_TYPE_LINES = 1, LOG_TYPE_OPENED = 2, LOG_TYPE_CLOSED = 3 };
struct log_plain {
  enum log_type type;
  int64_t first_ns, last_ns;
  uint64_t count;       /* lines */
  struct bytes entries; /* lines */
  enum log_format format;
  struct log_before before; /* opened */
  enum log_end end;         /* closed */
};
void log_plain_put(const struct log_plain *p, struct buf *out);
/* ERR_DAMAGED, FAILed: not a record of this version. */
err_t log_plain_get(struct bytes plain, struct log_plain *out);

/* The end of the chain: where the next record goes. */
struct log_tip {
  uint64_t last;
  uint8_t chain[LOG_CHAIN];
};
/* Appends length and sealed record number tip->last + 1 and moves the tip. */
err_t log_seal(const struct xaes *key, const struct log_prefix *p, struct log_tip *tip,
               struct bytes plain, struct buf *out);
/* The same backwards: sealed without its length; nothing moves. */
err_t log_open(const struct xaes *key, const struct log_prefix *p, uint64_t record,
               struct bytes sealed, struct buf *out);
err_t log_chain(struct log_tip *tip, struct bytes sealed); /* moves the tip */

/* Something is missing or was changed. */
static inline bool log_is_problem(err_t e) {
  return e == ERR_DAMAGED || e == ERR_TRUNCATED || e == ERR_NOT_SEALED || e == ERR_WRONG_KEY;
}
/* Closes what is open, and no more than once. */
static inline void log_fd_close(int *fd) {
  file_close(fd);
  *fd = -1;
}
int64_t log_now_ns(void);
/* Its file name. */
void log_name_make(uint64_t number, int64_t ns, struct log_name *out);

/* The directory: made if create, else ERR_INPUT (FAILed) when it is not there. */
err_t log_dir_open(const char *path, bool create, int *fd);
err_t log_names_list(int dir, const char *path, struct log_names *out);

/* --- log_scan.c: a segment's raw records --- */

struct log_scan {
  int fd;
  uint64_t at, size; /* of the next record; of the file, as far as is known */
  struct buf sealed; /* the record that was read, without its length */
};
enum log_found { LOG_FOUND, LOG_FOUND_END, LOG_FOUND_TORN, LOG_FOUND_NONE };
/* Reads the record at at and goes behind it. Nothing moves unless it is there: END, there is
 * nothing more; TORN, a part of a record, or zeros; NONE, what never was a record. ERR_INPUT. */
err_t log_scan_next(struct log_scan *s, enum log_found *found);
/* The same without reading it. */
err_t log_scan_skip(struct log_scan *s, enum log_found *found);
/* Header and prefix from the file's start. Errors as of header_read(). */
err_t log_read_start(int fd, const char *name, struct header *h, struct log_prefix *p);

#endif
