/*
 * The HTTP parser: a stream of requests, a response, and query strings. However the stream is cut
 * into pieces, the same requests must come out of it; views must lie within what was given (a
 * sanitizer sees to it: each piece is a block of its own size).
 */
#include "net/reply.h"

#include <stdlib.h>

#define HEAD_MAX 2048
#define SIZE_LIMIT 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
  unsigned requests;
  bool refused;
  uint64_t hash; /* of all that came out: FNV-1a */
};

static void add(struct outcome *o, struct bytes b) {
  for (size_t i = 0; i < b.size; i++)
    o->hash = (o->hash ^ b.data[i]) * 0x100000001b3;
}

static void add_end(struct outcome *o) {
  add(o, bytes_of("\xff", 1));
}

static void add_request(struct outcome *o, const struct http_request *r) {
  if (r->path.size == 0 || r->path.data[0] != '/' || r->host.size == 0)
    abort();
  add(o, bytes_str(http_method_name(r->method)));
  add(o, r->host);
  add(o, r->path);
  add_end(o);
  add(o, r->query);
  for (size_t i = 0; i < r->header_count; i++) {
    add_end(o);
    add(o, r->headers[i].name);
    add(o, r->headers[i].value);
  }
  add_end(o);
}

/* The head at the front of a stream of which step more bytes come at a time; its size, 0 when it is
 * not complete or refused. */
static size_t take_head(struct outcome *o, struct bytes in, size_t step, struct http_frame *frame) {
  struct http_scan scan = { 0 };
  struct http_request request;
  size_t size = 0;
  for (size_t have = 0; size == 0 && have < in.size;) {
    have = in.size - have < step ? in.size : have + step;
    uint8_t *piece = malloc(have);
    if (!piece)
      abort();
    memcpy(piece, in.data, have);
    err_t e = http_scan_head(&scan, bytes_of(piece, have), HEAD_MAX, &size);
    if (e == OK && size)
      e = http_parse_head(bytes_of(piece, size), &request, frame);
    if (e == OK && size)
      add_request(o, &request);
    free(piece);
    o->refused = e != OK;
    if (o->refused)
      return 0;
  }
  return size;
}

/* The body behind it; false when it is not complete or refused. */
static bool take_body(struct outcome *o, struct bytes *in, size_t step,
                      const struct http_frame *frame) {
  struct http_body body;
  http_body_init(&body, frame);
  while (!body.done && in->size) {
    size_t n = in->size < step ? in->size : step;
    struct bytes piece = bytes_of(in->data, n), data;
    while (piece.size && !body.done) {
      if (http_body_next(&body, &piece, &data) != OK) {
        o->refused = true;
        return false;
      }
      add(o, data);
    }
    n -= piece.size;
    *in = bytes_of(in->data + n, in->size - n);
  }
  add_end(o);
  return body.done;
}

static struct outcome read_stream(struct bytes in, size_t step) {
  struct outcome o = { .hash = 0xcbf29ce484222325 };
  struct http_frame frame;
  size_t head;
  while ((head = take_head(&o, in, step, &frame))) {
    in = bytes_of(in.data + head, in.size - head);
    if (!take_body(&o, &in, step, &frame))
      break;
    o.requests++;
  }
  return o;
}

static void read_reply(struct bytes in) {
  AUTO_HTTP_REPLY reply = { 0 };
  struct http_scan scan = { 0 };
  struct http_frame frame;
  size_t size;
  if (http_scan_reply(&scan, in, HEAD_MAX, &size) != OK || size == 0 ||
      http_parse_reply(bytes_of(in.data, size), HTTP_GET, &reply, &frame) != OK)
    return;
  if (reply.status < 100 || reply.status > 999)
    abort();
  (void)http_reply_header(&reply, "content-type");
}

static void read_query(struct bytes in) {
  char out[64];
  bool found = false;
  if (http_query_get(in, "api-version", out, sizeof out, &found) == OK && found &&
      strlen(out) >= sizeof out)
    abort();
  IGNORE(http_form_get(in, "scope", out, sizeof out, &found));
  IGNORE(http_unescape(in, out, sizeof out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > SIZE_LIMIT)
    return 0;
  struct bytes in = bytes_of(data + 1, size - 1);
  struct outcome whole = read_stream(in, SIZE_LIMIT), pieces = read_stream(in, 1 + data[0] % 64);
  if (whole.requests != pieces.requests || whole.refused != pieces.refused ||
      whole.hash != pieces.hash)
    abort();
  read_reply(in);
  read_query(in);
  return 0;
}
