/* The parser: each message is given whole and byte by byte, and must come out the same. */
#include "../asserts.h"

#include "net/parse.h"

#include <stdlib.h>

#define HEAD_MAX 4096

/* Feeds a request as a server would and stops at the first error. The bytes lie in a block of
 * their own size, so that a sanitizer sees each byte read too far. */
struct fed {
  err_t e;
  struct http_request req;
  struct http_frame frame;
  struct buf head, body, rest;
  bool complete;
};

static void fed_free(struct fed *f) {
  buf_free(&f->head);
  buf_free(&f->body);
  buf_free(&f->rest);
}

static err_t feed_head(struct fed *f, struct bytes text, size_t step, size_t *used) {
  struct http_scan scan = { 0 };
  size_t size = 0;
  for (size_t have = step < text.size ? step : text.size; size == 0; have += step) {
    if (have > text.size)
      have = text.size;
    uint8_t *copy = malloc(have ? have : 1);
    assert_non_null(copy);
    memcpy(copy, text.data, have);
    err_t e = http_scan_head(&scan, bytes_of(copy, have), HEAD_MAX, &size);
    free(copy);
    TRY(e);
    if (size == 0 && have == text.size)
      return OK;
  }
  *used = size;
  buf_put(&f->head, text.data, size);
  TRY(http_parse_head(buf_bytes(&f->head), &f->req, &f->frame));
  f->complete = true;
  return OK;
}

static err_t feed_body(struct fed *f, struct bytes text, size_t step) {
  struct http_body body;
  http_body_init(&body, &f->frame);
  for (size_t at = 0; at < text.size;) {
    size_t n = text.size - at < step ? text.size - at : step;
    struct bytes in = bytes_of(text.data + at, n), data;
    at += n;
    while (in.size && !body.done) {
      TRY(http_body_next(&body, &in, &data));
      buf_put_bytes(&f->body, data);
    }
    buf_put_bytes(&f->rest, in);
  }
  f->complete = body.done;
  return OK;
}

static struct fed feed(struct bytes text, size_t step) {
  struct fed f = { 0 };
  size_t used = 0;
  f.e = feed_head(&f, text, step, &used);
  if (f.e == OK && f.complete)
    f.e = feed_body(&f, bytes_of(text.data + used, text.size - used), step);
  return f;
}

