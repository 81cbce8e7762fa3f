#include "transit/proxy/admin.h"

#include "net/message.h"
#include "net/parse.h"
#include "transit/proxy/metrics.h"

#define PLAIN_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"

/* What a page answers; returns the status. */
typedef int admin_page(const struct admin *a, struct buf *body);

static int metrics(const struct admin *a, struct buf *body) {
  a->metrics(a->ctx, body);
  return 200;
}

static int healthz(const struct admin *a, struct buf *body) {
  buf_put_str(body, "ok\n");
  return 200;
}

static int readyz(const struct admin *a, struct buf *body) {
  bool ready = a->ready(a->ctx, body);
  if (ready) {
    buf_clear(body);
    buf_put_str(body, "ready");
  }
  buf_put_char(body, '\n');
  return ready ? 200 : 503;
}

static int status(const struct admin *a, struct buf *body) {
  a->status(a->ctx, body);
  buf_put_char(body, '\n');
  return 200;
}

static const struct {
  const char *path, *type;
  admin_page *page;
} pages[] = {
  { "/metrics", METRICS_TYPE, metrics },
  { "/healthz", PLAIN_TYPE, healthz },
  { "/readyz", PLAIN_TYPE, readyz },
  { "/status", JSON_TYPE, status },
};

struct answer {
  const char *type;
  int status;
  struct buf body;
};

static err_t find(const struct admin *a, const struct http_request *r, struct answer *out) {
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    if (!bytes_equal_str(r->path, pages[i].path))
      continue;
    if (r->method != HTTP_GET && r->method != HTTP_HEAD)
      return ERR_METHOD;
    out->type = pages[i].type;
    out->status = pages[i].page(a, &out->body);
    return OK;
  }
  return ERR_NOT_FOUND;
}

static err_t take(const struct admin *a, struct bytes head, struct answer *out, bool *silent) {
  struct http_request r;
  struct http_frame frame;
  TRY(http_parse_head(head, &r, &frame));
  if (frame.length || frame.chunked)
    FAIL(ERR_HTTP, "a body where there is none to send");
  *silent = r.method == HTTP_HEAD;
  return find(a, &r, out);
}

static void write_answer(const struct answer *a, bool silent, struct buf *out) {
  struct http_response r = { .status = a->status };
  http_response_header(&r, "Content-Type", bytes_str(a->type));
  http_response_header(&r, "Cache-Control", bytes_str("no-store"));
  if (a->status == 405)
    http_response_header(&r, "Allow", bytes_str("GET, HEAD"));
  out->failed |= r.headers.failed | a->body.failed;
  http_put_head(out, &r, HTTP_BODY_LENGTH, a->body.size, true);
  if (!silent)
    buf_put_bytes(out, buf_bytes(&a->body));
  buf_free(&r.headers);
}

err_t admin_answer(const struct admin *a, struct bytes request, struct buf *response) {
  struct answer answer = { .type = PLAIN_TYPE };
  struct http_scan scan = { 0 };
  bool silent = false;
  size_t size;
  err_t e = http_scan_head(&scan, request, ADMIN_REQUEST_MAX, &size);
  if (e == OK && size == 0)
    return OK;
  if (e == OK)
    e = take(a, bytes_of(request.data, size), &answer, &silent);
  if (e != OK) {
    answer.status = err_info(e)->status;
    buf_put_str(&answer.body, err_info(e)->text);
    buf_put_char(&answer.body, '\n');
  }
  write_answer(&answer, silent, response);
  buf_free(&answer.body);
  return buf_ok(response);
}
