/*
 * Allocations that fail, one after the other: while a proxy is made, and in the loop that serves a
 * connection (started when its certificate is judged, and by a test's own connection). A connection
 * fails or it does not, and the proxy lives on; that nothing is lost is for the leak checker to
 * see.
 */
#include "scene.h"

#include "crypto/cert_match.h"
#include "fault/oom.h"

#include <stdatomic.h>
#include <unistd.h>

static struct scene s;
static _Atomic unsigned long fail_at; /* of the next connection; 0: nothing fails */
static _Atomic bool failed;

static int begin(void **state) {
  (void)state;
  scene_init(&s);
  return 0;
}

static int end(void **state) {
  (void)state;
  scene_free(&s);
  return 0;
}

static void test_making(void **state) {
  static const char *const listen[] = { "127.0.0.1:0" }, *const patterns[] = { "client.example" };
  static const char *const backends[] = { "127.0.0.1:1", "localhost:2" };
  static const char *const balancers[] = { "192.0.2.0/24" };
  const struct proxy_route route = { .backends = backends,
                                     .backend_count = 2,
                                     .peers = { patterns, 1, false } };
  const struct proxy_options o = { .service = "test",
                                   .listen = listen,
                                   .listen_count = 1,
                                   .routes = &route,
                                   .route_count = 1,
                                   .front = "postgres",
                                   .header_from = balancers,
                                   .header_from_count = 1,
                                   .loops = 2 };
  (void)state;
  for (unsigned long n = 1;; n++) {
    AUTO(proxy) struct proxy *p = NULL;
    oom_start(n, OOM_ONE);
    err_t e = proxy_new(&o, s.server_tls, &p);
    if (!oom_stop()) {
      assert_ok(e);
      break;
    }
    if (e != OK)
      assert_err(e, ERR_NOMEM);
  }
}

static void test_contexts(void **state) {
  AUTO_BUF list = BUF_EMPTY;
  static const char *const protocols[] = { "a", "b" };
  (void)state;
  assert_ok(pki_list(&s.pki, NULL, 3600, &list));
  const struct bytes lists[] = { buf_bytes(&list) };
  const struct tls_mutual o = { .server = true,
                                .chain_pem = buf_bytes(&s.server.chain_pem),
                                .key = s.server.key,
                                .ca_pem = buf_bytes(&s.pki.root_pem),
                                .revocation = true,
                                .lists = lists,
                                .list_count = 1,
                                .alpn = protocols,
                                .alpn_count = 2 };
  bool more = true;
  for (unsigned long n = 1; more; n = n < 500 ? n + 1 : n + 7) {
    AUTO(tls) struct tls *t = NULL;
    oom_start(n, OOM_ONE);
    err_t e = tls_mutual(&o, &t);
    more = oom_stop();
    if (!more)
      assert_ok(e);
  }
}

/* Called by the loop in the middle of a handshake: from here on, in that thread. */
const char *__wrap_cert_match(const struct cert_info *info, const char *const *patterns,
                              size_t count);
const char *__real_cert_match(const struct cert_info *info, const char *const *patterns,
                              size_t count);

const char *__wrap_cert_match(const struct cert_info *info, const char *const *patterns,
                              size_t count) {
  unsigned long n = atomic_load(&fail_at);
  const char *match = __real_cert_match(info, patterns, count);
  if (n)
    oom_start(n, OOM_ONE);
  return match;
}

static void (*told_end)(void *ctx, const struct proxy_ended *e);

static void on_end(void *ctx, const struct proxy_ended *e) {
  bool did = oom_stop();
  if (atomic_load(&fail_at))
    atomic_store(&failed, did);
  told_end(ctx, e);
}

static void one_loop(struct proxy_options *o) {
  o->loops = 1;
  told_end = o->ended;
  o->ended = on_end;
}

/* A connection with a certificate that was not seen before, so that it is judged. */
static void serve_one(unsigned long n) {
  AUTO_IDENTITY fresh = { 0 };
  AUTO(tls) struct tls *tls = NULL;
  AUTO_PEER p;
  size_t ends = scene_ends(&s);
  assert_ok(pki_issue(&s.pki, &(struct identity_spec){ .dns = "client.example" }, &fresh));
  assert_ok(pki_tls(&s.pki, &fresh, false, NULL, &tls));
  atomic_store(&failed, false);
  atomic_store(&fail_at, n);
  size_t size = 0;
  if (peer_open(&p, s.port, tls, NULL))
    IGNORE(tls_io_write(&p.io, "hello", 5, &size) == TLS_IO_OK ? OK : ERR_IO);
  while (scene_ends(&s) == ends && !plain_waits(s.backend, 1))
    ;
  int b = plain_waits(s.backend, 0) ? plain_accept(s.backend) : -1;
  peer_close(&p);
  scene_end(&s, ends);
  if (b >= 0)
    close(b);
  atomic_store(&fail_at, 0);
}

static void test_serving(void **state) {
  bool more = true;
  (void)state;
  scene_start(&s, one_loop);
  unsigned long n = 0;
  while (more && n < 400) {
    serve_one(++n);
    more = atomic_load(&failed);
  }
  assert_false(more);
  assert_true(n > 20); /* that many allocations there are */
  AUTO_PEER p;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "still there");
  plain_expect(b, "still there");
  close(b);
  scene_stop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_making),
    cmocka_unit_test(test_contexts),
    cmocka_unit_test(test_serving),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
