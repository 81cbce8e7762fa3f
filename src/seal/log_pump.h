/*
 * From a descriptor into a log: a thread reads, the caller's thread seals and syncs, a third one
 * asks the vault for the next segment's key, so that neither a slow disk nor a vault that is away
 * stops reading before the queue is full. What was read is written, whatever happens, as long as
 * the disk takes it; what can't be written yet holds the reader, and so the producer, back.
 */
#ifndef SEAL_LOG_PUMP_H
#define SEAL_LOG_PUMP_H

#include "seal/log.h"

#include <stdatomic.h>

/* What signal handlers may do to a running pump: set a flag, then log_pump_wake(). */
struct log_control {
  atomic_bool stop, rotate;
  int wake; /* an eventfd */
};
err_t log_control_new(struct log_control *out);
void log_control_close(struct log_control *c);
void log_control_wake(const struct log_control *c); /* async-signal-safe */

struct log_pump_options {
  enum log_format format;
  unsigned flush_ms;     /* an entry waits so long at most before it is written */
  size_t flush_bytes;    /* so many are written at once; 0: 256 KiB */
  size_t queue;          /* so many wait at most; 0: 4 MiB */
  uint64_t segment_size; /* bytes at which a new one is begun */
  uint64_t segment_age_s;
  unsigned wait_s; /* how long the vault, or the disk, may be away before it is an error */
  /* Told when something goes wrong, in words, and ("") when all is well again. */
  void (*trouble)(void *ctx, err_t e);
  /* Told how the log ended before it goes on. */
  void (*begun)(void *ctx, const struct log_before *before);
  /* Told what is on disk from now on. */
  void (*durable)(void *ctx, const struct log_batch *b);
  void *ctx;
};
/* While the vault gives no key the present segment grows up to so many times segment_size. */
#define LOG_PUMP_STRETCH 8

/* Until in ends or control says stop. keys and control outlive it; the writer has been opened. */
err_t log_pump(struct log_writer *w, struct key_cache *keys, const char *key,
               const struct log_pump_options *o, struct log_control *control, int in);

#endif
