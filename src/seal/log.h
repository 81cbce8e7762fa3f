/*
 * Sealed logs: a directory of segment files, each of them a header (header.h) and records that can
 * neither be changed nor moved nor left out without showing. Integers are big endian.
 *
 *   segment = header prefix record*
 *   prefix  = salt (32) log id (16) number:u64 commitment (32)
 *   record  = length:u32 XAES-256-GCM(plaintext), AAD = log id || number || record number:u64
 *
 * A segment's record key and commitment are derived from the header's data key, the salt and the
 * rest of the prefix, so that many segments may be under one data key. The log id is made with the
 * first segment and kept. Segments and records count from 1.
 *
 * The first record ("opened") names the segment before: number, last record, and the chain value
 * at its end (chain = SHA-256(chain before || sealed record), from zeros on). The last one
 * ("closed") says why it ended. So what is missing between the first segment and the last record
 * shows. What does not: whether the newest segment was cut off at its end, with its closing record
 * if it had one; and, if that was done before the next segment was begun, it does not show later
 * either, since that is what a crash looks like. It needs a position that is kept elsewhere (struct
 * log_position in log_read.h).
 *
 * A segment without a closing record was being written when the writer was killed; the segment
 * after it says at which record it ended, and what follows that, at most one write that was cut
 * off, is no part of the log: it was never acknowledged. More than that shows. It is not appended
 * to, nor is anything else rewritten: a writer begins a new segment.
 *
 * One thread at a time on one writer.
 */
#ifndef SEAL_LOG_H
#define SEAL_LOG_H

#include "client/data_key.h"
#include "seal/log_entry.h"

#define LOG_ID 16
#define LOG_CHAIN SHA256_SIZE

/* Why a segment ended. */
enum log_end { LOG_OPEN = 0, LOG_ROTATED = 1, LOG_STOPPED = 2 };

/* What a segment says of the one before it. */
struct log_before {
  bool present;    /* false: the log begins here */
  uint64_t number; /* of the segment */
  uint64_t last;   /* its last record */
  enum log_end end;
  bool unchecked;    /* its records could not be opened by who wrote this */
  int64_t latest_ns; /* no entry of the log up to there is later; INT64_MAX: not known */
  uint8_t chain[LOG_CHAIN];
};

struct log_writer;
/* Makes the directory if it is not there. ERR_CONFLICT: another one writes to it. */
err_t log_writer_open(const char *dir, enum log_format format, struct log_writer **out);
/* Abandons a segment that is not closed, as kill -9 would. */
void log_writer_free(struct log_writer *w);
CLEANUP(log_writer, struct log_writer *, log_writer_free)

/*
 * Looks how the log ended, once, before the first segment is begun. It asks the vault: an error
 * that may pass (log_may_pass()) is worth another try. Without the right to open what was written
 * it goes by the records' lengths, and so takes a torn record for a whole one where a power cut
 * left the length right.
 */
err_t log_writer_recover(struct log_writer *w, struct key_cache *keys);
/* Closes the present segment, if there is one, and begins the next one, durably. On an error the
 * present one stays, unless log_writer_has_segment() says that it does not. */
err_t log_writer_begin(struct log_writer *w, const struct data_key *key);
/*
 * Writes a record of these entries; it is durable on OK. On ERR_OUTPUT nothing of it counts: the
 * same batch may be given again, after log_writer_begin() if the segment is gone (its disk failed,
 * and what is on it is not known).
 */
err_t log_writer_append(struct log_writer *w, const struct log_batch *b);
/* Closes the present segment, for good. */
err_t log_writer_close(struct log_writer *w);

/* How the log ended when it was recovered. */
const struct log_before *log_writer_before(const struct log_writer *w);
bool log_writer_has_segment(const struct log_writer *w);
/* Bytes, age in seconds and entries of the present segment. */
struct log_extent {
  uint64_t size, entries;
  int64_t age_s;
};
struct log_extent log_writer_extent(const struct log_writer *w);

/* The vault is away or busy; what it refuses, it will refuse again. */
bool log_may_pass(err_t e);

#endif
