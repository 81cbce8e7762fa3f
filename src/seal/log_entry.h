/*
 * The entries of a log, and how a stream is cut into them.
 *
 * An entry is a line without its line feed, or, of the journal's export format, all fields of an
 * entry without the empty line that ends it: either way what stood in the stream was the entry and
 * a line feed, so that a log gives back byte for byte what came in. Of RFC 6587's octet counting
 * an entry is a message without its length. Longer ones than LOG_PART are in parts.
 *
 * No locks: each of these is used by one thread at a time.
 */
#ifndef SEAL_LOG_ENTRY_H
#define SEAL_LOG_ENTRY_H

#include "base/bytes.h"

enum log_format { LOG_LINES = 1, LOG_JOURNAL = 2, LOG_SYSLOG = 3 };

#define LOG_PART (1024u * 1024)

enum log_flag {
  LOG_GOES_ON = 1,      /* the next part follows */
  LOG_CONTINUES = 2,    /* it is not the first part */
  LOG_UNTERMINATED = 4, /* the stream ended here, without the line feed */
};
struct log_entry {
  unsigned flags; /* of enum log_flag */
  int64_t ns;     /* Unix time at which it was read */
  struct bytes text;
};

/* What becomes one record. */
struct log_batch {
  struct buf entries;        /* packed */
  uint64_t count;            /* of entries: of their first parts */
  int64_t first_ns, last_ns; /* the first entry's time, the latest one */
  int64_t now_ns;            /* the one that was added last */
};
void log_batch_free(struct log_batch *b);
void log_batch_clear(struct log_batch *b); /* keeps the memory */
#define AUTO_LOG_BATCH __attribute__((cleanup(log_batch_free))) struct log_batch
/* Out of memory shows in entries.failed. */
void log_batch_add(struct log_batch *b, const struct log_entry *e);

/* Reading what was packed; start with rest = entries and ns = the record's first time. False at the
 * end, or, with bad set, at what is none. */
struct log_entries {
  struct bytes rest;
  int64_t ns;
  bool bad;
};
bool log_entries_next(struct log_entries *it, struct log_entry *out);

struct log_framer {
  enum log_format format;
  struct buf part; /* of an entry whose end has not come yet */
  bool continues;  /* earlier parts of it are gone to a batch */
  /* Where in the format the stream stands. */
  unsigned state;
  uint64_t left; /* bytes of a binary field, or message, to come */
  unsigned digits;
};
void log_framer_free(struct log_framer *f);
#define AUTO_LOG_FRAMER __attribute__((cleanup(log_framer_free))) struct log_framer
/* Cuts up what was read at that time. What is not of the format is kept as lines. */
void log_framer_put(struct log_framer *f, int64_t ns, struct bytes data, struct log_batch *out);
/* The stream's end. */
void log_framer_end(struct log_framer *f, int64_t ns, struct log_batch *out);
/* ERR_NOMEM when either ran out of memory. */
err_t log_framer_ok(const struct log_framer *f, const struct log_batch *b);

#endif
