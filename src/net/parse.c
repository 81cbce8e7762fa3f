#include "net/parse.h"

#include "base/codec.h"

#include <strings.h>

/* Classes of bytes. Ranges not named are in none. */
enum {
  C_TOKEN = 1, /* RFC 9110, 5.6.2 */
  C_VALUE = 2, /* of a field: all but control bytes; HTAB is allowed */
  C_PATH =
    4, /* RFC 3986 pchar and '/'; '%' is looked at apart. '[' and ']' as browsers send them */
  C_QUERY = 8, /* all that is visible but '#': clients do not agree on more */
  C_HOST = 16, /* of a registered name or an IPv4 address */
};
#define C_ALNUM (C_TOKEN | C_VALUE | C_PATH | C_QUERY | C_HOST)
#define C_MARK (C_TOKEN | C_VALUE | C_PATH | C_QUERY) /* unreserved and sub-delims in tokens */
#define C_DELIM (C_VALUE | C_PATH | C_QUERY)
#define C_ODD (C_VALUE | C_QUERY)
static const uint8_t class_of[256] = {
  ['\t'] = C_VALUE,
  [' '] = C_VALUE,
  ['!'] = C_MARK,
  ['"'] = C_ODD,
  ['#'] = C_TOKEN | C_VALUE,
  ['$'] = C_MARK,
  ['%'] = C_MARK,
  ['&'] = C_MARK,
  ['\''] = C_MARK,
  ['('] = C_DELIM,
  [')'] = C_DELIM,
  ['*'] = C_MARK,
  ['+'] = C_MARK,
  [','] = C_DELIM,
  ['-'] = C_ALNUM,
  ['.'] = C_ALNUM,
  ['/'] = C_DELIM,
  ['0' ... '9'] = C_ALNUM,
  [':'] = C_DELIM,
  [';'] = C_DELIM,
  ['<'] = C_ODD,
  ['='] = C_DELIM,
  ['>'] = C_ODD,
  ['?'] = C_ODD,
  ['@'] = C_DELIM,
  ['A' ... 'Z'] = C_ALNUM,
  ['['] = C_DELIM,
  ['\\'] = C_ODD,
  [']'] = C_DELIM,
  ['^'] = C_ODD | C_TOKEN,
  ['_'] = C_ALNUM,
  ['`'] = C_ODD | C_TOKEN,
  ['a' ... 'z'] = C_ALNUM,
  ['{'] = C_ODD,
  ['|'] = C_ODD | C_TOKEN,
  ['}'] = C_ODD,
  ['~'] = C_MARK,
  [0x80 ... 0xff] = C_VALUE,
};

static bool all_of(struct bytes b, uint8_t class) {
  uint8_t common = class;
  for (size_t i = 0; i < b.size; i++)
    common &= class_of[b.data[i]];
  return common == class;
}

