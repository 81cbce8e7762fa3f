#include "base/write.h"

#include "base/codec.h"

static void key_of(struct buf *b, const char *key) {
  if (b->size) {
    char c = (char)b->data[b->size - 1];
    if (c != '{' && c != '[' && c != ':')
      buf_put_char(b, ',');
  }
  if (key) {
    buf_put_char(b, '"');
    buf_put_str(b, key);
    buf_put(b, "\":", 2);
  }
}

void write_open(struct buf *b, const char *key, char bracket) {
  key_of(b, key);
  buf_put_char(b, bracket);
}

void write_close(struct buf *b, char bracket) {
  buf_put_char(b, bracket);
}

static void escape(struct buf *b, uint8_t c) {
  switch (c) {
  case '"':
    buf_put(b, "\\\"", 2);
    break;
  case '\\':
    buf_put(b, "\\\\", 2);
    break;
  case '\n':
    buf_put(b, "\\n", 2);
    break;
  case '\r':
    buf_put(b, "\\r", 2);
    break;
  case '\t':
    buf_put(b, "\\t", 2);
    break;
  default:
    buf_printf(b, "\\u%04x", c);
  }
}

/* Can the n bytes stand as they are? Control characters, of which a terminal would obey those up to
 * U+009F, are escaped. */
static bool plain(const uint8_t *p, size_t n) {
  if (n == 1)
    return p[0] >= 0x20 && p[0] != '"' && p[0] != '\\' && p[0] != 0x7f;
  return n > 2 || (n == 2 && !(p[0] == 0xc2 && p[1] < 0xa0));
}

void write_text(struct buf *b, const char *key, struct bytes v) {
  key_of(b, key);
  buf_put_char(b, '"');
  size_t from = 0, n;
  for (size_t i = 0; i < v.size; i += n ? n : 1) {
    uint8_t c = v.data[i];
    n = c >= 0x20 && c < 0x7f ? 1 : bytes_utf8(bytes_of(v.data + i, v.size - i));
    if (plain(v.data + i, n))
      continue;
    buf_put(b, v.data + from, i - from);
    if (n)
      escape(b, v.data[i + n - 1]);
    else
      buf_put_str(b, "\xef\xbf\xbd");
    from = i + (n ? n : 1);
  }
  if (from < v.size)
    buf_put(b, v.data + from, v.size - from);
  buf_put_char(b, '"');
}

void write_str(struct buf *b, const char *key, const char *value) {
  write_text(b, key, bytes_str(value));
}

void write_b64url(struct buf *b, const char *key, struct bytes value) {
  key_of(b, key);
  buf_put_char(b, '"');
  buf_put_b64url(b, value);
  buf_put_char(b, '"');
}

void write_i64(struct buf *b, const char *key, int64_t value) {
  key_of(b, key);
  if (value < 0)
    buf_put_char(b, '-');
  buf_put_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void write_bool(struct buf *b, const char *key, bool value) {
  key_of(b, key);
  buf_put_str(b, value ? "true" : "false");
}

void write_null(struct buf *b, const char *key) {
  key_of(b, key);
  buf_put(b, "null", 4);
}
