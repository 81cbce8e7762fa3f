/* Held responses: written when the gate has passed, refused when it fails. Each test has its own
 * server: numbers only grow. */
#include "raw.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define NOTHING ((struct bytes){ 0 })
#define CLIENTS 8

static struct fixture *start(unsigned loops) {
  static struct fixture f;
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  conf.head_ms = 400;
  conf.loops = loops;
  conf.workers = 2;
  fixture_start(&f, conf);
  return &f;
}

static void ask(struct raw *r, const char *path, unsigned number) {
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "GET %s?n=%u HTTP/1.1\r\n" HOST "\r\n", path, number);
  raw_send(r, buf_bytes(&text));
}

static void test_order_of_numbers(void **state) {
  struct fixture *f = start(1);
  struct raw r[CLIENTS];
  (void)state;
  for (unsigned i = 0; i < CLIENTS; i++) {
    raw_open(&r[i], f);
    ask(&r[i], "/held", 1 + (i * 3) % CLIENTS); /* out of order */
  }
  raw_expect_silence(&r[0], 100);
  for (unsigned number = 1; number <= CLIENTS; number++) {
    http_gate_pass(f->app.gate, number);
    for (unsigned i = 0; i < CLIENTS; i++)
      if (1 + (i * 3) % CLIENTS == number)
        raw_expect(&r[i], 200, "let go");
      else if (1 + (i * 3) % CLIENTS > number)
        raw_expect_silence(&r[i], 5);
  }
  ask(&r[0], "/held", 1); /* has passed already */
  raw_expect(&r[0], 200, "let go");
  for (unsigned i = 0; i < CLIENTS; i++)
    raw_close(&r[i]);
  fixture_end(f);
}

static void test_pipelined_behind_a_held_one(void **state) {
  struct fixture *f = start(1);
  AUTO_RAW r;
  (void)state;
  raw_open(&r, f);
  ask(&r, "/held", 5);
  ask(&r, "/echo", 0);
  raw_expect_silence(&r, 100);
  http_gate_pass(f->app.gate, 5);
  raw_expect(&r, 200, "let go");
  raw_expect(&r, 200, "");
  raw_close(&r);
  fixture_end(f);
}

