/* Deadlines, and limits on what clients can make grow. */
#include "raw.h"

#include "base/clock.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define NOTHING ((struct bytes){ 0 })

static struct fixture f;

static struct http_server_conf hasty(void) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  conf.loops = 1;
  conf.workers = 2;
  conf.handshake_ms = conf.head_ms = conf.body_ms = conf.write_ms = 400;
  conf.idle_ms = 3000;
  conf.queue_ms = 1500;
  conf.max_connections = 20;
  conf.max_queue = 3;
  return conf;
}

static int start(void **state) {
  (void)state;
  fixture_start(&f, hasty());
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_end(&f);
  return 0;
}

/* Others are served at once while something is slow. */
static void others_are_served(void) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  AUTO_HTTP_REPLY r = { 0 };
  assert_ok(http_client_request(c, HTTP_GET, "/echo", NOTHING, NOTHING, &r));
  assert_int_equal(r.status, 200);
}

static void test_handshake(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_connect(&r, &f);
  others_are_served();
  usleep(1000000);
  assert_int_not_equal(tls_io_handshake(&r.io), TLS_IO_OK);
  uint64_t budget_us = 1000000;
  enum tls_io_result e;
  while ((e = tls_io_handshake(&r.io)) == TLS_IO_WANT_READ)
    assert_ok(tls_io_wait(&r.io, e, &budget_us));
  assert_int_equal(e, TLS_IO_FAILED);
}

static void test_head(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_open(&r, &f);
  raw_say(&r, "GET /echo HTTP/1.1\r\nHo");
  others_are_served();
  raw_expect(&r, 408, "ERR_TIMEOUT");
  raw_expect_close(&r);
}

/* Bytes that come now and then do not move the deadline of the head. */
static void test_slow_head(void **state) {
  static const char text[] = "GET /echo HTTP/1.1\r\n" HOST "X: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  AUTO_RAW r;
  uint64_t start_us = clock_mono_us();
  (void)state;
  raw_open(&r, &f);
  for (size_t i = 0; i < sizeof text - 1; i++) {
    size_t n;
    if (tls_io_write(&r.io, text + i, 1, &n) != TLS_IO_OK)
      break;
    usleep(50000);
    if (tls_io_pending(&r.io) || clock_mono_us() - start_us > 2000000)
      break;
  }
  raw_expect(&r, 408, "ERR_TIMEOUT");
  raw_expect_close(&r);
}

static void test_body(void **state) {
  static const char *const paths[] = { "/echo", "/slow", "/sink" };
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    AUTO_RAW r;
    AUTO_BUF text = BUF_EMPTY;
    buf_printf(&text, "POST %s HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", paths[i]);
    raw_open(&r, &f);
    raw_send(&r, buf_bytes(&text));
    others_are_served();
    raw_expect(&r, 408, "ERR_TIMEOUT");
    raw_expect_close(&r);
  }
}

static void test_idle(void **state) {
  AUTO_RAW fresh, used;
  (void)state;
  raw_open(&fresh, &f);
  raw_open(&used, &f);
  raw_say(&used, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&used, 200, "");
  raw_expect_close(&fresh);
  raw_expect_close(&used);
}

/* A client that does not read its answer. */
static void test_write(void **state) {
  static const char *const paths[] = { "/big?n=30000000", "/source?n=30000000" };
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    AUTO_RAW r;
    AUTO_BUF text = BUF_EMPTY;
    struct http_server_stats stats;
    buf_printf(&text, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
    raw_open(&r, &f);
    raw_send(&r, buf_bytes(&text));
    uint64_t patience = clock_mono_us() + 60000000;
    do {
      usleep(50000);
      http_server_stats(f.app.server, &stats);
    } while (stats.connections > 0 && clock_mono_us() < patience);
    assert_int_equal(stats.connections, 0);
  }
}

static void await_connections(uint64_t count) {
  struct http_server_stats stats;
  uint64_t patience = clock_mono_us() + 60000000;
  do {
    usleep(20000);
    http_server_stats(f.app.server, &stats);
  } while (stats.connections != count && clock_mono_us() < patience);
  assert_int_equal(stats.connections, count);
}

static void test_max_connections(void **state) {
  struct raw r[20];
  AUTO_RAW refused, next;
  (void)state;
  await_connections(0);
  for (unsigned i = 0; i < 20; i++) {
    raw_open(&r[i], &f);
    raw_say(&r[i], "GET /sleep?ms=1 HTTP/1.1\r\n"); /* unfinished heads keep them open */
  }
  usleep(50000); /* the last one is idle until it has come */
  raw_connect(&refused, &f);
  uint64_t budget_us = 5000000;
  enum tls_io_result e;
  while ((e = tls_io_handshake(&refused.io)) == TLS_IO_WANT_READ || e == TLS_IO_WANT_WRITE)
    assert_ok(tls_io_wait(&refused.io, e, &budget_us));
  assert_int_equal(e, TLS_IO_FAILED);
  for (unsigned i = 0; i < 20; i++)
    raw_close(&r[i]);
  await_connections(0);
  raw_open(&next, &f);
  raw_say(&next, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&next, 200, "");
}