static bool escapes_ok(struct bytes b) {
  const uint8_t *p = b.data, *end = b.data + b.size;
  while (p < end && (p = memchr(p, '%', (size_t)(end - p)))) {
    if (end - p < 3 || hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
      return false;
    p += 3;
  }
  return true;
}

static struct bytes skip(struct bytes b, size_t n) {
  return bytes_of(b.data + n, b.size - n);
}

/* Finding the end of a head. */

#define VERSION " HTTP/1.1"
#define OLD_VERSION " HTTP/1.0" /* what OCSP clients speak */

static err_t check_version(struct bytes line) {
  size_t n = sizeof VERSION - 1;
  const uint8_t *end = line.data + line.size;
  if (line.size < n || memcmp(end - n, " HTTP/", 6) != 0)
    FAIL(ERR_HTTP, "the request line does not end in a version");
  if (memcmp(end - n, VERSION, n) != 0 && memcmp(end - n, OLD_VERSION, n) != 0)
    FAIL(ERR_HTTP_VERSION, "another version than HTTP/1.1 and 1.0");
  return OK;
}

/* Moves to the end of the present line; *ended false when it has not come yet. */
static err_t scan_line(struct http_scan *s, struct bytes in, bool *ended) {
  *ended = false;
  struct bytes rest = skip(in, s->at);
  const uint8_t *cr = rest.size ? memchr(rest.data, '\r', rest.size) : NULL;
  size_t n = cr ? (size_t)(cr - rest.data) : rest.size;
  if (n && memchr(rest.data, '\n', n))
    FAIL(ERR_HTTP, "bare LF");
  s->at += n;
  if (!cr || n + 1 == rest.size)
    return OK;
  if (cr[1] != '\n')
    FAIL(ERR_HTTP, "bare CR");
  *ended = true;
  return OK;
}

static err_t scan(struct http_scan *s, struct bytes in, size_t max, bool request, size_t *size) {
  *size = 0;
  for (;;) {
    bool ended;
    TRY(scan_line(s, in, &ended));
    if (s->at > max)
      FAIL(ERR_HEAD_TOO_LARGE, "head of more than %zu bytes", max);
    if (!ended)
      return OK;
    struct bytes line = bytes_of(in.data + s->line, s->at - s->line);
    s->line = s->at += 2;
    if (line.size == 0 && s->lines > 0) {
      *size = s->at;
      return OK;
    }
    if (line.size == 0 && s->skipped)
      FAIL(ERR_HTTP, "empty lines before the request");
    if (line.size == 0)
      s->skipped = true;
    else if (s->lines++ == 0 && request)
      TRY(check_version(line));
  }
}

err_t http_scan_head(struct http_scan *s, struct bytes in, size_t max, size_t *size) {
  return scan(s, in, max, true, size);
}

err_t http_scan_reply(struct http_scan *s, struct bytes in, size_t max, size_t *size) {
  return scan(s, in, max, false, size);
}

/* The scan has made sure that CR and LF come in pairs only. */
struct bytes http_next_line(struct bytes *rest) {
  const uint8_t *cr = memchr(rest->data, '\r', rest->size);
  struct bytes line = bytes_of(rest->data, (size_t)(cr - rest->data));
  *rest = skip(*rest, line.size + 2);
  return line;
}

static err_t parse_method(struct bytes name, enum http_method *out) {
  for (int m = 0; m < HTTP_METHOD_COUNT; m++)
    if (bytes_equal_str(name, http_method_name((enum http_method)m))) {
      *out = (enum http_method)m;
      return OK;
    }
  if (name.size == 0 || !all_of(name, C_TOKEN))
    FAIL(ERR_HTTP, "malformed method");
  FAIL(ERR_METHOD, "unknown method");
}

static err_t parse_port(struct bytes port) {
  uint64_t n;
  if (port.size > 5 || bytes_to_u64(port, 65535, &n) != OK || n == 0)
    FAIL(ERR_HTTP, "malformed port in Host");
  return OK;
}

static err_t parse_host(struct bytes host) {
  struct bytes name = host, port = { 0 };
  if (host.size && host.data[0] == '[') {
    const uint8_t *end = memchr(host.data, ']', host.size);
    if (!end)
      FAIL(ERR_HTTP, "malformed address in Host");
    name = bytes_of(host.data + 1, (size_t)(end - host.data) - 1);
    port = skip(host, name.size + 2);
    for (size_t i = 0; i < name.size; i++)
      if (hex_digit(name.data[i]) < 0 && name.data[i] != ':' && name.data[i] != '.')
        FAIL(ERR_HTTP, "malformed address in Host");
  } else {
    const uint8_t *colon = host.size ? memchr(host.data, ':', host.size) : NULL;
    if (colon) {
      name = bytes_of(host.data, (size_t)(colon - host.data));
      port = skip(host, name.size);
    }
    if (!all_of(name, C_HOST))
      FAIL(ERR_HTTP, "malformed name in Host");
  }
  if (name.size == 0 || name.size > 255)
    FAIL(ERR_HTTP, "no name in Host, or too long a one");
  if (port.size && port.data[0] != ':')
    FAIL(ERR_HTTP, "malformed Host");
  return port.size ? parse_port(skip(port, 1)) : OK;
}

/* The absolute form must name the same host as Host does; *target is left in origin form. */
static err_t strip_authority(struct bytes *target, struct bytes host) {
  static const char scheme[] = "https://";
  size_t n = sizeof scheme - 1;
  if (target->size < n || strncasecmp((const char *)target->data, scheme, n) != 0)
    FAIL(ERR_HTTP, "the target is neither a path nor an https URL");
  struct bytes rest = skip(*target, n);
  if (rest.size < host.size ||
      strncasecmp((const char *)rest.data, (const char *)host.data, host.size) != 0)
    FAIL(ERR_HTTP, "the target names another host than Host");
  *target = skip(rest, host.size);
  if (target->size == 0)
    *target = bytes_str("/");
  if (target->data[0] != '/')
    FAIL(ERR_HTTP, "the target names another host than Host, or no path");
  return OK;
}

static err_t parse_target(struct bytes target, struct http_request *r) {
  if (target.size == 0)
    FAIL(ERR_HTTP, "no target");
  if (target.data[0] != '/')
    TRY(strip_authority(&target, r->host));
  r->query = bytes_split(target, '?', &r->path);
  if (!all_of(r->path, C_PATH) || !all_of(r->query, C_QUERY))
    FAIL(ERR_HTTP, "a byte in the target that must be escaped");
  if (!escapes_ok(r->path) || !escapes_ok(r->query))
    FAIL(ERR_HTTP, "malformed escape in the target");
  return OK;
}

err_t http_parse_field(struct bytes line, struct http_header *h) {
  const uint8_t *colon = line.size ? memchr(line.data, ':', line.size) : NULL;
  if (!colon)
    FAIL(ERR_HTTP, "a header line without colon");
  h->name = bytes_of(line.data, (size_t)(colon - line.data));
  h->value = bytes_trim(skip(line, h->name.size + 1));
  if (h->name.size == 0 || !all_of(h->name, C_TOKEN))
    FAIL(ERR_HTTP, "malformed header name");
  if (!all_of(h->value, C_VALUE))
    FAIL(ERR_HTTP, "control byte in a header value");
  return OK;
}

static err_t parse_fields(struct bytes rest, struct http_request *r) {
  for (;;) {
    struct bytes line = http_next_line(&rest);
    if (line.size == 0)
      return OK;
    if (r->header_count == HTTP_HEADERS_MAX)
      FAIL(ERR_HEAD_TOO_LARGE, "more than %d headers", HTTP_HEADERS_MAX);
    TRY(http_parse_field(line, &r->headers[r->header_count]));
    r->header_count++;
  }
}

/* The value of a header that may come once at most; data NULL when it does not come. */
static err_t only(const struct http_header *headers, size_t count, const char *name,
                  struct bytes *value) {
  size_t n = strlen(name);
  *value = (struct bytes){ 0 };
  for (size_t i = 0; i < count; i++) {
    if (headers[i].name.size != n || !bytes_equal_nocase(headers[i].name, name))
      continue;
    if (value->data)
      FAIL(ERR_HTTP, "more than one %s", name);
    *value = headers[i].value;
  }
  return OK;
}

static bool lists_close(struct bytes value) {
  while (value.data) {
    struct bytes item;
    value = bytes_split(value, ',', &item);
    if (bytes_equal_nocase(bytes_trim(item), "close"))
      return true;
  }
  return false;
}

err_t http_parse_frame(const struct http_header *headers, size_t count, struct http_frame *f,
                       bool *framed) {
  struct bytes length, encoding;
  *f = (struct http_frame){ 0 };
  TRY(only(headers, count, "Content-Length", &length));
  TRY(only(headers, count, "Transfer-Encoding", &encoding));
  if (length.data && encoding.data)
    FAIL(ERR_HTTP, "both Content-Length and Transfer-Encoding");
  if (length.data && bytes_to_u64(length, INT64_MAX, &f->length) != OK)
    FAIL(ERR_HTTP, "malformed Content-Length");
  if (encoding.data && !bytes_equal_nocase(encoding, "chunked"))
    FAIL(ERR_HTTP, "another Transfer-Encoding than chunked");
  f->chunked = encoding.data != NULL;
  for (size_t i = 0; i < count; i++)
    if (bytes_equal_nocase(headers[i].name, "Connection") && lists_close(headers[i].value))
      f->close = true;
  *framed = length.data || encoding.data;
  return OK;
}

static err_t parse_singles(struct http_request *r, struct http_frame *f) {
  struct bytes value;
  TRY(only(r->headers, r->header_count, "Host", &r->host));
  if (!r->host.data)
    FAIL(ERR_HTTP, "no Host");
  TRY(parse_host(r->host));
  TRY(only(r->headers, r->header_count, "Expect", &value));
  if (value.data && !bytes_equal_nocase(value, "100-continue"))
    FAIL(ERR_EXPECTATION, "another Expect than 100-continue");
  f->expect = value.data != NULL;
  /* Who takes the first and who takes the last would not see the same request. */
  TRY(only(r->headers, r->header_count, "Authorization", &value));
  return only(r->headers, r->header_count, "Content-Type", &value);
}

/* HTTP/1.0 knows neither chunks nor 100-continue, and one request is all on a connection. */
static err_t parse_old(struct http_frame *f) {
  if (f->chunked)
    FAIL(ERR_HTTP, "chunks in HTTP/1.0");
  f->expect = false;
  f->close = true;
  return OK;
}

err_t http_parse_head(struct bytes head, struct http_request *r, struct http_frame *f) {
  struct bytes line = http_next_line(&head), method, target;
  bool framed;
  if (line.size == 0)
    line = http_next_line(&head);
  r->header_count = 0;
  r->body = (struct bytes){ 0 };
  struct bytes rest = bytes_split(line, ' ', &method);
  struct bytes version = bytes_split(rest, ' ', &target);
  TRY(parse_method(method, &r->method));
  bool old = bytes_equal_str(version, &OLD_VERSION[1]);
  if (!old && !bytes_equal_str(version, &VERSION[1]))
    FAIL(ERR_HTTP, "white space in the request line");
  TRY(parse_fields(head, r));
  TRY(http_parse_frame(r->headers, r->header_count, f, &framed));
  TRY(parse_singles(r, f));
  if (old)
    TRY(parse_old(f));
  return parse_target(target, r);
}

/* Bodies. A body of known length is one run of STEP_DATA. */

enum {
  STEP_SIZE,
  STEP_SIZE_LF,
  STEP_DATA,
  STEP_DATA_CR,
  STEP_DATA_LF,
  STEP_LAST_CR,
  STEP_LAST_LF,
};

void http_body_init(struct http_body *b, const struct http_frame *f) {
  *b = (struct http_body){
    .left = f->length,
    .step = f->chunked ? STEP_SIZE : STEP_DATA,
    .chunked = f->chunked,
    .done = !f->chunked && f->length == 0,
  };
}

static err_t chunk_size_byte(struct http_body *b, uint8_t c) {
  if (c == '\r' && b->digits > 0) {
    b->step = STEP_SIZE_LF;
    return OK;
  }
  int digit = hex_digit(c);
  if (digit < 0 || b->digits == 16)
    FAIL(ERR_HTTP, "malformed chunk size");
  b->left = b->left << 4 | (unsigned)digit;
  b->digits++;
  return OK;
}

/* What must come at each step but those of size and data, and the step after it. */
static const struct {
  uint8_t byte, next;
} chunk_steps[] = {
  [STEP_SIZE_LF] = { '\n', STEP_DATA },    [STEP_DATA_CR] = { '\r', STEP_DATA_LF },
  [STEP_DATA_LF] = { '\n', STEP_SIZE },    [STEP_LAST_CR] = { '\r', STEP_LAST_LF },
  [STEP_LAST_LF] = { '\n', STEP_LAST_LF },
};

static err_t chunk_byte(struct http_body *b, uint8_t c) {
  if (b->step == STEP_SIZE)
    return chunk_size_byte(b, c);
  if (c != chunk_steps[b->step].byte)
    FAIL(ERR_HTTP, b->step == STEP_LAST_CR ? "trailers" : "malformed chunk");
  if (b->step == STEP_LAST_LF)
    b->done = true;
  b->step = b->step == STEP_SIZE_LF && b->left == 0 ? STEP_LAST_CR : chunk_steps[b->step].next;
  b->digits = 0;
  return OK;
}

err_t http_body_next(struct http_body *b, struct bytes *in, struct bytes *data) {
  *data = (struct bytes){ 0 };
  while (in->size && !b->done) {
    if (b->step != STEP_DATA) {
      TRY(chunk_byte(b, in->data[0]));
      *in = skip(*in, 1);
      continue;
    }
    *data = bytes_of(in->data, b->left < in->size ? (size_t)b->left : in->size);
    *in = skip(*in, data->size);
    b->left -= data->size;
    if (b->left == 0 && b->chunked)
      b->step = STEP_DATA_CR;
    else if (b->left == 0)
      b->done = true;
    return OK;
  }
  return OK;
}
