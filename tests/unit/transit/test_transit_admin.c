/* The answers to those who run the proxy. */
#include "../asserts.h"

#include "transit/proxy/admin.h"

#include <stdlib.h>

static const char *trouble; /* NULL: it can serve */

static void put_metrics(void *ctx, struct buf *out) {
  buf_put_str(out, "up 1\n");
}

static bool ready(void *ctx, struct buf *why) {
  buf_put_str(why, trouble ? trouble : "all is well");
  return !trouble;
}

static void put_status(void *ctx, struct buf *out) {
  buf_put_str(out, "{}");
}

static const struct admin admin = { .metrics = put_metrics, .ready = ready, .status = put_status };

/* The answer to a request that comes in pieces; nothing when it never comes to an end. */
static void ask(struct bytes request, size_t step, struct buf *answer) {
  buf_clear(answer);
  for (size_t have = 0; answer->size == 0 && have < request.size;) {
    have = request.size - have < step ? request.size : have + step;
    uint8_t *piece = malloc(have);
    assert_non_null(piece);
    memcpy(piece, request.data, have);
    assert_ok(admin_answer(&admin, bytes_of(piece, have), answer));
    free(piece);
  }
  assert_non_null(buf_cstr(answer));
}

#define HOST "Host: 127.0.0.1:9090\r\n"

static void assert_answer(const char *request, const char *status, const char *header,
                          const char *body) {
  AUTO_BUF answer = BUF_EMPTY;
  struct bytes all = str(request);
  for (size_t step = 1; step <= all.size; step++) {
    ask(all, step, &answer);
    const char *text = (const char *)answer.data;
    if (!bytes_starts(buf_bytes(&answer), status) || !strstr(text, header))
      fail_msg("%s: %s", request, text);
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, body);
  }
}

static void pages_are_answered(void **state) {
  assert_answer("GET /metrics HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "up 1\n");
  assert_answer("GET /metrics?x=1 HTTP/1.0\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\nContent-Length: 5\r\n", "up 1\n");
  assert_answer("HEAD /metrics HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\nContent-Length: 5\r\n", "");
  assert_answer("GET /healthz HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\nContent-Type: text/plain; charset=utf-8\r\n", "ok\n");
  assert_answer("GET /readyz HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n", "", "ready\n");
  assert_answer("GET /status HTTP/1.0\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\nContent-Type: application/json\r\n", "{}\n");
  trouble = "the certificate has expired";
  assert_answer("GET /readyz HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 503 Service Unavailable\r\n", "",
                "the certificate has expired\n");
  assert_answer("GET /healthz HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n", "", "ok\n");
  trouble = NULL;
}

static void others_are_refused(void **state) {
#define NOTHING "There is nothing at this address.\n"
#define MALFORMED "The HTTP request is malformed.\n"
  assert_answer("GET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n", "", NOTHING);
  assert_answer("GET /metrics/ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n", "",
                NOTHING);
  assert_answer("POST /nothing HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n", "",
                NOTHING);
  assert_answer("POST /metrics HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 Method Not Allowed\r\n",
                "\r\nAllow: GET, HEAD\r\n", "HTTP method not allowed\n");
  assert_answer("BREW /metrics HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 Method Not Allowed\r\n",
                "\r\nAllow: GET, HEAD\r\n", "HTTP method not allowed\n");
  static const char *const malformed[] = {
    "GET /metrics HTTP/1.1\r\n\r\n",
    "GET  /metrics HTTP/1.1\r\n" HOST "\r\n",
    "GET metrics HTTP/1.1\r\n" HOST "\r\n",
    "GET /metrics\r\n\r\n",
    "GET /metrics HTTP/1.1\n\n",
    "GET /metrics HTTP/1.1\r\n" HOST HOST "\r\n",
    "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx",
    "GET /metrics HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\x16\3\1\2\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    assert_answer(malformed[i], "HTTP/1.1 400 Bad Request\r\n", "", MALFORMED);
  assert_answer("GET /metrics HTTP/2.0\r\n" HOST "\r\n",
                "HTTP/1.1 505 HTTP Version Not Supported\r\n", "",
                "Only HTTP/1.1 and 1.0 are served.\n");
}

static void requests_are_bounded(void **state) {
  AUTO_BUF request = BUF_EMPTY, answer = BUF_EMPTY;
  buf_put_str(&request, "GET /healthz HTTP/1.1\r\n" HOST "X: ");
  while (request.size < ADMIN_REQUEST_MAX)
    buf_put_char(&request, 'x');
  ask(buf_bytes(&request), 1, &answer);
  assert_int_equal(answer.size, 0);
  buf_put_char(&request, 'x');
  ask(buf_bytes(&request), 1, &answer);
  assert_true(bytes_starts(buf_bytes(&answer), "HTTP/1.1 431 "));
}

static void incomplete_ones_wait(void **state) {
  AUTO_BUF answer = BUF_EMPTY;
  ask(str("GET /healthz HTTP/1.1\r\n" HOST), 1, &answer);
  assert_int_equal(answer.size, 0);
  assert_ok(admin_answer(&admin, (struct bytes){ 0 }, &answer));
  assert_int_equal(answer.size, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pages_are_answered),
    cmocka_unit_test(others_are_refused),
    cmocka_unit_test(requests_are_bounded),
    cmocka_unit_test(incomplete_ones_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
