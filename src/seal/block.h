/*
 * Blocks: some chunks of a payload in one piece of memory. A chunk has a slot, in which it is
 * sealed where it lies; one that is opened goes to the slot before. So nothing is copied, and
 * memory and cache hold a block once. For the files of seal/ only; one thread at a time on one
 * block.
 */
#ifndef SEAL_BLOCK_H
#define SEAL_BLOCK_H

#include "seal/io.h"

#define BLOCK_SIZE (256u << 10) /* of plaintext: fits in a second-level cache */

struct block {
  const struct payload_shape *shape;
  bool seal;
  size_t chunks;   /* that it has room for */
  uint8_t *data;   /* that many slots and one */
  uint64_t number; /* of its first chunk */
  size_t size;     /* bytes of input in it */
  bool last;       /* the input ends with it */
  size_t good;     /* chunks that were sealed or opened, from the first on .. */
  size_t plain;    /* .. and the plaintext in them */
  err_t error;     /* what ended it before its end, .. */
  char why[256];   /* .. as the thread that did the work recorded it */
};
err_t block_new(const struct payload_shape *shape, bool seal, struct block *out);
void block_free(struct block *b); /* wipes; a zeroed one is fine */

struct pieces block_input(const struct block *b); /* room for all */
struct pieces block_output(const struct block *b);
/* Seals or opens what is in it: up to the first error. */
void block_work(struct block *b, struct payload_cipher *c);
/* Records the error again, for the thread that reports it. */
err_t block_fail(const struct block *b);

#endif
