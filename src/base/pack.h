/*
 * Binary records: what the store keeps and backup blobs carry. A record is a sequence of fields
 * written and read in one fixed order; the first byte of every record is its format version, so
 * that old records can be read for ever.
 *
 * Integers are big-endian; bytes carry a 32-bit length. The reader borrows the record; the first
 * field that does not fit sets unpack.bad, later reads return zeros, and unpack_end() reports it
 * once (also when bytes are left over). Any thread.
 */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/bytes.h"

void pack_u8(struct buf *b, uint8_t v);
void pack_u32(struct buf *b, uint32_t v);
void pack_u64(struct buf *b, uint64_t v);
void pack_i64(struct buf *b, int64_t v);
void pack_bytes(struct buf *b, struct bytes v);
void pack_str(struct buf *b, const char *s);

struct unpack {
  struct bytes rest;
  bool bad;
};
static inline struct unpack unpack_of(struct bytes record) {
  return (struct unpack){ record, false };
}
uint8_t unpack_u8(struct unpack *u);
uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
int64_t unpack_i64(struct unpack *u);
struct bytes unpack_bytes(struct unpack *u);
/* Copies a string into out[size]; one that does not fit or holds a NUL is bad. */
void unpack_str(struct unpack *u, char *out, size_t size);
/* ERR_CORRUPT if anything was bad or is left over. */
err_t unpack_end(const struct unpack *u);

#endif
