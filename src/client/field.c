#include "client/field.h"

#include "base/codec.h"

#define DEPTH_MAX 32

/* A text, of which what is before rest was read. */
struct scan {
  struct bytes rest;
  const char *name;
  struct bytes value; /* of the member looked for, as written; data NULL: not seen */
};

static err_t malformed(void) {
  FAIL(ERR_INTERNAL, "the server's answer is not a JSON object");
}

static uint8_t next(const struct scan *s) {
  return s->rest.size ? s->rest.data[0] : 0;
}

static void skip(struct scan *s, size_t n) {
  s->rest = bytes_of(s->rest.data + n, s->rest.size - n);
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct scan *s) {
  while (is_space(next(s)))
    skip(s, 1);
}

static bool take(struct scan *s, char c) {
  if (next(s) != (uint8_t)c)
    return false;
  skip(s, 1);
  return true;
}

/* --- strings --- */

/* The four digits behind "\u"; -1 when they are not that. */
static int32_t hex4(struct bytes t) {
  int32_t v = 0;
  if (t.size < 4)
    return -1;
  for (size_t i = 0; i < 4; i++) {
    int d = hex_digit(t.data[i]);
    if (d < 0)
      return -1;
    v = v << 4 | d;
  }
  return v;
}

static bool is_surrogate(int32_t v) {
  return v >= 0xd800 && v <= 0xdfff;
}

/* The code point of "\uXXXX" or of a pair of them, and its size in the text; 0: malformed. */
static size_t escaped_point(struct bytes t, uint32_t *point) {
  int32_t high = hex4(bytes_of(t.data + 2, t.size - 2));
  if (high <= 0)
    return 0;
  *point = (uint32_t)high;
  if (!is_surrogate(high))
    return 6;
  if (high >= 0xdc00 || t.size < 12 || t.data[6] != '\\' || t.data[7] != 'u')
    return 0;
  int32_t low = hex4(bytes_of(t.data + 8, t.size - 8));
  if (low < 0xdc00 || low > 0xdfff)
    return 0;
  *point = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
  return 12;
}

static size_t put_utf8(uint32_t p, uint8_t out[static 4]) {
  if (p < 0x80) {
    out[0] = (uint8_t)p;
    return 1;
  }
  size_t n = p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, p >>= 6)
    out[i] = (uint8_t)(0x80 | (p & 0x3f));
  out[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | p);
  return n;
}

/* What an escape at the start of t means, *n bytes of it, and its size in the text; 0: malformed.
 */
static size_t unescape(struct bytes t, uint8_t out[static 4], size_t *n) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  uint32_t point;
  if (t.size < 2)
    return 0;
  if (t.data[1] == 'u') {
    size_t size = t.size >= 6 ? escaped_point(t, &point) : 0;
    *n = size ? put_utf8(point, out) : 0;
    return size;
  }
  const char *at = t.data[1] ? strchr(from, t.data[1]) : NULL;
  if (!at)
    return 0;
  out[0] = (uint8_t)to[at - from];
  *n = 1;
  return 2;
}

/* The size of one character, escaped or not, at the start of t; 0: malformed. */
static size_t character(struct bytes t, uint8_t out[static 4], size_t *n) {
  if (t.data[0] == '\\')
    return unescape(t, out, n);
  size_t size = t.data[0] < ' ' ? 0 : bytes_utf8(t);
  memcpy(out, t.data, size);
  *n = size;
  return size;
}

/* raw is what is between the quotes. */
static bool read_string(struct scan *s, struct bytes *raw) {
  uint8_t scrap[4];
  size_t n;
  if (!take(s, '"'))
    return false;
  const uint8_t *start = s->rest.data;
  while (s->rest.size && s->rest.data[0] != '"') {
    size_t size = character(s->rest, scrap, &n);
    if (size == 0)
      return false;
    skip(s, size);
  }
  *raw = bytes_of(start, (size_t)(s->rest.data - start));
  explicit_bzero(scrap, sizeof scrap);
  return take(s, '"');
}

/* A string that was read, decoded into out (NULL: only counted); what it takes. */
static size_t decode(struct bytes raw, uint8_t *out) {
  uint8_t c[4];
  size_t total = 0, n = 0;
  while (raw.size) {
    size_t size = character(raw, c, &n);
    if (out)
      memcpy(out + total, c, n);
    total += n;
    raw = bytes_of(raw.data + size, raw.size - size);
  }
  explicit_bzero(c, sizeof c);
  return total;
}

static bool is_named(struct bytes raw, const char *name) {
  uint8_t text[6 * FIELD_NAME_MAX];
  size_t n = strlen(name);
  return raw.size <= sizeof text && decode(raw, text) == n && memcmp(text, name, n) == 0;
}

/* --- the rest of JSON --- */

static bool read_digits(struct scan *s) {
  size_t n = 0;
  while (n < s->rest.size && s->rest.data[n] >= '0' && s->rest.data[n] <= '9')
    n++;
  skip(s, n);
  return n > 0;
}

static bool read_number(struct scan *s) {
  (void)take(s, '-');
  if (!take(s, '0') && !read_digits(s))
    return false;
  if (take(s, '.') && !read_digits(s))
    return false;
  if (take(s, 'e') || take(s, 'E')) {
    if (!take(s, '+'))
      (void)take(s, '-');
    return read_digits(s);
  }
  return true;
}

