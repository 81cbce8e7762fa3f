/* Heads of responses, written and read again. */
#include "../asserts.h"

#include "net/message.h"
#include "net/reply.h"

static void test_head(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  struct http_response r = { .status = 404 };
  (void)state;
  http_response_header(&r, "X-A", bytes_str("b"));
  http_response_header(&r, "X-Split", bytes_str("a\r\nSet-Cookie: b"));
  http_response_header(&r, "X-Nul", bytes_of("a\0b", 3));
  http_response_header(&r, "X\n", bytes_str("a"));
  http_response_header(&r, "content-length", bytes_str("77"));
  assert_true(r.has_length && r.length == 77);
  assert_text(buf_bytes(&r.headers), "X-A: b\r\n");
  http_put_head(&out, &r, HTTP_BODY_LENGTH, 12, true);
  buf_put_char(&out, '\0');
  const char *text = (const char *)out.data;
  assert_memory_equal(text, "HTTP/1.1 404 Not Found\r\nDate: ", 30);
  assert_non_null(
    strstr(text, " GMT\r\nContent-Length: 12\r\nConnection: close\r\nX-A: b\r\n\r\n"));
  buf_free(&r.headers);
}

static void test_framing(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  struct http_response r = { .status = 204 };
  (void)state;
  http_put_head(&out, &r, HTTP_BODY_NONE, 0, false);
  http_put_head(&out, &r, HTTP_BODY_CHUNKED, 0, false);
  buf_put_char(&out, '\0');
  const char *second = strstr((const char *)out.data + 1, "HTTP/1.1 204");
  assert_non_null(second);
  assert_non_null(strstr(second, "Transfer-Encoding: chunked\r\n"));
  assert_null(strstr((const char *)out.data, "Content-Length"));
  assert_null(strstr((const char *)out.data, "Connection"));
}

static err_t parse(const char *text, enum http_method method, struct http_reply *r,
                   struct http_frame *f) {
  struct http_scan scan = { 0 };
  size_t size = 0;
  TRY(http_scan_reply(&scan, bytes_str(text), 4096, &size));
  if (size != strlen(text))
    return ERR_CLOSED;
  return http_parse_reply(bytes_str(text), method, r, f);
}

#define REPLY(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

static void test_replies(void **state) {
  static const struct {
    const char *text;
    enum http_method method;
    err_t e;
    int status;
    uint64_t length;
    bool chunked, close;
  } cases[] = {
    { REPLY("Content-Length: 5\r\n"), HTTP_GET, OK, 200, 5, false, false },
    { REPLY("Transfer-Encoding: chunked\r\n"), HTTP_GET, OK, 200, 0, true, false },
    { REPLY("Content-Length: 5\r\nConnection: close\r\n"), HTTP_HEAD, OK, 200, 0, false, true },
    { "HTTP/1.1 204 No Content\r\n\r\n", HTTP_GET, OK, 204, 0, false, false },
    { "HTTP/1.1 100 Continue\r\n\r\n", HTTP_POST, OK, 100, 0, false, false },
    { "HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", HTTP_POST, OK, 503, 0, false, false },
    { "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", HTTP_POST, OK, 503, 0, false, false },
    { REPLY(""), HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { REPLY("Content-Length: 5\r\nContent-Length: 5\r\n"), HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { REPLY("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), HTTP_GET, ERR_HTTP, 0, 0, false,
      false },
    { REPLY("Content-Length: -5\r\n"), HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { REPLY("X : y\r\n"), HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
    { "ICY 200 OK\r\n\r\n", HTTP_GET, ERR_HTTP, 0, 0, false, false },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_HTTP_REPLY r = { 0 };
    struct http_frame f;
    assert_int_equal(parse(cases[i].text, cases[i].method, &r, &f), cases[i].e);
    if (cases[i].e != OK)
      continue;
    assert_int_equal(r.status, cases[i].status);
    assert_true(f.length == cases[i].length);
    assert_int_equal(f.chunked, cases[i].chunked);
    assert_int_equal(f.close, cases[i].close);
  }
}

static void test_reply_headers(void **state) {
  AUTO_HTTP_REPLY r = { 0 };
  struct http_frame f;
  (void)state;
  assert_ok(parse(REPLY("Content-Length: 0\r\nX-Ab: c: d\r\nx-empty:\r\n"), HTTP_GET, &r, &f));
  assert_text(buf_bytes(&r.headers), "content-length: 0\r\nx-ab: c: d\r\nx-empty: \r\n");
  assert_text(http_reply_header(&r, "X-AB"), "c: d");
  assert_text(http_reply_header(&r, "X-Empty"), "");
  assert_null(http_reply_header(&r, "X-None").data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_head),
    cmocka_unit_test(test_framing),
    cmocka_unit_test(test_replies),
    cmocka_unit_test(test_reply_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
