#include "seal/age_stanza.h"

#include "base/codec.h"

#define COLUMNS 64
#define LINE_BYTES 48 /* that a full line holds */

/* The line at the front of *text, without its end; ERR_TRUNCATED where that is missing. */
static err_t take_line(struct bytes *text, struct bytes *line) {
  struct bytes rest = bytes_split(*text, '\n', line);
  if (!rest.data)
    FAIL(ERR_TRUNCATED, "age stanza: it ends within a line");
  *text = rest;
  return OK;
}

static err_t check_args(struct bytes args) {
  bool blank = true; /* before the first one */
  for (size_t i = 0; i < args.size; i++) {
    uint8_t c = args.data[i];
    if (c == ' ' ? blank : c < 33 || c > 126)
      FAIL(ERR_DAMAGED, "age stanza: an argument is empty or of foreign characters");
    blank = c == ' ';
  }
  if (blank)
    FAIL(ERR_DAMAGED, "age stanza: it has no argument, or an empty one");
  return OK;
}

static err_t check_body_line(struct bytes line) {
  uint8_t data[LINE_BYTES];
  size_t n;
  if (line.size > COLUMNS || b64raw_decode(line, data, sizeof data, &n) != OK)
    FAIL(ERR_DAMAGED, "age stanza: a line of its body is too long or not base64");
  explicit_bzero(data, sizeof data); /* the protocol's bodies have file keys */
  return OK;
}

/* An unfinished line is judged too, as far as that goes: text that can't become a stanza is not
 * waited for. */
static err_t check_start(struct bytes text) {
  static const char mark[] = "-> ";
  size_t n = text.size < sizeof mark - 1 ? text.size : sizeof mark - 1;
  if (n && memcmp(text.data, mark, n) != 0)
    FAIL(ERR_DAMAGED, "age stanza: a line should begin with '->' and does not");
  return OK;
}

err_t stanza_read(struct bytes *text, struct stanza *out) {
  struct bytes rest = *text, line;
  struct stanza s;
  TRY(check_start(rest));
  TRY(take_line(&rest, &line));
  if (line.size < 3)
    FAIL(ERR_DAMAGED, "age stanza: it has no argument");
  s.args = bytes_of(line.data + 3, line.size - 3);
  TRY(check_args(s.args));
  const uint8_t *body = rest.data;
  do {
    TRY(take_line(&rest, &line));
    TRY(check_body_line(line));
  } while (line.size == COLUMNS);
  s.body = bytes_of(body, (size_t)(rest.data - body));
  *text = rest;
  *out = s;
  return OK;
}

size_t stanza_arg_count(const struct stanza *s) {
  size_t n = 1;
  for (size_t i = 0; i < s->args.size; i++)
    n += s->args.data[i] == ' ';
  return n;
}

struct bytes stanza_arg(const struct stanza *s, size_t i) {
  struct bytes rest = s->args, arg;
  do {
    rest = bytes_split(rest, ' ', &arg);
  } while (i-- > 0 && rest.data);
  return i == SIZE_MAX ? arg : bytes_str("");
}

bool stanza_is(const struct stanza *s, const char *type) {
  return bytes_equal_str(stanza_arg(s, 0), type);
}

struct stanza stanza_shift(const struct stanza *s, size_t n) {
  struct stanza shifted = *s;
  struct bytes arg;
  while (n-- > 0)
    shifted.args = bytes_split(shifted.args, ' ', &arg);
  return shifted;
}

size_t stanza_body_size(const struct stanza *s) {
  size_t lines = s->body.size / (COLUMNS + 1), last = s->body.size % (COLUMNS + 1);
  return lines * LINE_BYTES + B64URL_BYTES(last - 1); /* the last line has its end at least */
}

void stanza_body(const struct stanza *s, struct buf *out) {
  struct bytes rest = s->body, line;
  size_t n;
  if (!buf_reserve(out, stanza_body_size(s)))
    return;
  while (rest.size) {
    rest = bytes_split(rest, '\n', &line);
    if (b64raw_decode(line, out->data + out->size, LINE_BYTES, &n) == OK) /* checked before */
      out->size += n;
  }
}

err_t stanza_body_exactly(const struct stanza *s, uint8_t *out, size_t size) {
  AUTO_BUF body = BUF_EMPTY;
  if (stanza_body_size(s) != size)
    FAIL(ERR_DAMAGED, "age header: the body of a stanza " BYTES_FMT " has %zu bytes, not %zu",
         BYTES_ARG(stanza_arg(s, 0)), stanza_body_size(s), size);
  stanza_body(s, &body);
  TRY(buf_ok(&body));
  memcpy(out, body.data, size);
  return OK;
}

err_t stanza_arg_exactly(const struct stanza *s, size_t i, uint8_t *out, size_t size) {
  size_t n = 0;
  if (b64raw_decode(stanza_arg(s, i), out, size, &n) != OK || n != size)
    FAIL(ERR_DAMAGED,
         "age header: argument %zu of a stanza " BYTES_FMT " is not %zu bytes in base64", i,
         BYTES_ARG(stanza_arg(s, 0)), size);
  return OK;
}

void stanza_write(struct bytes args, struct bytes body, struct buf *out) {
  buf_put_str(out, "-> ");
  buf_put_bytes(out, args);
  buf_put_char(out, '\n');
  while (body.size >= LINE_BYTES) {
    buf_put_b64raw(out, bytes_of(body.data, LINE_BYTES));
    buf_put_char(out, '\n');
    body = bytes_of(body.data + LINE_BYTES, body.size - LINE_BYTES);
  }
  buf_put_b64raw(out, body);
  buf_put_char(out, '\n');
}
