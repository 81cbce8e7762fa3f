/*
 * Allocations that fail, one after the other: in the server's loop (started by the head of a
 * request, ended when the request is done), and in the client. A request fails or it does not, and
 * the server lives on; that nothing is lost is for the leak checker to see.
 */
#include "raw.h"

#include "fault/oom.h"

#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define NOTHING ((struct bytes){ 0 })

static struct fixture f;
static enum http_lane (*app_head)(void *ctx, struct http_exchange *x);
static void (*app_done)(void *ctx, struct http_exchange *x);
static _Atomic unsigned long fail_at; /* of the next request; 0: nothing fails */
static _Atomic bool failed;

static enum http_lane failing_head(void *ctx, struct http_exchange *x) {
  enum http_lane lane = app_head(ctx, x);
  unsigned long n = atomic_load(&fail_at);
  if (n)
    oom_start(n, OOM_ONE);
  return lane;
}

static void failing_done(void *ctx, struct http_exchange *x) {
  bool did = oom_stop();
  if (atomic_load(&fail_at))
    atomic_store(&failed, did);
  app_done(ctx, x);
}

static int start(void **state) {
  bool locked;
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  (void)state;
  conf.loops = 1;
  conf.workers = 1;
  assert_ok(crypto_init(1 << 20, &locked));
  assert_ok(test_app_init(&f.app));
  app_head = f.app.app.head;
  app_done = f.app.app.done;
  f.app.app.head = failing_head;
  f.app.app.done = failing_done;
  assert_ok(test_app_start(&f.app, conf, NULL));
  assert_ok(tls_client(buf_bytes(&f.app.ca_pem), &f.tls));
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_end(&f);
  return 0;
}

static void works(void) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  AUTO_HTTP_REPLY r = { 0 };
  assert_ok(http_client_request(c, HTTP_POST, "/echo", NOTHING, bytes_str("abc"), &r));
  assert_int_equal(r.status, 200);
}

/* What the client sees may come before the server is done. */
static void await_done(void) {
  for (unsigned i = 0; i < 10000 && atomic_load(&f.app.dones) != atomic_load(&f.app.heads); i++)
    usleep(1000);
  assert_int_equal(f.app.dones, f.app.heads);
}

static void fill(struct buf *b, size_t size) {
  assert_true(buf_reserve(b, size));
  memset(b->data, 'x', size);
  b->size = size;
}

static void test_server(void **state) {
  static const char *const paths[] = { "/echo", "/slow", "/early", "/big?n=50000", "/nowhere" };
  AUTO_BUF body = BUF_EMPTY;
  (void)state;
  fill(&body, 50000);
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
    bool more = true;
    for (unsigned long n = 1; more; n++) {
      AUTO(http_client) struct http_client *c = fixture_client(&f);
      AUTO_HTTP_REPLY r = { 0 };
      bool has_body = i < 2;
      atomic_store(&failed, false);
      atomic_store(&fail_at, n);
      err_t e = http_client_request(c, HTTP_POST, paths[i], NOTHING,
                                    has_body ? buf_bytes(&body) : NOTHING, &r);
      await_done();
      more = atomic_load(&failed);
      atomic_store(&fail_at, 0);
      works();
      if (e == OK && r.status == 200 && has_body)
        assert_int_equal(r.body.size, body.size);
      if (!more)
        assert_ok(e);
    }
  }
}

/* Most of the thousands of allocations are OpenSSL's own, reading certificates: after the first
 * 500, every seventh. */
static unsigned long next(unsigned long n) {
  return n < 500 ? n + 1 : n + 7;
}

static void test_client(void **state) {
  (void)state;
  bool more = true;
  for (unsigned long n = 1; more; n = next(n)) {
    AUTO(http_client) struct http_client *c = NULL;
    AUTO(tls) struct tls *tls = NULL;
    AUTO_HTTP_REPLY r = { 0 };
    oom_start(n, OOM_ONE);
    err_t e = tls_client(buf_bytes(&f.app.ca_pem), &tls);
    if (e == OK)
      e = http_client_new(f.app.url, tls, 10000, &c);
    if (e == OK)
      e = http_client_request(c, HTTP_POST, "/echo", NOTHING, bytes_str("abc"), &r);
    more = oom_stop();
    if (!more || e == OK) {
      assert_ok(e);
      assert_int_equal(r.status, 200);
      assert_text(buf_bytes(&r.body), "abc");
    }
  }
}

static void test_setup(void **state) {
  const char *const listen[] = { "127.0.0.1:0" };
  bool more = true;
  (void)state;
  for (unsigned long n = 1; more; n = next(n)) {
    AUTO(tls) struct tls *tls = NULL;
    AUTO(http_gate) struct http_gate *gate = NULL;
    AUTO(http_server) struct http_server *s = NULL;
    struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
    conf.listen = listen;
    conf.listen_count = 1;
    oom_start(n, OOM_ONE);
    err_t e = test_app_tls(&f.app, &tls);
    if (e == OK)
      e = http_gate_new(&gate);
    if (e == OK)
      e = http_server_new(&conf, &f.app.app, gate, tls, &s);
    if (e == OK)
      e = http_server_start(s);
    more = oom_stop();
    if (!more)
      assert_ok(e);
    if (s)
      http_server_stop(s, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_server),
    cmocka_unit_test(test_client),
    cmocka_unit_test(test_setup),
  };
  return cmocka_run_group_tests(tests, start, end);
}
