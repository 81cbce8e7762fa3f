#include "seal/block.h"

#include <stdio.h>

err_t block_new(const struct payload_shape *shape, bool seal, struct block *out) {
  struct block b = { .shape = shape, .seal = seal, .chunks = BLOCK_SIZE / shape->chunk };
  b.data = mem_alloc((b.chunks + 1) * (shape->chunk + shape->overhead));
  if (!b.data)
    return ERR_NOMEM;
  *out = b;
  return OK;
}

void block_free(struct block *b) {
  mem_free(b->data);
  *b = (struct block){ 0 };
}

static size_t stride(const struct block *b) {
  return b->shape->chunk + b->shape->overhead;
}

static uint8_t *slot(const struct block *b, size_t i) {
  return b->data + i * stride(b);
}

/* Bytes of input in each chunk but the last. */
static size_t unit(const struct block *b) {
  return b->seal ? b->shape->chunk : stride(b);
}

struct pieces block_input(const struct block *b) {
  return (struct pieces){ slot(b, b->seal ? 0 : 1), b->chunks, unit(b), unit(b), stride(b) };
}

struct pieces block_output(const struct block *b) {
  size_t size = b->shape->chunk + (b->seal ? b->shape->overhead : 0);
  size_t whole = b->plain + (b->seal ? b->good * b->shape->overhead : 0);
  struct pieces p = { b->data, b->good, size, 0, stride(b) };
  if (p.count)
    p.last = whole - (p.count - 1) * size;
  return p;
}

/* How many chunks the input makes. The last one may be empty, or lack its tag. */
static size_t count(const struct block *b) {
  size_t full = b->size / unit(b), rest = b->size % unit(b);
  if (!b->last)
    return full;
  if (rest || (full == 0 && b->number == 0))
    return full + 1;
  return full + (b->shape->short_last ? 1 : 0);
}

static err_t seal_chunk(struct block *b, struct payload_cipher *c, size_t size, bool last) {
  uint8_t *at = slot(b, b->good);
  return payload_seal_chunk(c, b->number + b->good, last, bytes_of(at, size), at);
}

static err_t open_chunk(struct block *b, struct payload_cipher *c, size_t size, bool last) {
  struct bytes sealed = bytes_of(slot(b, b->good + 1), size);
  uint64_t number = b->number + b->good;
  if (last && size < b->shape->overhead)
    FAIL(ERR_TRUNCATED, "chunk %llu ends after %zu bytes", (unsigned long long)number, size);
  return payload_open_chunk(c, number, last, sealed, slot(b, b->good));
}

/* age alone: a full chunk that is marked as the last and is not at the end, or the other way round.
 * It is what was sealed; what follows it is not, or is missing. */
static err_t open_misplaced(struct block *b, struct payload_cipher *c, size_t size, bool last) {
  TRY(open_chunk(b, c, size, !last));
  b->good++;
  b->plain += b->shape->chunk;
  if (last)
    FAIL(ERR_TRUNCATED, "the last chunk is missing");
  FAIL(ERR_DAMAGED, "something follows the last chunk");
}

static err_t work_chunk(struct block *b, struct payload_cipher *c, size_t size, bool last) {
  err_t e = b->seal ? seal_chunk(b, c, size, last) : open_chunk(b, c, size, last);
  if (e == ERR_DAMAGED && size == stride(b) && !b->shape->short_last)
    return open_misplaced(b, c, size, last);
  TRY(e);
  b->good++;
  b->plain += b->seal ? size : size - b->shape->overhead;
  return OK;
}

static err_t work(struct block *b, struct payload_cipher *c) {
  size_t chunks = count(b);
  if (b->last && chunks == 0)
    FAIL(ERR_TRUNCATED, "the last chunk is missing");
  for (size_t i = 0; i < chunks; i++) {
    size_t left = b->size - i * unit(b);
    TRY(work_chunk(b, c, left < unit(b) ? left : unit(b), b->last && i + 1 == chunks));
  }
  return OK;
}

void block_work(struct block *b, struct payload_cipher *c) {
  b->good = b->plain = 0;
  b->error = work(b, c);
  if (b->error != OK)
    (void)snprintf(b->why, sizeof b->why, "%s",
                   err_last()->code == b->error ? err_last()->why : "");
}

err_t block_fail(const struct block *b) {
  FAIL(b->error, "%s", b->why);
}
