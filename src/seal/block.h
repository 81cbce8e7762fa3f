/*
 * Blocks: some chunks of a payload, and the memory that they are sealed or opened in. What is
 * sealed is sealed where it was read to; what is opened goes to the same memory, a chunk before. So
 * nothing is copied, and memory and cache hold a block once. For the files of seal/ only; one
 * thread at a time on one block.
 */
#ifndef SEAL_BLOCK_H
#define SEAL_BLOCK_H

#include "seal/io.h"

#define BLOCK_SIZE (256u << 10) /* of plaintext: fits in a second-level cache */

struct block {
  const struct payload_shape *shape;
  bool seal;
  size_t chunks;          /* that it has room for */
  uint8_t *memory, *data; /* data is where its pages begin */
  size_t shift;           /* of sealed input: it lies in its page as in the file's */
  const uint8_t *view;    /* the input is there; NULL: in data */
  uint64_t place;         /* in the file, behind a view */
  uint64_t number;        /* of its first chunk */
  size_t size;            /* bytes of input in it */
  bool last;              /* the input ends with it */
  size_t good;            /* chunks that were sealed or opened, from the first on .. */
  size_t plain;           /* .. and the plaintext in them */
  err_t error;            /* what ended it before its end, .. */
  char why[256];          /* .. as the thread that did the work recorded it */
};
err_t block_new(const struct payload_shape *shape, bool seal, struct block *out);
void block_free(struct block *b); /* wipes; a zeroed one is fine */

size_t block_room(const struct block *b); /* bytes of input */
/* Room for all; alignment is that of the input in its file. */
struct pieces block_input(struct block *b, size_t alignment);
struct pieces block_output(const struct block *b);
/* Seals or opens what is in it: up to the first error. */
void block_work(struct block *b, struct payload_cipher *c);
/* Records the error again, for the thread that reports it. */
err_t block_fail(const struct block *b);

#endif
