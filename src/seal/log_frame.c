#include "seal/log_entry.h"

/* A binary field of the journal, or a message of octet counting, has no more: what claims to is not
 * of that format. (The journal's own limit is 768 MiB.) */
#define JOURNAL_MAX (UINT64_C(1) << 30)
#define OCTETS_MAX (UINT64_C(1) << 26)
#define DIGITS_MAX 8

enum state { NAME_START, NAME, VALUE, SIZE, BINARY, BINARY_END, COUNT, MESSAGE };

/* What one look at the data gives: bytes to leave out, bytes of the entry, bytes that end it. */
struct piece {
  size_t skip, take, drop;
  bool ends;
};

void log_framer_free(struct log_framer *f) {
  buf_free(&f->part);
}

/* --- lines --- */

static struct piece scan_lines(struct bytes data) {
  const uint8_t *end = memchr(data.data, '\n', data.size);
  if (!end)
    return (struct piece){ .take = data.size };
  return (struct piece){ .take = (size_t)(end - data.data), .drop = 1, .ends = true };
}

/* --- the journal's export format --- */

/* The field's name goes to its '='; or to the line feed where size and data follow. */
static size_t scan_name(struct log_framer *f, struct bytes data) {
  for (size_t i = 0; i < data.size; i++) {
    if (data.data[i] == '=') {
      f->state = VALUE;
      return i + 1;
    }
    if (data.data[i] == '\n') {
      f->state = SIZE;
      f->left = f->digits = 0;
      return i + 1;
    }
  }
  return data.size;
}

static size_t scan_value(struct log_framer *f, struct bytes data) {
  const uint8_t *end = memchr(data.data, '\n', data.size);
  if (!end)
    return data.size;
  f->state = NAME_START;
  return (size_t)(end - data.data) + 1;
}

/* Eight bytes, the lowest first. */
static size_t scan_size(struct log_framer *f, struct bytes data) {
  f->left |= (uint64_t)data.data[0] << (8 * f->digits++);
  if (f->digits == 8)
    f->state = f->left > JOURNAL_MAX ? VALUE : f->left ? BINARY : BINARY_END;
  return 1;
}

static size_t scan_binary(struct log_framer *f, struct bytes data) {
  size_t n = data.size < f->left ? data.size : (size_t)f->left;
  f->left -= n;
  if (f->left == 0)
    f->state = BINARY_END;
  return n;
}

static size_t scan_field(struct log_framer *f, struct bytes data) {
  switch (f->state) {
  case NAME_START:
  case NAME:
    f->state = NAME;
    return scan_name(f, data);
  case VALUE:
    return scan_value(f, data);
  case SIZE:
    return scan_size(f, data);
  case BINARY:
    return scan_binary(f, data);
  default: /* the line feed behind binary data; what is not of the format ends with its line */
    f->state = data.data[0] == '\n' ? NAME_START : VALUE;
    return 1;
  }
}

static struct piece scan_journal(struct log_framer *f, struct bytes data) {
  struct piece p = { 0 };
  while (p.take < data.size) {
    struct bytes rest = bytes_of(data.data + p.take, data.size - p.take);
    if (f->state == NAME_START && rest.data[0] == '\n') {
      p.drop = 1;
      p.ends = true;
      return p;
    }
    p.take += scan_field(f, rest);
  }
  return p;
}

/* --- octet counting: "LENGTH SP MESSAGE" --- */

static struct piece scan_message(struct log_framer *f, struct bytes data) {
  size_t n = data.size < f->left ? data.size : (size_t)f->left;
  f->left -= n;
  struct piece p = { .take = n, .ends = f->left == 0 };
  if (p.ends)
    f->state = COUNT;
  return p;
}

/* Digits are part of a line until they have proved to be a length: then they are taken back. */
static struct piece scan_octets(struct log_framer *f, struct bytes data) {
  struct piece p = { 0 };
  if (f->state == MESSAGE)
    return scan_message(f, data);
  if (f->state == VALUE) {
    p = scan_lines(data);
    if (p.ends)
      f->state = COUNT;
    return p;
  }
  uint8_t c = data.data[0];
  if (c >= '0' && c <= '9' && f->digits < DIGITS_MAX && !(f->digits == 0 && c == '0')) {
    f->left = 10 * (f->digits ? f->left : 0) + (uint64_t)(c - '0');
    f->digits++;
    p.take = 1;
    return p;
  }
  bool length = c == ' ' && f->digits && f->left <= OCTETS_MAX;
  f->digits = 0;
  f->state = length ? MESSAGE : VALUE;
  if (!length)
    return scan_octets(f, data);
  buf_clear(&f->part);
  p.skip = 1;
  return p;
}

/* --- entries --- */

static void add(struct log_framer *f, int64_t ns, unsigned flags, struct bytes text,
                struct log_batch *out) {
  struct log_entry e = { flags | (f->continues ? LOG_CONTINUES : 0), ns, text };
  if (f->part.size) {
    buf_put_bytes(&f->part, text);
    e.text = buf_bytes(&f->part);
    log_batch_add(out, &e);
    buf_clear(&f->part);
  } else {
    log_batch_add(out, &e);
  }
  f->continues = flags & LOG_GOES_ON;
}

static void take(struct log_framer *f, int64_t ns, struct bytes text, bool ends,
                 struct log_batch *out) {
  while (f->part.size + text.size > LOG_PART) {
    size_t n = LOG_PART - f->part.size;
    add(f, ns, LOG_GOES_ON, bytes_of(text.data, n), out);
    text = bytes_of(text.data + n, text.size - n);
  }
  if (ends)
    add(f, ns, 0, text, out);
  else
    buf_put_bytes(&f->part, text);
}

static struct piece scan(struct log_framer *f, struct bytes data) {
  if (f->format == LOG_JOURNAL)
    return scan_journal(f, data);
  if (f->format == LOG_LINES)
    return scan_lines(data);
  if (f->state == NAME_START)
    f->state = COUNT;
  return scan_octets(f, data);
}

void log_framer_put(struct log_framer *f, int64_t ns, struct bytes data, struct log_batch *out) {
  while (data.size && !f->part.failed && !out->entries.failed) {
    struct piece p = scan(f, data);
    take(f, ns, bytes_of(data.data + p.skip, p.take), p.ends, out);
    size_t used = p.skip + p.take + p.drop;
    data = bytes_of(data.data + used, data.size - used);
  }
}

/* An entry of the journal whose empty line is missing, too, is one that the stream's end cut off.
 */
void log_framer_end(struct log_framer *f, int64_t ns, struct log_batch *out) {
  if (f->part.size || f->continues)
    add(f, ns, LOG_UNTERMINATED, bytes_of("", 0), out);
  f->state = NAME_START;
  f->left = f->digits = 0;
}

err_t log_framer_ok(const struct log_framer *f, const struct log_batch *b) {
  TRY(buf_ok(&f->part));
  return buf_ok(&b->entries);
}
