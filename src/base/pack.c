#include "base/pack.h"

static void put_be(struct buf *b, uint64_t v, size_t n) {
  uint8_t w[8];
  for (size_t i = 0; i < n; i++)
    w[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  buf_put(b, w, n);
}

void pack_u8(struct buf *b, uint8_t v) {
  buf_put(b, &v, 1);
}

void pack_u32(struct buf *b, uint32_t v) {
  put_be(b, v, 4);
}

void pack_u64(struct buf *b, uint64_t v) {
  put_be(b, v, 8);
}

void pack_i64(struct buf *b, int64_t v) {
  put_be(b, (uint64_t)v, 8);
}

void pack_bytes(struct buf *b, struct bytes v) {
  if (v.size > UINT32_MAX) {
    b->failed = true;
    return;
  }
  pack_u32(b, (uint32_t)v.size);
  buf_put_bytes(b, v);
}

void pack_str(struct buf *b, const char *s) {
  pack_bytes(b, bytes_str(s));
}

static struct bytes take(struct unpack *u, size_t n) {
  if (u->bad || u->rest.size < n) {
    u->bad = true;
    return (struct bytes){ 0 };
  }
  struct bytes v = bytes_of(u->rest.data, n);
  u->rest = bytes_of(u->rest.data + n, u->rest.size - n);
  return v;
}

static uint64_t get_be(struct unpack *u, size_t n) {
  struct bytes v = take(u, n);
  uint64_t w = 0;
  for (size_t i = 0; i < v.size; i++)
    w = w << 8 | v.data[i];
  return w;
}

uint8_t unpack_u8(struct unpack *u) {
  return (uint8_t)get_be(u, 1);
}

uint32_t unpack_u32(struct unpack *u) {
  return (uint32_t)get_be(u, 4);
}

uint64_t unpack_u64(struct unpack *u) {
  return get_be(u, 8);
}

int64_t unpack_i64(struct unpack *u) {
  return (int64_t)get_be(u, 8);
}

struct bytes unpack_bytes(struct unpack *u) {
  return take(u, unpack_u32(u));
}

void unpack_str(struct unpack *u, char *out, size_t size) {
  if (bytes_to_cstr(unpack_bytes(u), out, size) != OK) {
    u->bad = true;
    out[0] = '\0';
  }
}

err_t unpack_end(const struct unpack *u) {
  if (u->bad || u->rest.size)
    FAIL(ERR_CORRUPT, u->bad ? "a record ends early" : "a record has bytes left over");
  return OK;
}
