#include "net/reply.h"

#include "net/message.h"

#include <ctype.h>

void http_reply_free(struct http_reply *r) {
  buf_free(&r->headers);
  buf_free(&r->body);
}

struct bytes http_reply_header(const struct http_reply *r, const char *name) {
  struct bytes rest = buf_bytes(&r->headers);
  while (rest.size) {
    struct bytes key, line = http_next_line(&rest), value = bytes_split(line, ':', &key);
    if (bytes_equal_nocase(key, name))
      return bytes_trim(value);
  }
  return (struct bytes){ 0 };
}

static err_t parse_status(struct bytes line, int *status) {
  static const char version[] = "HTTP/1.1 ";
  size_t n = sizeof version - 1;
  uint64_t code;
  if (line.size < n + 3 || !bytes_starts(line, version) ||
      bytes_to_u64(bytes_of(line.data + n, 3), 999, &code) != OK || code < 100 ||
      (line.size > n + 3 && line.data[n + 3] != ' '))
    FAIL(ERR_HTTP, "malformed status line");
  *status = (int)code;
  return OK;
}

static void keep_field(struct buf *headers, const struct http_header *h) {
  for (size_t i = 0; i < h->name.size; i++)
    buf_put_char(headers, (char)tolower(h->name.data[i]));
  buf_put(headers, ": ", 2);
  buf_put_bytes(headers, h->value);
  buf_put(headers, "\r\n", 2);
}

err_t http_parse_reply(struct bytes head, enum http_method method, struct http_reply *out,
                       struct http_frame *frame) {
  struct http_header headers[HTTP_HEADERS_MAX];
  size_t count = 0;
  bool framed;
  TRY(parse_status(http_next_line(&head), &out->status));
  for (struct bytes line; (line = http_next_line(&head)).size;) {
    if (count == HTTP_HEADERS_MAX)
      FAIL(ERR_HTTP, "more than %d headers", HTTP_HEADERS_MAX);
    TRY(http_parse_field(line, &headers[count]));
    keep_field(&out->headers, &headers[count++]);
  }
  TRY(buf_ok(&out->headers));
  TRY(http_parse_frame(headers, count, frame, &framed));
  if (method == HTTP_HEAD || http_bodyless(out->status)) {
    frame->chunked = false;
    frame->length = 0;
  } else if (!framed) {
    FAIL(ERR_HTTP, "a body without length");
  }
  return OK;
}