static void test_idle_makes_room(void **state) {
  struct raw r[20];
  AUTO_RAW next;
  (void)state;
  await_connections(0);
  for (unsigned i = 0; i < 20; i++) {
    raw_open(&r[i], &f);
    raw_say(&r[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    raw_expect(&r[i], 200, "");
  }
  usleep(1300000);                          /* who was idle for less is not put out */
  raw_say(&r[0], "GET /echo HTTP/1.1\r\n"); /* the first, but not idle any more */
  usleep(20000);
  raw_open(&next, &f);
  raw_say(&next, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&next, 200, "");
  raw_say(&r[0], HOST "\r\n");
  raw_expect(&r[0], 200, "");
  raw_expect_close(&r[1]);
  raw_say(&r[2], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r[2], 200, "");
  for (unsigned i = 0; i < 20; i++)
    raw_close(&r[i]);
}

/* Some clients take a header that comes twice for "1, 1". */
static unsigned count_of(const struct buf *headers, const char *name) {
  struct bytes rest = buf_bytes(headers), line;
  unsigned n = 0;
  while (rest.data) {
    rest = bytes_split(rest, '\n', &line);
    n += bytes_starts(line, name);
  }
  return n;
}

static void test_busy(void **state) {
  struct raw r[8];
  unsigned slept = 0, busy = 0;
  (void)state;
  for (unsigned i = 0; i < 8; i++) {
    raw_open(&r[i], &f);
    raw_say(&r[i], "GET /sleep?ms=500 HTTP/1.1\r\n" HOST "\r\n");
    usleep(20000);
  }
  others_are_served();
  for (unsigned i = 0; i < 8; i++) {
    AUTO_HTTP_REPLY reply;
    raw_reply(&r[i], HTTP_GET, &reply);
    slept += reply.status == 200;
    if (reply.status == 503) {
      busy++;
      assert_text(buf_bytes(&reply.body), "ERR_BUSY");
      assert_text(http_reply_header(&reply, "retry-after"), "1");
      assert_int_equal(count_of(&reply.headers, "retry-after"), 1);
      raw_say(&r[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* the connection is kept */
      raw_expect(&r[i], 200, "");
    }
    raw_close(&r[i]);
  }
  assert_int_equal(slept, 5); /* two at work, three waiting */
  assert_int_equal(busy, 3);
}

static void say_sleep(struct raw *r, unsigned ms) {
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "GET /sleep?ms=%u HTTP/1.1\r\n" HOST "\r\n", ms);
  raw_open(r, &f);
  raw_send(r, buf_bytes(&text));
  usleep(20000);
}

/* Those who hung up while they waited for a worker leave their places to others. */
static void test_left_while_queued(void **state) {
  struct raw r[8];
  (void)state;
  await_connections(0);
  for (unsigned i = 0; i < 5; i++)
    say_sleep(&r[i], i < 2 ? 1200 : 1000);
  for (unsigned i = 2; i < 5; i++)
    raw_close(&r[i]);
  await_connections(2);
  for (unsigned i = 5; i < 8; i++)
    say_sleep(&r[i], 1);
  for (unsigned i = 0; i < 8; i++)
    if (i < 2 || i >= 5) {
      raw_expect(&r[i], 200, "slept");
      raw_close(&r[i]);
    }
}

static void test_queued_for_long(void **state) {
  struct raw r[3];
  (void)state;
  uint64_t start_us = clock_mono_us();
  for (unsigned i = 0; i < 3; i++)
    say_sleep(&r[i], 3000);
  raw_expect(&r[2], 503, "ERR_BUSY");
  assert_in_range(clock_mono_us() - start_us, 1500000, 2800000);
  raw_say(&r[2], "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* the connection is kept */
  raw_expect(&r[2], 200, "");
  raw_expect(&r[0], 200, "slept"); /* what has begun may last */
  for (unsigned i = 0; i < 3; i++)
    raw_close(&r[i]);
}

static uint64_t cpu_us(void) {
  struct rusage u;
  assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
  return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Out of descriptors, new clients wait; nothing spins meanwhile; later they are served. */
static void test_out_of_descriptors(void **state) {
  AUTO_RAW r;
  struct rlimit before, tight;
  (void)state;
  await_connections(0);
  int next = dup(0);
  close(next);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  tight = before;
  tight.rlim_cur = (rlim_t)next + 1; /* one more, which the client takes */
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  raw_connect(&r, &f);
  uint64_t cpu = cpu_us();
  usleep(300000);
  assert_in_range(cpu_us() - cpu, 0, 100000);
  await_connections(0);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  raw_handshake(&r);
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 200, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_handshake),
    cmocka_unit_test(test_head),
    cmocka_unit_test(test_slow_head),
    cmocka_unit_test(test_body),
    cmocka_unit_test(test_idle),
    cmocka_unit_test(test_write),
    cmocka_unit_test(test_busy),
    cmocka_unit_test(test_idle_makes_room),
    cmocka_unit_test(test_left_while_queued),
    cmocka_unit_test(test_queued_for_long),
    cmocka_unit_test(test_max_connections),
    cmocka_unit_test(test_out_of_descriptors),
  };
  return cmocka_run_group_tests(tests, start, end);
}