static bool read_word(struct scan *s) {
  static const char *const words[] = { "true", "false", "null" };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (bytes_starts(s->rest, words[i])) {
      skip(s, strlen(words[i]));
      return true;
    }
  return false;
}

static bool read_value(struct scan *s, unsigned depth);

static bool read_array(struct scan *s, unsigned depth) {
  skip_space(s);
  if (take(s, ']'))
    return true;
  do
    if (!read_value(s, depth + 1))
      return false;
  while (take(s, ','));
  return take(s, ']');
}

static bool read_member(struct scan *s, unsigned depth) {
  struct bytes key;
  skip_space(s);
  if (!read_string(s, &key))
    return false;
  skip_space(s);
  if (!take(s, ':'))
    return false;
  skip_space(s);
  const uint8_t *start = s->rest.data;
  bool wanted = depth == 0 && is_named(key, s->name);
  if (!read_value(s, depth + 1) || (wanted && s->value.data))
    return false;
  if (wanted)
    s->value = bytes_of(start, (size_t)(s->rest.data - start));
  return true;
}

static bool read_object(struct scan *s, unsigned depth) {
  skip_space(s);
  if (take(s, '}'))
    return true;
  do
    if (!read_member(s, depth))
      return false;
  while (take(s, ','));
  return take(s, '}');
}

/* With the white space around it. */
static bool read_value(struct scan *s, unsigned depth) {
  struct bytes text;
  bool good;
  skip_space(s);
  if (depth > DEPTH_MAX)
    return false;
  if (next(s) == '"')
    good = read_string(s, &text);
  else if (take(s, '{'))
    good = read_object(s, depth);
  else if (take(s, '['))
    good = read_array(s, depth);
  else
    good = read_word(s) || read_number(s);
  skip_space(s);
  return good;
}

/* --- members --- */

/* The member as written, without white space after it; data NULL when there is none. */
static err_t find(struct bytes json, const char *name, struct bytes *value) {
  struct scan s = { .rest = json, .name = name };
  skip_space(&s);
  if (next(&s) != '{' || !read_value(&s, 0) || s.rest.size)
    return malformed();
  while (s.value.size && is_space(s.value.data[s.value.size - 1]))
    s.value.size--;
  *value = s.value;
  return OK;
}

static err_t find_string(struct bytes json, const char *name, struct bytes *raw) {
  struct bytes value;
  TRY(find(json, name, &value));
  if (!value.data || value.data[0] != '"')
    FAIL(ERR_INTERNAL, "the server's answer has no text '%s'", name);
  *raw = bytes_of(value.data + 1, value.size - 2);
  return OK;
}

err_t field_secret(struct bytes json, const char *name, struct secret *out) {
  AUTO_SECRET s = { 0 };
  struct bytes raw;
  TRY(find_string(json, name, &raw));
  TRY(secret_new(decode(raw, NULL), &s));
  (void)decode(raw, s.data);
  *out = secret_take(&s);
  return OK;
}

static err_t not_b64url(const char *name) {
  FAIL(ERR_INTERNAL, "'%s' in the server's answer is not base64url", name);
}

err_t field_secret_b64url(struct bytes json, const char *name, struct secret *out) {
  AUTO_SECRET s = { 0 };
  struct bytes raw;
  size_t size;
  TRY(find_string(json, name, &raw));
  TRY(secret_new(B64URL_BYTES(raw.size), &s));
  if (b64url_decode(raw, s.data, s.size, &size) != OK)
    return not_b64url(name);
  *out = secret_take(&s);
  return OK;
}

err_t field_string(struct bytes json, const char *name, char *out, size_t room) {
  struct bytes raw;
  TRY(find_string(json, name, &raw));
  if (decode(raw, NULL) >= room)
    FAIL(ERR_INTERNAL, "'%s' in the server's answer is too long", name);
  out[decode(raw, (uint8_t *)out)] = '\0';
  return OK;
}

err_t field_b64url(struct bytes json, const char *name, struct buf *out) {
  struct bytes raw;
  TRY(find_string(json, name, &raw));
  err_t e = buf_put_b64url_decoded(out, raw);
  return e == ERR_BAD_PARAMETER ? not_b64url(name) : e;
}

err_t field_bool(struct bytes json, const char *name, bool *out) {
  struct bytes value;
  TRY(find(json, name, &value));
  bool is_true = bytes_equal_str(value, "true");
  if (!is_true && !bytes_equal_str(value, "false"))
    FAIL(ERR_INTERNAL, "the server's answer has no '%s' that is true or false", name);
  *out = is_true;
  return OK;
}

err_t field_number(struct bytes json, const char *name, uint64_t *out, bool *found) {
  struct bytes value;
  TRY(find(json, name, &value));
  *found = value.data && !bytes_equal_str(value, "null");
  if (!*found)
    return OK;
  if (value.data[0] == '"')
    value = bytes_of(value.data + 1, value.size - 2);
  if (bytes_to_u64(value, INT64_MAX, out) != OK)
    FAIL(ERR_INTERNAL, "'%s' in the server's answer is not a number", name);
  return OK;
}
