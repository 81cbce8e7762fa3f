#include "seal/log_entry.h"

#define FLAG_BITS 3
#define FLAGS (LOG_GOES_ON | LOG_CONTINUES | LOG_UNTERMINATED)
#define VARINT_MAX 10

/* Seven bits a byte, the lowest first; all but the last have their highest bit set. */
static void put_varint(struct buf *b, uint64_t v) {
  uint8_t w[VARINT_MAX];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7)
    w[n++] = (uint8_t)(v | 0x80);
  w[n++] = (uint8_t)v;
  buf_put(b, w, n);
}

static bool get_varint(struct bytes *rest, uint64_t *out) {
  uint64_t v = 0;
  for (unsigned i = 0; i < VARINT_MAX && i < rest->size; i++) {
    uint8_t c = rest->data[i];
    if (i == VARINT_MAX - 1 && c > 1)
      return false;
    v |= (uint64_t)(c & 0x7f) << (7 * i);
    if (c & 0x80)
      continue;
    *rest = bytes_of(rest->data + i + 1, rest->size - i - 1);
    *out = v;
    return true;
  }
  return false;
}

/* Small numbers for small differences of either sign: a clock may be set back. */
static uint64_t zigzag(int64_t from, int64_t to) {
  uint64_t d = (uint64_t)to - (uint64_t)from;
  return d << 1 ^ (d >> 63 ? UINT64_MAX : 0);
}

static int64_t unzigzag(int64_t from, uint64_t z) {
  return (int64_t)((uint64_t)from + (z >> 1 ^ (z & 1 ? UINT64_MAX : 0)));
}

void log_batch_free(struct log_batch *b) {
  buf_free(&b->entries);
}

void log_batch_clear(struct log_batch *b) {
  buf_clear(&b->entries);
  b->entries.failed = false;
  b->count = 0;
}

void log_batch_add(struct log_batch *b, const struct log_entry *e) {
  if (b->entries.size == 0)
    b->first_ns = b->last_ns = b->now_ns = e->ns;
  put_varint(&b->entries, (uint64_t)e->text.size << FLAG_BITS | e->flags);
  put_varint(&b->entries, zigzag(b->now_ns, e->ns));
  buf_put_bytes(&b->entries, e->text);
  b->count += !(e->flags & LOG_CONTINUES);
  b->now_ns = e->ns;
  if (e->ns > b->last_ns)
    b->last_ns = e->ns;
}

bool log_entries_next(struct log_entries *it, struct log_entry *out) {
  uint64_t size, time;
  if (it->bad || it->rest.size == 0)
    return false;
  it->bad = !get_varint(&it->rest, &size) || !get_varint(&it->rest, &time) ||
            size >> FLAG_BITS > it->rest.size;
  if (it->bad)
    return false;
  it->ns = unzigzag(it->ns, time);
  *out = (struct log_entry){ (unsigned)(size & FLAGS), it->ns,
                             bytes_of(it->rest.data, size >> FLAG_BITS) };
  it->rest = bytes_of(it->rest.data + out->text.size, it->rest.size - out->text.size);
  return true;
}
