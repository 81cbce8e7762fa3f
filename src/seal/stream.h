/*
 * Streams through payloads: descriptors in, descriptors out, with as many threads as are asked for
 * and memory that does not depend on the size. Blocks of a few hundred KiB are read in order,
 * sealed or opened by the threads, and written in order: nothing is written that was not verified,
 * and all that was verified before a failure is. Any thread; a call has its own threads.
 *
 * What the far ends do is told apart: ERR_INPUT (reading failed), ERR_OUTPUT (writing failed; the
 * reason says "No space left on device" where that is it), ERR_TRUNCATED, ERR_DAMAGED (changed,
 * reordered, extended).
 */
#ifndef SEAL_STREAM_H
#define SEAL_STREAM_H

#include "seal/payload.h"

struct stream_progress {
  uint64_t done;  /* bytes of plaintext */
  uint64_t total; /* 0 when nobody knows */
};
/* A file's bytes where they are. Objects of open() belong to one thread. */
#define STREAM_VIEWS (48u << 20) /* bytes that views show at a time, at most */
struct stream_views {
  void *(*open)(
    int file); /* NULL: it cannot be, reading will do. The descriptor stays the caller's */
  /* size bytes at a place, which is never before the last one's; NULL when they are not to be had,
   * or nothing is behind them. Any thread may read them, until passed() is told a later place. */
  const uint8_t *(*view)(void *v, uint64_t at, size_t size);
  void (*passed)(void *v, uint64_t place);
  bool (*lost)(const void *v); /* what was shown may not have been what the file has */
  void (*close)(void *v);
};
struct stream_options {
  unsigned threads; /* 0: as many as there are cores, at most 8 */
  /* NULL: nobody looks. Called by the caller's thread, after each block; an error ends the stream
   * (Ctrl-C). */
  err_t (*progress)(void *ctx, const struct stream_progress *p);
  void *ctx;
  uint64_t total; /* of plaintext, for progress; 0: not known */
  uint64_t limit; /* stream_seal() reads no more of the input than this; 0: all */
  bool sparse_in; /* the input is a file: its holes are not read */
  /* How stream_seal() may see an input that is a file without copying it: map_views (map.h), of a
   * program that can have a handler for SIGBUS. NULL: it is read. */
  const struct stream_views *views;
  bool
    sparse_out; /* the output is a file: blocks of zeros become holes, its size is set at the end */
  uint64_t skip;      /* chunks, already sealed in the output: the input stands behind them */
  struct bytes ahead; /* bytes of the input that were read already, up to where it stands */
};

/* Writes the chunks (the prefix is already written). in is read to its end. */
err_t stream_seal(const struct payload *p, const struct stream_options *o, int in, int out);
/* in stands at the first chunk. */
err_t stream_open(const struct payload *p, const struct stream_options *o, int in, int out);
/*
 * The plaintext from offset on, length bytes or fewer where it ends, of a payload that starts at
 * base in a file which can be read at any place. The last chunk is verified first, so that the
 * length can be trusted. *got (may be NULL) is how many bytes were written.
 */
struct stream_range {
  int file;
  uint64_t base, offset, length;
};
err_t stream_open_range(const struct payload *p, const struct stream_range *r, int out,
                        uint64_t *got);
/* The same into memory that the caller has: length bytes of room. */
err_t stream_read_range(const struct payload *p, const struct stream_range *r, uint8_t *out,
                        uint64_t *got);

#endif
