/*
 * Bytes: a borrowed view and an owned, growable buffer.
 *
 * struct bytes borrows: it is valid as long as what it points to. struct buf owns its memory, wipes
 * it on release and grows by doubling. Append functions never fail one by one: the first failed
 * allocation sets buf.failed, later appends do nothing, and buf_ok() reports it once at the end.
 * (Secrets live in struct secret of crypto/, not here.)
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

struct bytes {
  const uint8_t *data;
  size_t size;
};
#define BYTES_FMT "%.*s"
#define BYTES_ARG(b) (int)(b).size, (const char *)(b).data

static inline struct bytes bytes_of(const void *p, size_t n) {
  return (struct bytes){ p, n };
}
static inline struct bytes bytes_str(const char *s) {
  return (struct bytes){ (const uint8_t *)s, strlen(s) };
}
/* Not for secrets: crypto_equal() compares those. */
bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_str(struct bytes a, const char *s);
bool bytes_equal_nocase(struct bytes a, const char *s); /* ASCII */
bool bytes_starts(struct bytes a, const char *prefix);
/* Splits a at the first sep: *head before it, returns what follows. Without sep: *head = a, returns
 * an empty view with data NULL. */
struct bytes bytes_split(struct bytes a, char sep, struct bytes *head);
struct bytes bytes_trim(struct bytes a); /* SP and HTAB at both ends */
/* A NUL-terminated copy into out[size]; ERR_BAD_PARAMETER if it does not fit or holds a NUL. */
err_t bytes_to_cstr(struct bytes a, char *out, size_t size);
/* Bytes of the UTF-8 sequence (RFC 3629) at the start of a, which is not empty; 0 if there is none.
 * NUL, which readers of JSON refuse, does not count as one. */
size_t bytes_utf8(struct bytes a);
/* Decimal digits only, no sign, no leading or trailing anything; at most max. */
err_t bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out);

struct buf {
  uint8_t *data;
  size_t size, room;
  bool failed;
};
#define BUF_EMPTY ((struct buf){ 0 })

void buf_free(struct buf *b);           /* wipes */
void buf_clear(struct buf *b);          /* keeps the memory, wipes what was used */
void buf_drop(struct buf *b, size_t n); /* the first n bytes; wipes what they leave */
err_t buf_ok(const struct buf *b);
bool buf_reserve(struct buf *b, size_t more); /* room for more bytes after size */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_bytes(struct buf *b, struct bytes v);
void buf_put_str(struct buf *b, const char *s);
void buf_put_char(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t v); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_cstr(struct buf *b); /* with a NUL after it, not counted; NULL: no memory */
static inline struct bytes buf_bytes(const struct buf *b) {
  return (struct bytes){ b->data, b->size };
}
static inline void buf_cleanup(struct buf *b) {
  buf_free(b);
}
#define AUTO_BUF __attribute__((cleanup(buf_cleanup))) struct buf

#endif
