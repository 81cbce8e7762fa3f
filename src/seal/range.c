#include "seal/range.h"

#include "seal/io.h"

/* Room for one chunk, sealed and opened. */
struct room {
  uint8_t *sealed, *plain;
};

static void room_free(struct room *r) {
  mem_free(r->sealed);
  mem_free(r->plain);
}
#define AUTO_ROOM __attribute__((cleanup(room_free))) struct room

static err_t room_new(const struct payload_shape *s, struct room *out) {
  out->sealed = mem_alloc(s->chunk + s->overhead);
  out->plain = mem_alloc(s->chunk);
  return out->sealed && out->plain ? OK : ERR_NOMEM;
}

/* The number of the last chunk of so many bytes of plaintext. */
static uint64_t last_chunk(const struct payload_shape *s, uint64_t size) {
  return s->short_last || size == 0 ? size / s->chunk : (size - 1) / s->chunk;
}

/* Chunk number of a payload of so many bytes, into room->plain. */
static err_t read_chunk(const struct range *r, uint64_t size, uint64_t number,
                        const struct room *room, size_t *got) {
  const struct payload_shape *s = r->shape;
  bool last = number == last_chunk(s, size);
  size_t plain = last ? (size_t)(size - number * s->chunk) : s->chunk, n;
  uint64_t at = r->base + s->prefix + number * (s->chunk + s->overhead);
  TRY(io_read_at(r->file, at, room->sealed, plain + s->overhead, &n));
  if (n < plain + s->overhead)
    FAIL(ERR_TRUNCATED, "chunk %llu ends after %zu bytes", (unsigned long long)number, n);
  *got = plain;
  return payload_open_chunk(r->cipher, number, last, bytes_of(room->sealed, n), room->plain);
}

err_t range_size(const struct range *r, uint64_t *plain) {
  AUTO_ROOM room = { 0 };
  uint64_t whole, size;
  size_t got;
  TRY(io_size(r->file, &whole));
  TRY(payload_plain_size(r->shape, whole < r->base ? 0 : whole - r->base, &size));
  TRY(room_new(r->shape, &room));
  TRY(read_chunk(r, size, last_chunk(r->shape, size), &room, &got));
  *plain = size;
  return OK;
}

err_t range_read(const struct range *r, uint64_t size, uint64_t offset, uint64_t length,
                 range_put *put, void *ctx) {
  AUTO_ROOM room = { 0 };
  uint64_t end = offset >= size ? offset : length < size - offset ? offset + length : size;
  TRY(room_new(r->shape, &room));
  while (offset < end) {
    size_t got, skip = (size_t)(offset % r->shape->chunk);
    TRY(read_chunk(r, size, offset / r->shape->chunk, &room, &got));
    size_t piece = end - offset < got - skip ? (size_t)(end - offset) : got - skip;
    TRY(put(ctx, bytes_of(room.plain + skip, piece)));
    offset += piece;
  }
  return OK;
}

err_t range_to_file(void *range_out, struct bytes plain) {
  struct range_out *o = range_out;
  TRY(io_write(o->fd, plain));
  o->got += plain.size;
  return OK;
}

err_t range_to_memory(void *range_out, struct bytes plain) {
  struct range_out *o = range_out;
  memcpy(o->memory + o->got, plain.data, plain.size);
  o->got += plain.size;
  return OK;
}

static err_t read_all(const struct payload *p, const struct stream_range *r, range_put *put,
                      struct range_out *out) {
  AUTO(payload_cipher) struct payload_cipher *c = NULL;
  uint64_t size;
  TRY(payload_cipher_new(p, &c));
  struct range range = { payload_shape(p), c, r->file, r->base };
  TRY(range_size(&range, &size));
  return range_read(&range, size, r->offset, r->length, put, out);
}

err_t stream_open_range(const struct payload *p, const struct stream_range *r, int out,
                        uint64_t *got) {
  struct range_out o = { .fd = out };
  TRY(read_all(p, r, range_to_file, &o));
  if (got)
    *got = o.got;
  return OK;
}

err_t stream_read_range(const struct payload *p, const struct stream_range *r, uint8_t *out,
                        uint64_t *got) {
  struct range_out o = { .memory = out };
  TRY(read_all(p, r, range_to_memory, &o));
  *got = o.got;
  return OK;
}
