/* The proxy's parts by themselves: limits of sources, routes, backends, contexts. */
#include "scene.h"

#include "net/dial.h"
#include "transit/proxy/limit.h"
#include "transit/proxy/resolve.h"
#include "transit/proxy/route.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct net_address address(const char *text) {
  struct net_address a = { 0 };
  assert_true(net_address_parse(text, 1, &a));
  return a;
}

/* Limits. */

static enum limit_verdict take(struct limit *l, const char *from, uint64_t ms,
                               struct limit_source **source) {
  struct net_address a = address(from);
  return limit_take(l, &a, ms, source);
}

static void test_sources(void **state) {
  const struct limit_options o = { .per_source = 2 };
  AUTO(limit) struct limit *l = NULL;
  struct limit_source *s[6] = { 0 };
  (void)state;
  assert_ok(limit_new(&o, &l));
  assert_int_equal(take(l, "192.0.2.1", 0, &s[0]), LIMIT_OK);
  assert_int_equal(take(l, "192.0.2.1", 0, &s[1]), LIMIT_OK);
  assert_int_equal(take(l, "192.0.2.1", 0, &s[2]), LIMIT_COUNT);
  assert_null(s[2]);
  assert_int_equal(take(l, "192.0.2.2", 0, &s[2]), LIMIT_OK);
  assert_int_equal(take(l, "2001:db8::1", 0, &s[3]), LIMIT_OK);
  assert_int_equal(take(l, "2001:db8::ffff:1", 0, &s[4]), LIMIT_OK); /* the same /64 */
  assert_int_equal(take(l, "2001:db8::2", 0, &s[5]), LIMIT_COUNT);
  assert_int_equal(take(l, "2001:db8:0:1::1", 0, &s[5]), LIMIT_OK);
  assert_int_equal(limit_known(l), 4);
  limit_give(l, s[0]);
  assert_int_equal(take(l, "192.0.2.1", 0, &s[0]), LIMIT_OK);
  for (size_t i = 0; i < 6; i++)
    limit_give(l, s[i]);
  assert_int_equal(take(l, "192.0.2.9", 0, &s[0]), LIMIT_OK); /* who has left is forgotten */
  assert_int_equal(limit_known(l), 1);
  limit_give(l, s[0]);
}

