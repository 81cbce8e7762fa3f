/* A server and clients in one process: requests and answers. */
#include "raw.h"

#include <stdio.h>

static struct fixture f;

#define HOST "Host: localhost\r\n"
#define ECHO(body, length) "POST /echo HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n" body

static int start(void **state) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  (void)state;
  conf.loops = 2;
  conf.workers = 4;
  fixture_start(&f, conf);
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_end(&f);
  return 0;
}

static void test_lanes(void **state) {
  static const char *const paths[] = { "/echo", "/slow", "/stream" };
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  (void)state;
  for (unsigned i = 0; i < 300; i++) {
    AUTO_HTTP_REPLY r = { 0 };
    AUTO_BUF body = BUF_EMPTY;
    for (unsigned j = 0; j < i * i; j++)
      buf_put_char(&body, (char)test_byte(j + i));
    assert_ok(
      http_client_request(c, HTTP_POST, paths[i % 3], (struct bytes){ 0 }, buf_bytes(&body), &r));
    assert_int_equal(r.status, 200);
    /* A stream without a byte has no http_write(): an empty response of the ordinary kind. */
    assert_true(bytes_equal(buf_bytes(&r.body), buf_bytes(&body)));
  }
}

static void test_keep_alive_is_one_connection(void **state) {
  struct http_server_stats before, after;
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  (void)state;
  AUTO_HTTP_REPLY first = { 0 };
  assert_ok(
    http_client_request(c, HTTP_GET, "/echo", (struct bytes){ 0 }, (struct bytes){ 0 }, &first));
  http_server_stats(f.app.server, &before);
  for (unsigned i = 0; i < 50; i++) {
    AUTO_HTTP_REPLY r = { 0 };
    assert_ok(
      http_client_request(c, HTTP_GET, "/echo", (struct bytes){ 0 }, (struct bytes){ 0 }, &r));
  }
  http_server_stats(f.app.server, &after);
  assert_true(after.connections <= before.connections); /* an earlier test's may still be closing */
  assert_int_equal(after.requests, before.requests + 50);
}

static void test_answer_head(void **state) {
  AUTO_RAW r;
  AUTO_HTTP_REPLY reply;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, ECHO("abc", "3"));
  raw_reply(&r, HTTP_POST, &reply);
  assert_int_equal(reply.status, 200);
  assert_text(http_reply_header(&reply, "content-length"), "3");
  assert_text(http_reply_header(&reply, "content-type"), "text/plain");
  assert_int_equal(http_reply_header(&reply, "date").size, 29);
  assert_null(http_reply_header(&reply, "connection").data);
}

static void test_pipelining(void **state) {
  AUTO_RAW r;
  AUTO_BUF all = BUF_EMPTY;
  (void)state;
  raw_open(&r, &f);
  for (unsigned i = 0; i < 300; i++)
    buf_printf(&all, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %u\r\n\r\n%*u",
               i % 7 == 3 ? "/slow" : "/echo", 8 + i, (int)(8 + i), i);
  raw_send(&r, buf_bytes(&all));
  for (unsigned i = 0; i < 300; i++) {
    char want[400];
    snprintf(want, sizeof want, "%*u", (int)(8 + i), i);
    raw_expect(&r, 200, want);
  }
  raw_expect_silence(&r, 50);
}

/* One byte at a time, each a record of its own. */
static void test_drip(void **state) {
  static const char text[] =
    ECHO("abc", "3") "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                     "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n";
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  for (size_t i = 0; i < sizeof text - 1; i++)
    raw_send(&r, bytes_of(text + i, 1));
  raw_expect(&r, 200, "abc");
  raw_expect(&r, 200, "def");
}

static void test_chunked(void **state) {
  static const char *const paths[] = { "/echo", "/slow", "/stream", "/sink" };
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  for (unsigned i = 0; i < 4; i++) {
    AUTO_BUF text = BUF_EMPTY;
    buf_printf(&text,
               "POST %s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
               "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
               paths[i]);
    raw_send(&r, buf_bytes(&text));
    raw_expect(&r, 200, i == 3 ? "12" : "hello, world");
  }
}

static void test_continue(void **state) {
  static const char *const paths[] = { "/echo", "/slow", "/stream" };
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  for (unsigned i = 0; i < 3; i++) {
    AUTO_BUF text = BUF_EMPTY;
    buf_printf(&text,
               "POST %s HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
               paths[i]);
    raw_send(&r, buf_bytes(&text));
    raw_expect(&r, 100, "");
    raw_say(&r, "abc");
    raw_expect(&r, 200, "abc");
    buf_put_str(&text, "def"); /* who does not wait is not told to go on */
    raw_send(&r, buf_bytes(&text));
    raw_expect(&r, 200, "def");
  }
}

