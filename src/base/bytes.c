#include "base/bytes.h"

#include "base/codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

bool bytes_equal(struct bytes a, struct bytes b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool bytes_equal_str(struct bytes a, const char *s) {
  return bytes_equal(a, bytes_str(s));
}

bool bytes_equal_nocase(struct bytes a, const char *s) {
  return a.size == strlen(s) && (a.size == 0 || strncasecmp((const char *)a.data, s, a.size) == 0);
}

bool bytes_starts(struct bytes a, const char *prefix) {
  size_t n = strlen(prefix);
  return a.size >= n && (n == 0 || memcmp(a.data, prefix, n) == 0);
}

struct bytes bytes_split(struct bytes a, char sep, struct bytes *head) {
  const uint8_t *p = a.size ? memchr(a.data, sep, a.size) : NULL;
  if (!p) {
    *head = a;
    return (struct bytes){ 0 };
  }
  size_t n = (size_t)(p - a.data);
  *head = bytes_of(a.data, n);
  return bytes_of(p + 1, a.size - n - 1);
}

struct bytes bytes_trim(struct bytes a) {
  while (a.size && (a.data[0] == ' ' || a.data[0] == '\t')) {
    a.data++;
    a.size--;
  }
  while (a.size && (a.data[a.size - 1] == ' ' || a.data[a.size - 1] == '\t'))
    a.size--;
  return a;
}

err_t bytes_to_cstr(struct bytes a, char *out, size_t size) {
  if (a.size >= size || (a.size && memchr(a.data, 0, a.size)))
    return ERR_BAD_PARAMETER;
  if (a.size)
    memcpy(out, a.data, a.size);
  out[a.size] = '\0';
  return OK;
}

size_t bytes_utf8(struct bytes a) {
  struct bytes rest = a;
  uint32_t c;
  return utf8_next(&rest, &c) && c ? a.size - rest.size : 0;
}

err_t bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out) {
  uint64_t v = 0;
  if (a.size == 0 || a.size > 20)
    return ERR_BAD_PARAMETER;
  for (size_t i = 0; i < a.size; i++) {
    if (a.data[i] < '0' || a.data[i] > '9')
      return ERR_BAD_PARAMETER;
    unsigned d = (unsigned)(a.data[i] - '0');
    if (v > (UINT64_MAX - d) / 10)
      return ERR_BAD_PARAMETER;
    v = v * 10 + d;
  }
  if (v > max)
    return ERR_BAD_PARAMETER;
  *out = v;
  return OK;
}

void buf_free(struct buf *b) {
  mem_free(b->data);
  *b = BUF_EMPTY;
}

void buf_clear(struct buf *b) {
  if (b->data)
    explicit_bzero(b->data, b->size);
  b->size = 0;
  b->failed = false;
}

void buf_drop(struct buf *b, size_t n) {
  if (n == 0)
    return;
  memmove(b->data, b->data + n, b->size - n);
  explicit_bzero(b->data + b->size - n, n);
  b->size -= n;
}

err_t buf_ok(const struct buf *b) {
  return b->failed ? ERR_NOMEM : OK;
}

bool buf_reserve(struct buf *b, size_t more) {
  if (b->failed || more > SIZE_MAX / 2 - b->size) {
    b->failed = true;
    return false;
  }
  if (b->size + more <= b->room)
    return true;
  size_t room = b->room ? b->room : 256;
  while (room < b->size + more)
    room *= 2;
  uint8_t *p = mem_realloc(b->data, room);
  if (!p) {
    b->failed = true;
    return false;
  }
  b->data = p;
  b->room = room;
  return true;
}

void buf_put(struct buf *b, const void *p, size_t n) {
  if (n == 0 || !buf_reserve(b, n))
    return;
  memcpy(b->data + b->size, p, n);
  b->size += n;
}

void buf_put_bytes(struct buf *b, struct bytes v) {
  buf_put(b, v.data, v.size);
}

void buf_put_str(struct buf *b, const char *s) {
  buf_put(b, s, strlen(s));
}

void buf_put_char(struct buf *b, char c) {
  buf_put(b, &c, 1);
}

void buf_put_u64(struct buf *b, uint64_t v) {
  char s[20];
  size_t i = sizeof s;
  do {
    s[--i] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  buf_put(b, s + i, sizeof s - i);
}

void buf_printf(struct buf *b, const char *fmt, ...) {
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, fmt, ap);
  if (n < 0) {
    b->failed = true;
  } else if (buf_reserve(b, (size_t)n + 1)) {
    vsnprintf((char *)b->data + b->size, (size_t)n + 1, fmt, again);
    b->size += (size_t)n;
  }
  va_end(again);
  va_end(ap);
}

const char *buf_cstr(struct buf *b) {
  if (!buf_reserve(b, 1))
    return NULL;
  b->data[b->size] = '\0';
  return (const char *)b->data;
}
