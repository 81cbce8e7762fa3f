#include "seal/block.h"

#include <stdio.h>

#define PAGE 4096
#define LINE 64

/*
 * Where things are in data. A copy is several times slower where source and target are a few bytes
 * apart in their pages: hence the odd places.
 *
 * Sealing: chunk i at i spacings, sealed where it lies; from a view, at i strides.
 * Opening: plaintext in one piece from the start on; sealed input in one piece a chunk behind it,
 * at its shift. Never from a view: what changes in the file meanwhile must not be verified as one
 * thing and opened as another.
 */
static size_t stride(const struct block *b) {
  return b->shape->chunk + b->shape->overhead;
}

static size_t spacing(const struct block *b) {
  return (stride(b) + LINE - 1) / LINE * LINE;
}

/* Bytes of input in each chunk but the last. */
static size_t unit(const struct block *b) {
  return b->seal ? b->shape->chunk : stride(b);
}

static size_t out_spacing(const struct block *b) {
  if (!b->seal)
    return b->shape->chunk;
  return b->view ? stride(b) : spacing(b);
}

static uint8_t *out_chunk(const struct block *b, size_t i) {
  return b->data + i * out_spacing(b);
}

err_t block_new(const struct payload_shape *shape, bool seal, struct block *out) {
  struct block b = { .shape = shape, .seal = seal, .chunks = BLOCK_SIZE / shape->chunk };
  b.memory = mem_alloc((b.chunks + 1) * spacing(&b) + 2 * (size_t)PAGE);
  if (!b.memory)
    return ERR_NOMEM;
  b.data = b.memory + (PAGE - (uintptr_t)b.memory % PAGE) % PAGE;
  *out = b;
  return OK;
}

void block_free(struct block *b) {
  mem_free(b->memory);
  *b = (struct block){ 0 };
}

size_t block_room(const struct block *b) {
  return b->chunks * unit(b);
}

static uint8_t *sealed_input(const struct block *b) {
  return b->data + b->shape->chunk + b->shift;
}

struct pieces block_input(struct block *b, size_t alignment) {
  b->view = NULL;
  b->shift = (PAGE + alignment - b->shape->chunk % PAGE) % PAGE;
  if (b->seal)
    return (struct pieces){ b->data, b->chunks, unit(b), unit(b), spacing(b) };
  return (struct pieces){ sealed_input(b), b->chunks, unit(b), unit(b), unit(b) };
}

struct pieces block_output(const struct block *b) {
  size_t size = b->shape->chunk + (b->seal ? b->shape->overhead : 0);
  size_t whole = b->plain + (b->seal ? b->good * b->shape->overhead : 0);
  struct pieces p = { b->data, b->good, size, 0, out_spacing(b) };
  if (p.count && p.stride == size) /* in one piece */
    p = (struct pieces){ b->data, 1, whole, whole, whole };
  else if (p.count)
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
  uint8_t *at = out_chunk(b, b->good);
  const uint8_t *plain = b->view ? b->view + b->good * unit(b) : at;
  return payload_seal_chunk(c, b->number + b->good, last, bytes_of(plain, size), at);
}

static err_t open_chunk(struct block *b, struct payload_cipher *c, size_t size, bool last) {
  uint64_t number = b->number + b->good;
  if (last && size < b->shape->overhead)
    FAIL(ERR_TRUNCATED, "chunk %llu ends after %zu bytes", (unsigned long long)number, size);
  const uint8_t *sealed = sealed_input(b) + b->good * unit(b);
  return payload_open_chunk(c, number, last, bytes_of(sealed, size), out_chunk(b, b->good));
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
