#include "seal/age_armor.h"

#include "base/codec.h"

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define END "-----END AGE ENCRYPTED FILE-----"
#define COLUMNS 64
#define LINE_BYTES 48

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes skip_space(struct bytes text) {
  while (text.size && is_space(text.data[0]))
    text = bytes_of(text.data + 1, text.size - 1);
  return text;
}

bool armor_looks_like(struct bytes text) {
  struct bytes rest = skip_space(text);
  size_t n = rest.size < sizeof BEGIN - 1 ? rest.size : sizeof BEGIN - 1;
  return n && memcmp(rest.data, BEGIN, n) == 0;
}

static err_t body_line(struct armor *a, struct bytes line, struct buf *out) {
  size_t n = 0;
  if (bytes_equal_str(line, END)) {
    a->state = ARMOR_AFTER;
    return OK;
  }
  if (a->ended)
    FAIL(ERR_DAMAGED, "age armor: a line after the last one");
  if (line.size == 0 || line.size > COLUMNS)
    FAIL(ERR_DAMAGED, "age armor: a line is empty or too long");
  if (!buf_reserve(out, LINE_BYTES))
    return ERR_NOMEM;
  if (b64_decode(line, out->data + out->size, LINE_BYTES, &n) != OK)
    FAIL(ERR_DAMAGED, "age armor: a line is not base64");
  out->size += n;
  a->ended = n < LINE_BYTES;
  return OK;
}

static err_t whole_line(struct armor *a, struct bytes line, struct buf *out) {
  if (line.size && line.data[line.size - 1] == '\r')
    line.size--;
  if (a->state == ARMOR_BODY)
    return body_line(a, line, out);
  if (!bytes_equal_str(line, BEGIN))
    FAIL(ERR_DAMAGED, "age armor: it does not begin as one");
  a->state = ARMOR_BODY;
  return OK;
}

/* The start of a line, kept until the rest of it comes. */
static err_t keep(struct armor *a, struct bytes part) {
  if (part.size > sizeof a->line - a->held)
    FAIL(ERR_DAMAGED, "age armor: a line is too long");
  if (part.size)
    memcpy(a->line + a->held, part.data, part.size);
  a->held += part.size;
  return OK;
}

static err_t take_line(struct armor *a, struct bytes line, struct buf *out) {
  if (a->held == 0)
    return whole_line(a, line, out);
  TRY(keep(a, line));
  size_t n = a->held;
  a->held = 0;
  return whole_line(a, bytes_of(a->line, n), out);
}

err_t armor_push(struct armor *a, struct bytes text, struct buf *out) {
  for (;;) {
    if (a->state == ARMOR_AFTER || (a->state == ARMOR_BEFORE && a->held == 0))
      text = skip_space(text);
    if (text.size == 0)
      return OK;
    if (a->state == ARMOR_AFTER)
      FAIL(ERR_DAMAGED, "age armor: something follows its end");
    struct bytes line, rest = bytes_split(text, '\n', &line);
    if (!rest.data)
      return keep(a, line);
    TRY(take_line(a, line, out));
    text = rest;
  }
}

err_t armor_end(struct armor *a, struct buf *out) {
  if (a->held)
    TRY(take_line(a, bytes_of(a->line, 0), out));
  if (a->state != ARMOR_AFTER)
    FAIL(ERR_TRUNCATED, "age armor: it ends without its last line");
  return OK;
}