#define AUTO_FED __attribute__((cleanup(fed_free))) struct fed
#define HOST "Host: vault:8443\r\n"
#define GET(headers) "GET / HTTP/1.1\r\n" HOST headers "\r\n"
#define POST(headers, body) "POST / HTTP/1.1\r\n" HOST headers "\r\n" body
#define TARGET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define NAMED(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct {
  const char *text;
  err_t e;
  size_t size; /* 0: up to the NUL */
} bad[] = {
  { POST("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), ERR_HTTP, 0 },
  { POST("Content-Length: +3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: -3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: 3 \t3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: 3, 3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: 0x3\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length: 3a\r\n", "abc"), ERR_HTTP, 0 },
  { POST("Content-Length:\r\n", ""), ERR_HTTP, 0 },
  { POST("Content-Length: 9223372036854775808\r\n", ""), ERR_HTTP, 0 },
  { POST("Content-Length: 18446744073709551617\r\n", ""), ERR_HTTP, 0 },
  { POST("Content-Length: 111111111111111111111111111111\r\n", ""), ERR_HTTP, 0 },
  { POST("Content-Length: 3\r\n" CHUNKED, "3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED "Content-Length: 3\r\n", "3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED CHUNKED, "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: identity\r\n", ""), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding:\r\n", ""), ERR_HTTP, 0 },
  { POST("Transfer-Encoding: chunked\v\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { POST("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), ERR_HTTP, 0 },
  { "GET / HTTP/1.1\r\n\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", ERR_HTTP, 0 },
  { NAMED(""), ERR_HTTP, 0 },
  { NAMED("user@vault"), ERR_HTTP, 0 },
  { NAMED("va ult"), ERR_HTTP, 0 },
  { NAMED("va\x01ult"), ERR_HTTP, 0 },
  { NAMED("vault:"), ERR_HTTP, 0 },
  { NAMED("vault:0"), ERR_HTTP, 0 },
  { NAMED("vault:65536"), ERR_HTTP, 0 },
  { NAMED("vault:+1"), ERR_HTTP, 0 },
  { NAMED("vault:1:1"), ERR_HTTP, 0 },
  { NAMED(":8443"), ERR_HTTP, 0 },
  { NAMED("vault/x"), ERR_HTTP, 0 },
  { NAMED("vault, other"), ERR_HTTP, 0 },
  { NAMED("[::1"), ERR_HTTP, 0 },
  { NAMED("[]"), ERR_HTTP, 0 },
  { NAMED("[::1]8443"), ERR_HTTP, 0 },
  { NAMED("[::1]:"), ERR_HTTP, 0 },
  { NAMED("[::g]"), ERR_HTTP, 0 },
  { NAMED("va%75lt"), ERR_HTTP, 0 },
  { GET("X : y\r\n"), ERR_HTTP, 0 },
  { GET("X\t: y\r\n"), ERR_HTTP, 0 },
  { GET(": y\r\n"), ERR_HTTP, 0 },
  { GET("X y\r\n"), ERR_HTTP, 0 },
  { GET("X(: y\r\n"), ERR_HTTP, 0 },
  { GET("X\x80: y\r\n"), ERR_HTTP, 0 },
  { GET("X: a\r\n b\r\n"), ERR_HTTP, 0 },
  { GET("X: a\r\n\tb\r\n"), ERR_HTTP, 0 },
  { "GET / HTTP/1.1\r\n Host: vault\r\n\r\n", ERR_HTTP, 0 },
  { GET("X: a\nY: b\r\n"), ERR_HTTP, 0 },
  { GET("X: a\rY: b\r\n"), ERR_HTTP, 0 },
  { GET("X: a\r\r\n"), ERR_HTTP, 0 },
  { "GET / HTTP/1.1\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.1\nHost: vault\n\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.1\r\n" HOST "\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.1\rHost: vault\r\r", ERR_HTTP, 0 },
  { GET("X: a\x7f\r\n"), ERR_HTTP, 0 },
  { GET("X: a\x1f\r\n"), ERR_HTTP, 0 },
  { "GET / HTTP/1.1\r\nHost: vault\r\nX: a\0b\r\n\r\n", ERR_HTTP,
    sizeof "GET / HTTP/1.1\r\nHost: vault\r\nX: a\0b\r\n\r\n" - 1 },
  { "GET /\0 HTTP/1.1\r\nHost: vault\r\n\r\n", ERR_HTTP,
    sizeof "GET /\0 HTTP/1.1\r\nHost: vault\r\n\r\n" - 1 },
  { GET("Authorization: Bearer a\r\nauthorization: Bearer b\r\n"), ERR_HTTP, 0 },
  { GET("Content-Type: a\r\nContent-Type: b\r\n"), ERR_HTTP, 0 },
  { TARGET("/a#b"), ERR_HTTP, 0 },
  { TARGET("/a\x80"), ERR_HTTP, 0 },
  { TARGET("/a?\xff"), ERR_HTTP, 0 },
  { TARGET("/a\x01"), ERR_HTTP, 0 },
  { TARGET("/a\t"), ERR_HTTP, 0 },
  { TARGET("/a b"), ERR_HTTP, 0 },
  { TARGET("/a\\b"), ERR_HTTP, 0 },
  { TARGET("/a\"b"), ERR_HTTP, 0 },
  { TARGET("/a<b>"), ERR_HTTP, 0 },
  { TARGET("/a%"), ERR_HTTP, 0 },
  { TARGET("/a%4"), ERR_HTTP, 0 },
  { TARGET("/a%4g"), ERR_HTTP, 0 },
  { TARGET("/a%u0041"), ERR_HTTP, 0 },
  { TARGET("/a?b=%zz"), ERR_HTTP, 0 },
  { TARGET("a"), ERR_HTTP, 0 },
  { TARGET("*"), ERR_HTTP, 0 },
  { TARGET("?a"), ERR_HTTP, 0 },
  { TARGET("vault:8443"), ERR_HTTP, 0 },
  { TARGET("http://vault:8443/"), ERR_HTTP, 0 },
  { TARGET("https://other/"), ERR_HTTP, 0 },
  { TARGET("https://vault/"), ERR_HTTP, 0 },
  { TARGET("https://vault:84430/"), ERR_HTTP, 0 },
  { TARGET("https://user@vault:8443/"), ERR_HTTP, 0 },
  { TARGET("https://vault:8443?a"), ERR_HTTP, 0 },
  { "GET  / HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET /  HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET\t/ HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.1 \r\n" HOST "\r\n", ERR_HTTP, 0 },
  { " GET / HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "\r\n\r\n" GET(""), ERR_HTTP, 0 },
  { "\n" GET(""), ERR_HTTP, 0 },
  { "GET HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET /\r\n", ERR_HTTP, 0 },
  { "/ HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "get / HTTP/1.1\r\n" HOST "\r\n", ERR_METHOD, 0 },
  { "Get / HTTP/1.1\r\n" HOST "\r\n", ERR_METHOD, 0 },
  { "TRACE / HTTP/1.1\r\n" HOST "\r\n", ERR_METHOD, 0 },
  { "CONNECT vault:8443 HTTP/1.1\r\n" HOST "\r\n", ERR_METHOD, 0 },
  { "G(T / HTTP/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.0\r\n\r\n", ERR_HTTP, 0 },
  { "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/2.0\r\n" HOST "\r\n", ERR_HTTP_VERSION, 0 },
  { "GET / HTTP/1.2\r\n" HOST "\r\n", ERR_HTTP_VERSION, 0 },
  { "GET / http/1.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/1.10\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "GET / HTTP/01.1\r\n" HOST "\r\n", ERR_HTTP, 0 },
  { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ERR_HTTP_VERSION, 0 },
  { POST("Expect: 200-ok\r\n", ""), ERR_EXPECTATION, 0 },
  { POST("Expect: 100-continue, x\r\n", ""), ERR_EXPECTATION, 0 },
  { POST("Expect:\r\n", ""), ERR_EXPECTATION, 0 },
  { POST("Expect: 100-continue\r\nExpect: 100-continue\r\n", ""), ERR_HTTP, 0 },
  { POST(CHUNKED, "0x3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "+3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "-3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, " 3\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3 \r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3;a=b\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "g\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "00000000000000003\r\nabc\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabcd\r\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc\n0\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc\r\n0\r\nX: y\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc\r\n0\n\n"), ERR_HTTP, 0 },
  { POST(CHUNKED, "3\r\nabc\r\n0;x\r\n\r\n"), ERR_HTTP, 0 },
};

static void test_bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t size = bad[i].size ? bad[i].size : strlen(bad[i].text);
    for (size_t step = 1; step <= size; step = step < 4 ? step + 1 : step * 3) {
      AUTO_FED f = feed(bytes_of(bad[i].text, size), step);
      if (f.e != bad[i].e)
        fail_msg("bad[%zu] in steps of %zu: %s instead of %s: %s", i, step, err_info(f.e)->name,
                 err_info(bad[i].e)->name, bad[i].text);
    }
  }
}

static const struct {
  const char *text;
  enum http_method method;
  const char *path, *query, *host, *body, *rest;
} good[] = {
  { GET(""), HTTP_GET, "/", "", "vault:8443", "", "" },
  { "\r\n" GET(""), HTTP_GET, "/", "", "vault:8443", "", "" },
  { GET("") GET(""), HTTP_GET, "/", "", "vault:8443", "", GET("") },
  { NAMED("a-b_c.example"), HTTP_GET, "/", "", "a-b_c.example", "", "" },
  { NAMED("[2001:db8::1]:8443"), HTTP_GET, "/", "", "[2001:db8::1]:8443", "", "" },
  { NAMED("[::ffff:127.0.0.1]"), HTTP_GET, "/", "", "[::ffff:127.0.0.1]", "", "" },
  { NAMED("127.0.0.1:65535"), HTTP_GET, "/", "", "127.0.0.1:65535", "", "" },
  { TARGET("///providers/a"), HTTP_GET, "///providers/a", "", "vault:8443", "", "" },
  { TARGET("/keys//create?a=b"), HTTP_GET, "/keys//create", "a=b", "vault:8443", "", "" },
  { TARGET("/a/../b/./c"), HTTP_GET, "/a/../b/./c", "", "vault:8443", "", "" },
  { TARGET("/%41%2f?%61=%20&b=?/[]{}|^`\\\"<>"), HTTP_GET, "/%41%2f", "%61=%20&b=?/[]{}|^`\\\"<>",
    "vault:8443", "", "" },
  { TARGET("/!$&'()*+,;=:@~-._"), HTTP_GET, "/!$&'()*+,;=:@~-._", "", "vault:8443", "", "" },
  { TARGET("/a?"), HTTP_GET, "/a", "", "vault:8443", "", "" },
  { TARGET("https://vault:8443/a?b"), HTTP_GET, "/a", "b", "vault:8443", "", "" },
  { TARGET("HTTPS://VAULT:8443"), HTTP_GET, "/", "", "vault:8443", "", "" },
  { "DELETE / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", HTTP_DELETE, "/", "", "vault:8443",
    "", "" },
  { "GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcX", HTTP_GET, "/", "", "vault:8443",
    "abc", "X" },
  { POST("Content-Length: 003\r\n", "abcd"), HTTP_POST, "/", "", "vault:8443", "abc", "d" },
  { POST("content-length:3\r\n", "abc"), HTTP_POST, "/", "", "vault:8443", "abc", "" },
  { POST("CONTENT-LENGTH: \t3\t \r\n", "abc"), HTTP_POST, "/", "", "vault:8443", "abc", "" },
  { POST("Transfer-Encoding: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\nX"), HTTP_POST, "/", "",
    "vault:8443", "abc", "X" },
  { POST(CHUNKED, "0003\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n"), HTTP_POST, "/", "",
    "vault:8443", "abc0123456789", "" },
  { POST(CHUNKED, "0\r\n\r\n\r\n"), HTTP_POST, "/", "", "vault:8443", "", "\r\n" },
  { POST("Expect: 100-Continue\r\nContent-Length: 1\r\n", "a"), HTTP_POST, "/", "", "vault:8443",
    "a", "" },
  { "HEAD / HTTP/1.1\r\nHost:vault\r\n\r\n", HTTP_HEAD, "/", "", "vault", "", "" },
  { "PUT / HTTP/1.1\r\n" HOST "X:\r\nY: \r\nZ: a b\tc\x80\r\n\r\n", HTTP_PUT, "/", "", "vault:8443",
    "", "" },
};

static void test_good(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    size_t size = strlen(good[i].text);
    for (size_t step = 1; step <= size; step = step < 4 ? step + 1 : step * 3) {
      AUTO_FED f = feed(bytes_of(good[i].text, size), step);
      if (f.e != OK)
        fail_msg("good[%zu] in steps of %zu: %s", i, step, err_info(f.e)->name);
      assert_true(f.complete);
      assert_int_equal(f.req.method, good[i].method);
      assert_text(f.req.path, good[i].path);
      assert_text(f.req.query, good[i].query);
      assert_text(f.req.host, good[i].host);
      assert_text(buf_bytes(&f.body), good[i].body);
      assert_text(buf_bytes(&f.rest), good[i].rest);
    }
  }
}

/* No prefix of a good request is taken for a whole one. */
static void test_prefixes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    size_t whole = strlen(good[i].text) - strlen(good[i].rest);
    for (size_t size = 0; size < whole; size++) {
      AUTO_FED f = feed(bytes_of(good[i].text, size), size ? size : 1);
      assert_int_equal(f.e, OK);
      assert_false(f.complete);
    }
  }
}

static void test_headers(void **state) {
  (void)state;
  AUTO_FED f = feed(bytes_str(GET("A: 1\r\na: 2\r\nEmpty:\r\nConnection: x, Close\r\n")), 7);
  assert_int_equal(f.e, OK);
  assert_int_equal(f.req.header_count, 5);
  assert_text(http_header(&f.req, "A"), "1");
  assert_text(http_header(&f.req, "host"), "vault:8443");
  assert_non_null(http_header(&f.req, "empty").data);
  assert_int_equal(http_header(&f.req, "empty").size, 0);
  assert_null(http_header(&f.req, "b").data);
  assert_true(f.frame.close);
  assert_false(f.frame.expect);
  AUTO_FED old = feed(
    bytes_str("GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\nExpect: 100-continue\r\n\r\n"),
    999);
  assert_true(old.frame.close);
  assert_false(old.frame.expect);
  AUTO_FED keep = feed(bytes_str(GET("Connection: keep-alive, xclose\r\n")), 999);
  assert_false(keep.frame.close);
}

static void test_limits(void **state) {
  (void)state;
  for (int count = HTTP_HEADERS_MAX - 2; count <= HTTP_HEADERS_MAX; count++) {
    AUTO_BUF text = BUF_EMPTY;
    buf_put_str(&text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < count; i++)
      buf_put_str(&text, "A: b\r\n");
    buf_put_str(&text, "\r\n");
    AUTO_FED f = feed(buf_bytes(&text), text.size);
    assert_int_equal(f.e, count < HTTP_HEADERS_MAX ? OK : ERR_HEAD_TOO_LARGE);
  }
  for (size_t pad = 0; pad < 2 * HEAD_MAX; pad += 97) {
    AUTO_BUF text = BUF_EMPTY;
    buf_put_str(&text, "GET / HTTP/1.1\r\n" HOST "A: ");
    for (size_t i = 0; i < pad; i++)
      buf_put_char(&text, 'a');
    if (pad > HEAD_MAX) { /* refused before its end has come */
      AUTO_FED endless = feed(buf_bytes(&text), 1000);
      assert_int_equal(endless.e, ERR_HEAD_TOO_LARGE);
    }
    buf_put_str(&text, "\r\n\r\n");
    AUTO_FED f = feed(buf_bytes(&text), 1000);
    assert_int_equal(f.e, text.size <= HEAD_MAX + 2 ? OK : ERR_HEAD_TOO_LARGE);
  }
}

/* A chunk size of 16 digits is a number like any other; its data is not waited for in memory. */
static void test_huge_chunk(void **state) {
  (void)state;
  struct http_frame frame = { .chunked = true };
  struct http_body body;
  struct bytes in = bytes_str("ffffffffffffffff\r\nabc"), data;
  http_body_init(&body, &frame);
  assert_int_equal(http_body_next(&body, &in, &data), OK);
  assert_text(data, "abc");
  assert_true(body.left == UINT64_MAX - 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bad),      cmocka_unit_test(test_good),
    cmocka_unit_test(test_prefixes), cmocka_unit_test(test_headers),
    cmocka_unit_test(test_limits),   cmocka_unit_test(test_huge_chunk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
