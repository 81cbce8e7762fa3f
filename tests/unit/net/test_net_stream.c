/* The streaming lane: large bodies both ways, back-pressure, broken answers. */
#include "raw.h"

#include <stdio.h>
#include <unistd.h>

static struct fixture f;

#define HOST "Host: localhost\r\n"
#define NOTHING ((struct bytes){ 0 })
#define LARGE (64u * 1024 * 1024)

static int start(void **state) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  (void)state;
  conf.loops = 1;
  conf.workers = 3;
  fixture_start(&f, conf);
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_end(&f);
  return 0;
}

static void check_pattern(const struct buf *b, size_t size) {
  assert_int_equal(b->size, size);
  for (size_t i = 0; i < size; i++)
    if (b->data[i] != test_byte(i))
      fail_msg("byte %zu is wrong", i);
}

static void test_down(void **state) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  (void)state;
  for (unsigned length = 0; length < 2; length++) {
    AUTO_HTTP_REPLY r = { 0 };
    char path[60];
    snprintf(path, sizeof path, "/source?n=%u&length=%u", LARGE, length);
    assert_ok(http_client_request(c, HTTP_GET, path, NOTHING, NOTHING, &r));
    assert_int_equal(r.status, 200);
    assert_int_equal(http_reply_header(&r, "content-length").data != NULL, length);
    check_pattern(&r.body, LARGE);
  }
}

static void test_up(void **state) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  AUTO_BUF body = BUF_EMPTY;
  AUTO_HTTP_REPLY r = { 0 };
  (void)state;
  assert_true(buf_reserve(&body, LARGE));
  memset(body.data, 'x', LARGE);
  body.size = LARGE;
  assert_ok(http_client_request(c, HTTP_POST, "/sink", NOTHING, buf_bytes(&body), &r));
  assert_int_equal(r.status, 200);
  assert_text(buf_bytes(&r.body), "67108864");
}

static void test_up_chunked(void **state) {
  AUTO_RAW r;
  AUTO_BUF chunk = BUF_EMPTY;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "POST /sink HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
  for (unsigned i = 1; i <= 3000; i++) { /* of all sizes, over all borders of records */
    buf_clear(&chunk);
    buf_printf(&chunk, "%x\r\n", i);
    for (unsigned j = 0; j < i; j++)
      buf_put_char(&chunk, 'x');
    buf_put_str(&chunk, "\r\n");
    raw_send(&r, buf_bytes(&chunk));
  }
  raw_say(&r, "0\r\n\r\n");
  raw_expect(&r, 200, "4501500");
}

/* Both ways at once: what goes in comes out while more goes in. */
static void test_both_ways(void **state) {
  AUTO_RAW r;
  AUTO_BUF piece = BUF_EMPTY;
  (void)state;
  for (size_t i = 0; i < 10000; i++)
    buf_put_char(&piece, (char)test_byte(i));
  raw_open(&r, &f);
  raw_say(&r, "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
  raw_send(&r, buf_bytes(&piece));
  uint8_t first;
  size_t n = 0;
  for (;;) { /* an answer begins although the request has not ended */
    uint64_t budget_us = 60000000;
    enum tls_io_result e = tls_io_read(&r.io, &first, 1, &n);
    if (e == TLS_IO_OK)
      break;
    assert_ok(tls_io_wait(&r.io, e, &budget_us));
  }
  buf_put(&r.in, &first, 1);
  for (size_t i = 1; i < 100; i++)
    raw_send(&r, buf_bytes(&piece));
  AUTO_HTTP_REPLY reply;
  raw_reply(&r, HTTP_POST, &reply);
  assert_int_equal(reply.body.size, 1000000);
  for (size_t i = 0; i < 1000000; i++)
    assert_int_equal(reply.body.data[i], test_byte(i % 10000));
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 200, "");
}

static long resident(void) {
  long all = 0, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &all, &pages), 2);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

/* A client that does not read stops the handler, not the server: nothing piles up in memory, and
 * others are served. */
static void test_back_pressure_down(void **state) {
  AUTO_RAW r;
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  AUTO_HTTP_REPLY other = { 0 }, reply;
  (void)state;
  raw_open(&r, &f);
  long before = resident();
  raw_say(&r, "GET /source?n=67108864 HTTP/1.1\r\n" HOST "\r\n");
  usleep(300000);
  assert_true(resident() - before < 16 * 1024 * 1024);
  assert_ok(http_client_request(c, HTTP_POST, "/slow", NOTHING, bytes_str("abc"), &other));
  assert_int_equal(other.status, 200);
  raw_reply(&r, HTTP_GET, &reply);
  check_pattern(&reply.body, LARGE);
}

static void test_back_pressure_up(void **state) {
  AUTO_RAW r;
  AUTO_BUF piece = BUF_EMPTY;
  size_t sent = 0, n;
  (void)state;
  for (size_t i = 0; i < 16384; i++)
    buf_put_char(&piece, 'x');
  raw_open(&r, &f);
  /* The handler writes what it reads; nobody reads that; so it reads no more. */
  raw_say(&r, "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 1000000000\r\n\r\n");
  while (raw_push(&r, buf_bytes(&piece), &n))
    sent += n;
  assert_true(sent < 100000000);
}

static void test_broken_answers(void **state) {
  static const char *const paths[] = { "/source?n=100000&broken=1",
                                       "/source?n=100000&broken=1&length=1" };
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    AUTO(http_client) struct http_client *c = fixture_client(&f);
    AUTO_HTTP_REPLY r = { 0 };
    err_t e = http_client_request(c, HTTP_GET, paths[i], NOTHING, NOTHING, &r);
    if (i == 0) /* all bytes were there, but not the end */
      assert_int_equal(e, ERR_IO);
    AUTO_HTTP_REPLY next = { 0 };
    assert_ok(http_client_request(c, HTTP_GET, "/echo", NOTHING, NOTHING, &next));
  }
}

/* A response that a streaming handler leaves without http_write() is an ordinary one, and the body
 * that it did not read is thrown away. */
static void test_not_streamed(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "GET /source?n=0 HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 200, "");
  raw_say(&r, "POST /source?n=5 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
  AUTO_HTTP_REPLY reply;
  raw_reply(&r, HTTP_POST, &reply);
  check_pattern(&reply.body, 5);
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 200, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_down),
    cmocka_unit_test(test_up),
    cmocka_unit_test(test_up_chunked),
    cmocka_unit_test(test_both_ways),
    cmocka_unit_test(test_back_pressure_down),
    cmocka_unit_test(test_back_pressure_up),
    cmocka_unit_test(test_broken_answers),
    cmocka_unit_test(test_not_streamed),
  };
  return cmocka_run_group_tests(tests, start, end);
}