/* The answer is final: whether the body still comes is not known, so the connection ends. */
static void test_no_continue(void **state) {
  AUTO_RAW r;
  AUTO_HTTP_REPLY reply;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  raw_reply(&r, HTTP_POST, &reply);
  assert_int_equal(reply.status, 401);
  assert_text(http_reply_header(&reply, "connection"), "close");
  raw_expect_close(&r);
}

static void test_unread_bodies(void **state) {
  AUTO_RAW r;
  AUTO_BUF body = BUF_EMPTY;
  (void)state;
  for (unsigned i = 0; i < 60000; i++)
    buf_put_char(&body, 'x');
  raw_open(&r, &f);
  raw_say(&r, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\n");
  raw_expect(&r, 401, "early");
  raw_send(&r, buf_bytes(&body)); /* thrown away */
  raw_say(&r, ECHO("abc", "3"));
  raw_expect(&r, 200, "abc");
  raw_say(&r, "POST /early HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n0\r\n\r\n" ECHO("def", "3"));
  raw_expect(&r, 401, "early");
  raw_expect(&r, 200, "def");
  raw_say(&r, "POST /early HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n");
  AUTO_HTTP_REPLY reply;
  raw_reply(&r, HTTP_POST, &reply);
  assert_int_equal(reply.status, 401);
  assert_text(http_reply_header(&reply, "connection"), "close");
  raw_send(&r, buf_bytes(&body)); /* the answer was not lost by it */
  raw_expect_close(&r);
}

static void test_endless_unread_body(void **state) {
  AUTO_RAW r;
  AUTO_BUF chunk = BUF_EMPTY;
  size_t n;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "POST /early HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
  raw_expect(&r, 401, "early");
  buf_put_str(&chunk, "4000\r\n");
  for (unsigned i = 0; i < 0x4000; i++)
    buf_put_char(&chunk, 'x');
  buf_put_str(&chunk, "\r\n");
  for (unsigned i = 0; i < 1000; i++) {
    enum tls_io_result e = tls_io_write(&r.io, chunk.data, chunk.size, &n);
    if (e != TLS_IO_OK && e != TLS_IO_WANT_WRITE)
      return; /* cut off */
    if (e == TLS_IO_WANT_WRITE) {
      uint64_t budget_us = 1000000;
      IGNORE(tls_io_wait(&r.io, e, &budget_us));
    }
  }
  fail_msg("the server reads on and on");
}

static void test_limits_of_bodies(void **state) {
  static const struct {
    const char *text;
    int status;
  } cases[] = {
    { "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\n12345678", 200 },
    { "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789", 413 },
    { "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n", 413 },
    { "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", 413 },
    { "POST /tiny HTTP/1.1\r\n" HOST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", 413 },
    { "POST /tiny HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
      "5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n",
      413 },
    { "POST /tiny HTTP/1.1\r\n" HOST
      "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n123456789",
      413 },
    { "POST /tinystream HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n123456789", 413 },
    { "POST /tinystream HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n9\r\n123456789",
      413 },
    { "GET /big HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 413 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_RAW r;
    raw_open(&r, &f);
    raw_say(&r, cases[i].text);
    raw_expect(&r, cases[i].status, cases[i].status == 200 ? "12345678" : "ERR_TOO_LARGE");
    if (cases[i].status == 413)
      raw_expect_close(&r);
  }
}

static void test_bodyless_answers(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  for (unsigned i = 0; i < 2; i++) {
    AUTO_HTTP_REPLY head, stream, empty;
    raw_say(&r, "HEAD /big?n=12345 HTTP/1.1\r\n" HOST "\r\n");
    raw_reply(&r, HTTP_HEAD, &head);
    assert_text(http_reply_header(&head, "content-length"), "12345");
    raw_say(&r, "HEAD /source?n=12345&length=1 HTTP/1.1\r\n" HOST "\r\n");
    raw_reply(&r, HTTP_HEAD, &stream);
    assert_text(http_reply_header(&stream, "content-length"), "12345");
    raw_say(&r, "GET /empty HTTP/1.1\r\n" HOST "\r\n");
    raw_reply(&r, HTTP_GET, &empty);
    assert_int_equal(empty.status, 204);
    assert_null(http_reply_header(&empty, "content-length").data);
  }
}

static void test_big_answers(void **state) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  static const unsigned sizes[] = { 0, 16000, 16200, 16384, 16385, 100000, 3000000 };
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    AUTO_HTTP_REPLY r = { 0 };
    char path[40];
    snprintf(path, sizeof path, "/big?n=%u", sizes[i]);
    assert_ok(http_client_request(c, HTTP_GET, path, (struct bytes){ 0 }, (struct bytes){ 0 }, &r));
    assert_int_equal(r.body.size, sizes[i]);
    for (size_t j = 0; j < r.body.size; j++)
      assert_int_equal(r.body.data[j], test_byte(j));
  }
}

static void test_paths_are_raw(void **state) {
  static const char *const paths[] = { "///providers/a", "/keys//create", "/a/../b", "/%41",
                                       "/A/" };
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    AUTO_BUF text = BUF_EMPTY, want = BUF_EMPTY;
    buf_printf(&text, "GET %s?q HTTP/1.1\r\n" HOST "\r\n", paths[i]);
    buf_printf(&want, "no such path: %s", paths[i]);
    buf_put_char(&want, '\0');
    raw_send(&r, buf_bytes(&text));
    raw_expect(&r, 404, (const char *)want.data);
  }
}