static void test_rates(void **state) {
  static const struct {
    unsigned per_second, burst;
    uint64_t quiet_ms;
    unsigned taken; /* of 10,000 at once, after a first 10,000 and that time */
  } cases[] = {
    { 10, 0, 1000, 10 }, { 10, 0, 500, 5 },       { 10, 30, 60000, 30 },
    { 1, 1, 999, 0 },    { 3000, 0, 1000, 3000 }, { 3000, 0, 10, 30 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct limit_options o = { .per_second = cases[i].per_second, .burst = cases[i].burst };
    AUTO(limit) struct limit *l = NULL;
    unsigned taken[2] = { 0 };
    assert_ok(limit_new(&o, &l));
    for (unsigned j = 0; j < 20000; j++) {
      struct limit_source *s;
      if (take(l, "192.0.2.1", j < 10000 ? 5 : 5 + cases[i].quiet_ms, &s) == LIMIT_OK)
        taken[j / 10000]++;
      limit_give(l, s);
    }
    assert_int_equal(taken[0], o.burst ? o.burst : o.per_second);
    assert_int_equal(taken[1], cases[i].taken);
  }
}

/* Who has many addresses makes us remember no more than a bounded number. */
static void test_many_sources(void **state) {
  const struct limit_options o = { .per_second = 1, .burst = 2 };
  AUTO(limit) struct limit *l = NULL;
  char text[40];
  (void)state;
  assert_ok(limit_new(&o, &l));
  for (unsigned i = 0; i < 60000; i++) {
    struct limit_source *s;
    snprintf(text, sizeof text, "2001:db8:%x:%x::1", i >> 12, i & 0xfff);
    assert_int_equal(take(l, text, 1, &s), LIMIT_OK);
    limit_give(l, s);
  }
  assert_in_range(limit_known(l), 1000, 20000);
}

/* Backends. */

static void test_addresses(void **state) {
  static const char *const texts[] = { "/run/x", "127.0.0.1:1", "localhost:2" };
  AUTO(resolver) struct resolver *r = NULL;
  AUTO(addresses) struct addresses *a = NULL;
  unsigned target;
  (void)state;
  assert_ok(resolver_new(&r));
  assert_ok(resolver_add(r, texts, 3, true, &target));
  a = resolver_get(r, target);
  assert_non_null(a);
  assert_int_equal(a->count, 4); /* localhost is both families' */
  for (size_t i = 0; i < 4; i++)
    assert_true(address_is_local(&a->items[i]));
  assert_int_equal(a->items[0].socket.ss_family, AF_UNIX);
  assert_int_equal(a->items[3].socket.ss_family, AF_INET6);
}

static _Atomic unsigned changes;

static void on_change(void *ctx) {
  atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

/* "127.1" is a name to us, and known to the C library without a question. */
static void test_names(void **state) {
  static const char *const texts[] = { "127.1:80", "192.0.2.1:81" }, *const none[] = {
    "no.invalid:1"
  };
  AUTO(resolver) struct resolver *r = NULL;
  AUTO(addresses) struct addresses *a = NULL;
  unsigned target, lost;
  (void)state;
  assert_ok(resolver_new(&r));
  assert_err(resolver_add(r, texts, 2, true, &target), ERR_CONFIG);
  assert_ok(resolver_add(r, texts, 1, false, &target));
  assert_ok(resolver_add(r, none, 1, false, &lost));
  assert_null(resolver_get(r, target));
  assert_ok(resolver_start(r, on_change, &changes));
  for (unsigned ms = 0; !(a = resolver_get(r, target)) && ms < 10000; ms++)
    usleep(1000);
  assert_non_null(a);
  assert_int_equal(a->count, 1);
  assert_true(address_is_local(&a->items[0]));
  assert_null(resolver_get(r, lost));
}

/* Application protocols. */

struct offer {
  const char *server[2], *client[2];
  size_t server_count, client_count;
  const char *agreed;
  enum tls_failure failure;
};

static enum tls_io_result both(struct tls_io *a, struct tls_io *b) {
  enum tls_io_result ra = TLS_IO_WANT_READ, rb = TLS_IO_WANT_READ;
  for (int i = 0; i < 20 && (ra == TLS_IO_WANT_READ || rb == TLS_IO_WANT_READ); i++) {
    if (ra == TLS_IO_WANT_READ)
      ra = tls_io_handshake(a);
    if (rb == TLS_IO_WANT_READ)
      rb = tls_io_handshake(b);
  }
  return rb;
}

static void agree(const struct scene *s, const struct offer *o) {
  AUTO(tls) struct tls *server = NULL, *client = NULL;
  struct tls_io a, b;
  struct tls_facts facts;
  const char *detail;
  int fds[2];
  struct tls_mutual so = { .server = true,
                           .chain_pem = buf_bytes(&s->server.chain_pem),
                           .key = s->server.key,
                           .ca_pem = buf_bytes(&s->pki.root_pem),
                           .alpn = o->server,
                           .alpn_count = o->server_count };
  struct tls_mutual co = so;
  co.server = false;
  co.alpn = o->client;
  co.alpn_count = o->client_count;
  assert_ok(tls_mutual(&so, &server));
  assert_ok(tls_mutual(&co, &client));
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  assert_ok(tls_io_open(&a, client, fds[0], "server.example", "server.example"));
  assert_ok(tls_io_accept(&b, server, fds[1]));
  enum tls_io_result r = both(&a, &b);
  if (o->failure) {
    assert_int_equal(r, TLS_IO_FAILED);
    assert_int_equal(tls_io_failure(&b, &detail), o->failure);
  } else {
    assert_int_equal(r, TLS_IO_OK);
    tls_io_facts(&b, &facts);
    assert_text(facts.alpn, o->agreed);
    assert_string_equal(facts.name, "server.example");
    assert_string_equal(facts.version, "TLSv1.3");
  }
  tls_io_close(&a);
  tls_io_close(&b);
}

static void test_protocols(void **state) {
  static const struct offer offers[] = {
    { { "a", "b" }, { "x", "b" }, 2, 2, "b", TLS_FAILURE_NONE },
    { { "a", "b" }, { "b", "a" }, 2, 2, "b", TLS_FAILURE_NONE },
    { { "a" }, { "x" }, 1, 1, "", TLS_FAILURE_PROTOCOL },
    { { "a" }, { "aa", "" }, 1, 1, "", TLS_FAILURE_PROTOCOL },
    { { 0 }, { "x" }, 0, 1, "", TLS_FAILURE_NONE },
    { { "a" }, { 0 }, 1, 0, "", TLS_FAILURE_NONE },
  };
  struct scene s;
  (void)state;
  scene_init(&s);
  for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
    agree(&s, &offers[i]);
  scene_free(&s);
}

static void test_wrong_contexts(void **state) {
  static const uint8_t junk[] = { 0x30, 0x03, 0x02, 0x01 };
  const struct bytes lists[] = { bytes_of(junk, sizeof junk) };
  struct scene s;
  struct tls *t = NULL;
  (void)state;
  scene_init(&s);
  const struct tls_mutual good = { .chain_pem = buf_bytes(&s.server.chain_pem),
                                   .key = s.server.key,
                                   .ca_pem = buf_bytes(&s.pki.root_pem) };
  struct tls_mutual o = good;
  o.key = s.client.key;
  assert_err(tls_mutual(&o, &t), ERR_CONFIG);
  o = good;
  o.ca_pem = bytes_str("nothing");
  assert_err(tls_mutual(&o, &t), ERR_CONFIG);
  o = good;
  o.chain_pem = bytes_str("nothing");
  assert_err(tls_mutual(&o, &t), ERR_CONFIG);
  o = good;
  o.revocation = true;
  o.lists = lists;
  o.list_count = 1;
  assert_err(tls_mutual(&o, &t), ERR_CONFIG);
  scene_free(&s);
}

static int init(void **state) {
  (void)state;
  scene_crypto();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sources),        cmocka_unit_test(test_rates),
    cmocka_unit_test(test_many_sources),   cmocka_unit_test(test_addresses),
    cmocka_unit_test(test_names),          cmocka_unit_test(test_protocols),
    cmocka_unit_test(test_wrong_contexts),
  };
  return cmocka_run_group_tests(tests, init, NULL);
}