/* What waits its turn is not lost when a part of a record comes first. */
static void test_part_of_a_record_behind_a_held_one(void **state) {
  static const char part[] = { 0x17, 0x03, 0x03, 0x00, 0x40, 0x00, 0x00 };
  struct fixture *f = start(1);
  AUTO_RAW r;
  (void)state;
  raw_open(&r, f);
  AUTO_BUF two = BUF_EMPTY;
  buf_put_str(&two, "GET /held?n=5 HTTP/1.1\r\n" HOST "\r\nGET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_send(&r, buf_bytes(&two));
  raw_expect_silence(&r, 100);
  assert_int_equal(write(r.io.fd, part, sizeof part), sizeof part);
  usleep(50000);
  http_gate_pass(f->app.gate, 5);
  raw_expect(&r, 200, "let go");
  raw_expect(&r, 200, "");
  raw_close(&r);
  fixture_end(f);
}

static void test_failure(void **state) {
  struct fixture *f = start(2);
  AUTO_RAW low, high, higher, late;
  (void)state;
  raw_open(&low, f);
  raw_open(&high, f);
  raw_open(&higher, f);
  raw_open(&late, f);
  ask(&low, "/held", 4);
  ask(&high, "/held", 5);
  ask(&higher, "/heldstream", 6);
  ask(&late, "/held", 7);
  usleep(100000);
  http_gate_pass(f->app.gate, 4);
  http_gate_fail(f->app.gate, ERR_AUDIT, 5, 6);
  raw_expect(&low, 200, "let go");
  raw_expect(&high, 503, "ERR_AUDIT");
  raw_expect(&higher, 503, "ERR_AUDIT");
  raw_expect_silence(&late, 50);
  http_gate_pass(f->app.gate, 7);
  raw_expect(&late, 200, "let go");
  ask(&high, "/held", 5); /* failed for good */
  raw_expect(&high, 503, "ERR_AUDIT");
  ask(&high, "/heldstream", 6);
  raw_expect(&high, 503, "ERR_AUDIT");
  ask(&high, "/echo", 0); /* the connection lives on */
  raw_expect(&high, 200, "");
  raw_close(&low);
  raw_close(&high);
  raw_close(&higher);
  raw_close(&late);
  fixture_end(f);
}

static void test_failure_of_a_last_answer(void **state) {
  struct fixture *f = start(1);
  AUTO_RAW r;
  (void)state;
  raw_open(&r, f);
  raw_say(&r, "GET /held?n=1&close=1 HTTP/1.1\r\n" HOST "\r\n");
  usleep(100000);
  http_gate_fail(f->app.gate, ERR_AUDIT, 1, 1);
  AUTO_HTTP_REPLY reply;
  raw_reply(&r, HTTP_GET, &reply);
  assert_int_equal(reply.status, 503);
  assert_text(http_reply_header(&reply, "connection"), "close");
  raw_expect_close(&r);
  raw_close(&r);
  fixture_end(f);
}

/* An answer that a deadline makes is held like others. */
static void test_held_refusal(void **state) {
  struct fixture *f = start(1);
  AUTO_RAW r;
  (void)state;
  atomic_store(&f->app.hold_refusals, 7);
  raw_open(&r, f);
  raw_say(&r, "GET /echo HTT");
  while (atomic_load(&f->app.refusals) == 0)
    usleep(10000);
  usleep(200000);
  raw_expect_silence(&r, 100);
  http_gate_pass(f->app.gate, 7);
  raw_expect(&r, 408, "ERR_TIMEOUT");
  raw_close(&r);
  fixture_end(f);
}

static void test_held_stream(void **state) {
  struct fixture *f = start(1);
  AUTO_RAW r;
  (void)state;
  raw_open(&r, f);
  ask(&r, "/heldstream", 3);
  raw_expect_silence(&r, 100);
  http_gate_pass(f->app.gate, 3);
  raw_expect(&r, 200, "let go");
  raw_close(&r);
  fixture_end(f);
}

static void test_client_leaves(void **state) {
  struct fixture *f = start(1);
  AUTO_RAW gone, r;
  (void)state;
  raw_open(&gone, f);
  ask(&gone, "/held", 1);
  usleep(50000);
  raw_close(&gone);
  raw_open(&r, f);
  ask(&r, "/held", 2);
  usleep(50000);
  http_gate_pass(f->app.gate, 2);
  raw_expect(&r, 200, "let go");
  raw_close(&r);
  fixture_end(f);
}

/* Many at once, passing as a log that syncs in batches would: none is forgotten. */
struct load {
  struct fixture *f;
  _Atomic uint64_t *next;
};

static void *load_main(void *arg) {
  struct load *l = arg;
  AUTO(http_client) struct http_client *c = fixture_client(l->f);
  for (unsigned i = 0; i < 300; i++) {
    AUTO_HTTP_REPLY r = { 0 };
    char path[40];
    snprintf(path, sizeof path, "/held?n=%llu",
             (unsigned long long)atomic_fetch_add(l->next, 1) + 1);
    if (http_client_request(c, HTTP_GET, path, NOTHING, NOTHING, &r) != OK || r.status != 200)
      return NULL;
  }
  return arg;
}

static void test_load(void **state) {
  struct fixture *f = start(2);
  _Atomic uint64_t next = 0;
  struct load l = { f, &next };
  pthread_t threads[CLIENTS];
  (void)state;
  for (unsigned i = 0; i < CLIENTS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, load_main, &l), 0);
  while (atomic_load(&next) < CLIENTS * 300) {
    usleep(500);
    http_gate_pass(f->app.gate, atomic_load(&next));
  }
  http_gate_pass(f->app.gate, UINT64_MAX);
  for (unsigned i = 0; i < CLIENTS; i++) {
    void *ok;
    pthread_join(threads[i], &ok);
    assert_non_null(ok);
  }
  fixture_end(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_order_of_numbers),
    cmocka_unit_test(test_pipelined_behind_a_held_one),
    cmocka_unit_test(test_part_of_a_record_behind_a_held_one),
    cmocka_unit_test(test_failure),
    cmocka_unit_test(test_failure_of_a_last_answer),
    cmocka_unit_test(test_held_refusal),
    cmocka_unit_test(test_held_stream),
    cmocka_unit_test(test_client_leaves),
    cmocka_unit_test(test_load),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