static void test_refusals_close(void **state) {
  static const struct {
    const char *text;
    int status;
  } cases[] = {
    { "GET / HTTP/1.1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400 },
    { "GET / HTTP/1.0\r\n\r\n", 400 },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
    { "BREW / HTTP/1.1\r\n" HOST "\r\n", 405 },
    { "POST /echo HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", 417 },
    { "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400 },
    { "POST /stream HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400 },
    { "POST /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\naX\r\n", 400 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_RAW r;
    AUTO_HTTP_REPLY reply;
    raw_open(&r, &f);
    raw_say(&r, cases[i].text);
    raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* never answered */
    raw_reply(&r, HTTP_GET, &reply);
    assert_int_equal(reply.status, cases[i].status);
    assert_text(http_reply_header(&reply, "connection"), "close");
    raw_expect_close(&r);
  }
}

static void test_head_too_large(void **state) {
  AUTO_RAW r;
  AUTO_BUF text = BUF_EMPTY;
  (void)state;
  raw_open(&r, &f);
  buf_put_str(&text, "GET / HTTP/1.1\r\n" HOST "X: ");
  for (unsigned i = 0; i < 40000; i++)
    buf_put_char(&text, 'x');
  raw_send(&r, buf_bytes(&text));
  raw_expect(&r, 431, "ERR_HEAD_TOO_LARGE");
  raw_expect_close(&r);
}

static void test_connection_close(void **state) {
  AUTO_RAW r;
  AUTO_HTTP_REPLY reply;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
              "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_reply(&r, HTTP_GET, &reply);
  assert_int_equal(reply.status, 200);
  assert_text(http_reply_header(&reply, "connection"), "close");
  raw_expect_close(&r);
}

static void test_handler_without_response(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "GET /bad HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 500, "ERR_INTERNAL");
  raw_say(&r, ECHO("abc", "3"));
  raw_expect(&r, 200, "abc");
}

/* Clients that leave at every point. That all is released is for fixture_end() and the sanitizer to
 * see. */
static void test_leaving(void **state) {
  static const char *const texts[] = {
    "",
    "GET /echo HT",
    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    "POST /slow HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    "POST /sink HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    "GET /sleep?ms=50 HTTP/1.1\r\n" HOST "\r\n",
    "GET /big?n=9000000 HTTP/1.1\r\n" HOST "\r\n",
    "GET /source?n=90000000 HTTP/1.1\r\n" HOST "\r\n",
    "GET /held?n=1000000 HTTP/1.1\r\n" HOST "\r\n",
    "POST /early HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
    "GET / HTTP/1.0\r\n\r\n",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (unsigned polite = 0; polite < 2; polite++) {
      AUTO_RAW r;
      raw_open(&r, &f);
      raw_say(&r, texts[i]);
      if (polite)
        tls_io_shutdown(&r.io);
    }
  AUTO_RAW never;
  raw_connect(&never, &f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lanes),
    cmocka_unit_test(test_keep_alive_is_one_connection),
    cmocka_unit_test(test_answer_head),
    cmocka_unit_test(test_pipelining),
    cmocka_unit_test(test_drip),
    cmocka_unit_test(test_chunked),
    cmocka_unit_test(test_continue),
    cmocka_unit_test(test_no_continue),
    cmocka_unit_test(test_unread_bodies),
    cmocka_unit_test(test_endless_unread_body),
    cmocka_unit_test(test_limits_of_bodies),
    cmocka_unit_test(test_bodyless_answers),
    cmocka_unit_test(test_big_answers),
    cmocka_unit_test(test_paths_are_raw),
    cmocka_unit_test(test_refusals_close),
    cmocka_unit_test(test_head_too_large),
    cmocka_unit_test(test_connection_close),
    cmocka_unit_test(test_handler_without_response),
    cmocka_unit_test(test_leaving),
  };
  return cmocka_run_group_tests(tests, start, end);
}
