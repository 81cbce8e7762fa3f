/*
 * Both ends of a stream, for the files of seal/ only: descriptors that are read and written whole,
 * whatever they are (short reads, signals, non-blocking pipes), and files with holes. A source or
 * sink belongs to one thread; descriptors belong to the caller.
 *
 * Reading that fails is ERR_INPUT, writing that fails ERR_OUTPUT, with what the system said.
 */
#ifndef SEAL_IO_H
#define SEAL_IO_H

#include "seal/stream.h"

/* As much as there is, at most size: less only at the end. */
err_t io_read(int fd, void *out, size_t size, size_t *got);
err_t io_read_at(int fd, uint64_t at, void *out, size_t size, size_t *got);
err_t io_write(int fd, struct bytes data);
err_t io_write_at(int fd, uint64_t at, struct bytes data);
/* Of a file or a disk. */
err_t io_size(int fd, uint64_t *size);

/* Pieces of a block: each of so many bytes, but the last, which has its own size. */
struct pieces {
  uint8_t *first;
  size_t count, size, last; /* count 0: nothing */
  size_t stride;            /* from one to the next */
};

/* Asked when a signal came in while the stream waited: whether it goes on. */
struct watch {
  const struct stream_options *options;
  struct stream_progress progress;
};

struct source {
  struct watch *watch;
  int fd;
  struct bytes ahead; /* bytes that were read already */
  uint64_t left;      /* so much may be read yet */
  uint8_t spare;      /* what source_ended() read */
  bool placed;        /* a file: read from at on, which moves */
  uint64_t at;
  bool sparse;
  uint64_t data_until, hole_until; /* where at is, in a sparse file */
  void *views;                     /* of the stream's options; NULL: what is read is copied */
};
/* How a stream of these options reads. */
void source_init(struct source *s, struct watch *w, bool seal, int fd);
void source_end(struct source *s); /* views end with it */
/* The next size bytes as they lie in the file, without a copy; NULL when that cannot be, or when
 * they might be its last. Valid until source_passed() is told a place behind them. */
const uint8_t *source_view(struct source *s, size_t size);
void source_passed(struct source *s, uint64_t place);
/* ERR_INPUT when what was seen in a view may not have been what the file has. */
err_t source_check(const struct source *s);
/* Where in the file the next byte is, as far as that matters for copying it fast. */
size_t source_alignment(const struct source *s);
/* Fills the pieces; *got is less than all of them only at the end, and with an error: so much was
 * read before it. */
err_t source_read(struct source *s, const struct pieces *p, size_t *got);
/* Whether nothing is left; waits until that is known. */
err_t source_ended(struct source *s, bool *ended);
/* Whether a read would wait for the other end. */
bool source_waits(const struct source *s);
/* Leaves the descriptor behind what was read. */
void source_done(const struct source *s);

struct sink {
  struct watch *watch;
  int fd;
  bool sparse;
  uint64_t at; /* where it stands in a sparse file */
};
void sink_init(struct sink *s, struct watch *w, bool sparse, int fd);
err_t sink_write(struct sink *s, const struct pieces *p);
/* Sets the size of a file that ends with a hole. */
err_t sink_done(const struct sink *s);

#endif
