/* Who gets through a proxy, and what those are told who do not. */
#include "scene.h"

#include "base/clock.h"
#include "crypto/x509.h"
#include "net/listen.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <unistd.h>

static struct scene s;

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

static int stop(void **state) {
  (void)state;
  scene_stop(&s);
  return 0;
}

/* Nothing reaches the backend, and the client knows that it failed. */
static struct told refused(struct tls *tls, const char *name) {
  AUTO_PEER p;
  size_t n = scene_ends(&s);
  if (peer_open(&p, s.port, tls, name))
    peer_expect_cut(&p); /* TLS 1.3: a client is done before the server has looked at it */
  struct told t = scene_end(&s, n);
  assert_false(plain_waits(s.backend, 50));
  return t;
}

static struct told refused_as(const struct pki *pki, const struct identity_spec *spec) {
  AUTO_IDENTITY i = { 0 };
  AUTO(tls) struct tls *tls = NULL;
  struct pki mixed = *pki;
  mixed.root_pem = s.pki.root_pem; /* whom the client trusts is another matter */
  assert_ok(pki_issue(pki, spec, &i));
  assert_ok(pki_tls(&mixed, &i, false, NULL, &tls));
  return refused(tls, NULL);
}

static void expect_failure(struct told t, enum tls_failure f) {
  if (t.failure != f)
    fail_msg("%s (%s) instead of %s", tls_failure_name(t.failure), t.why, tls_failure_name(f));
  assert_int_equal(t.end, PROXY_END_HANDSHAKE);
  assert_int_equal(t.received, 0);
  assert_string_equal(t.backend, "");
}

static void test_certificates(void **state) {
  const struct {
    const struct pki *pki;
    struct identity_spec spec;
    enum tls_failure failure;
  } cases[] = {
    { &s.foreign, { .dns = "client.example" }, TLS_FAILURE_UNTRUSTED },
    { &s.pki, { .dns = "client.example", .from = -7200, .until = -3600 }, TLS_FAILURE_EXPIRED },
    { &s.pki, { .dns = "client.example", .from = 3600, .until = 7200 }, TLS_FAILURE_NOT_YET },
    { &s.pki, { .dns = "client.example", .eku = EKU_SERVER_AUTH }, TLS_FAILURE_PURPOSE },
  };
  (void)state;
  scene_start(&s, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    expect_failure(refused_as(cases[i].pki, &cases[i].spec), cases[i].failure);
    assert_int_equal(scene_stats(&s).failures[cases[i].failure], 1);
  }
  assert_int_equal(scene_stats(&s).handshakes, 0);
}

/* A certificate that is good, but of somebody else. */
static void test_not_admitted(void **state) {
  (void)state;
  scene_start(&s, NULL);
  struct told t = refused_as(&s.pki, &(struct identity_spec){ .dns = "other.example" });
  assert_int_equal(t.end, PROXY_END_DENIED);
  assert_int_equal(t.failure, TLS_FAILURE_NOT_ADMITTED);
  assert_string_equal(t.identity, "other.example");
}

static void admit_nobody(struct proxy_options *o) {
  static struct proxy_route route;
  route = o->routes[0];
  route.peers = (struct proxy_peers){ 0 };
  o->routes = &route;
}

static void admit_any(struct proxy_options *o) {
  admit_nobody(o);
  ((struct proxy_route *)o->routes)->peers.any = true;
}

static void test_nobody_and_any(void **state) {
  (void)state;
  scene_start(&s, admit_nobody);
  assert_int_equal(refused(s.client_tls, NULL).end, PROXY_END_DENIED);
  scene_stop(&s);
  scene_start(&s, admit_any);
  AUTO_PEER p;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "hello");
  plain_expect(b, "hello");
  peer_close(&p);
  close(b);
  assert_string_equal(scene_end(&s, 0).identity, "client.example");
  expect_failure(refused_as(&s.foreign, &(struct identity_spec){ .dns = "client.example" }),
                 TLS_FAILURE_UNTRUSTED);
}

static void test_no_certificate(void **state) {
  AUTO(tls) struct tls *tls = NULL;
  (void)state;
  scene_start(&s, NULL);
  assert_ok(tls_client(buf_bytes(&s.pki.root_pem), &tls));
  expect_failure(refused(tls, NULL), TLS_FAILURE_NO_CERTIFICATE);
}

/* Revocation lists: good, with the client on it, out of date, of nobody; and with its issuer on the
 * root's. */
static void test_revocation(void **state) {
  static const struct {
    bool listed, missing, issuer;
    int64_t until;
    enum tls_failure failure;
  } cases[] = {
    { .issuer = true, .until = 3600, .failure = TLS_FAILURE_REVOKED },
    { .until = 3600, .failure = TLS_FAILURE_NONE },
    { .listed = true, .until = 3600, .failure = TLS_FAILURE_REVOKED },
    { .until = -60, .failure = TLS_FAILURE_LIST },
    { .missing = true, .failure = TLS_FAILURE_LIST },
  };
  (void)state;
  scene_start(&s, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_BUF list = BUF_EMPTY;
    AUTO(tls) struct tls *tls = NULL;
    AUTO_PEER p = { TLS_IO_CLOSED };
    size_t n = scene_ends(&s);
    s.pki.ca_revoked = cases[i].issuer;
    assert_ok(pki_list(cases[i].missing ? &s.foreign : &s.pki, cases[i].listed ? &s.client : NULL,
                       cases[i].until, &list));
    assert_ok(pki_tls(&s.pki, &s.server, true, &list, &tls));
    proxy_use_tls(s.proxy, tls);
    if (cases[i].failure) {
      expect_failure(refused(s.client_tls, NULL), cases[i].failure);
      continue;
    }
    assert_true(peer_open(&p, s.port, s.client_tls, NULL));
    int b = plain_accept(s.backend);
    peer_close(&p);
    close(b);
    scene_end(&s, n);
  }
}

/* OpenSSL's own client, for what ours does not do. */
static void test_old_version(void **state) {
  static const int versions[] = { TLS1_1_VERSION, TLS1_2_VERSION };
  (void)state;
  scene_start(&s, NULL);
  for (size_t i = 0; i < 2; i++) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int fd = plain_connect(s.port);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(ctx, versions[i]);
    SSL_CTX_set_max_proto_version(ctx, versions[i]);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    assert_true(SSL_connect(ssl) <= 0);
    expect_failure(scene_end(&s, i), TLS_FAILURE_VERSION);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
  }
  assert_false(plain_waits(s.backend, 50));
}

static void test_not_tls(void **state) {
  static const char *const texts[] = { "GET / HTTP/1.1\r\n\r\n", "EHLO mail.example\r\n",
                                       "CONNECT a:1 HTTP/1.1\r\n\r\n" };
  (void)state;
  scene_start(&s, NULL);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int fd = plain_connect(s.port);
    plain_say(fd, texts[i]);
    expect_failure(scene_end(&s, i), TLS_FAILURE_NOT_TLS);
    close(fd);
  }
  int fd = plain_connect(s.port);
  close(fd);
  expect_failure(scene_end(&s, 3), TLS_FAILURE_CLOSED);
  assert_false(plain_waits(s.backend, 50));
}

/* Names: what is asked for picks the backend, and who may use it. */

static int other_backend;
static char other_address[64];

static void by_name(struct proxy_options *o) {
  static const char *const patterns[] = { "client.example" }, *const others[] = { "nobody" };
  static const char *first[1], *second[1];
  static struct proxy_route routes[4];
  first[0] = o->routes[0].backends[0];
  second[0] = other_address;
  const struct proxy_peers peers = { patterns, 1, false }, strangers = { others, 1, false };
  routes[0] = (struct proxy_route){ "first.example", first, 1, peers, NULL };
  routes[1] = (struct proxy_route){ ".second.example", second, 1, peers, NULL };
  routes[2] = (struct proxy_route){ "x.second.example", first, 1, peers, NULL };
  routes[3] = (struct proxy_route){ "closed.example", first, 1, strangers, NULL };
  o->routes = routes;
  o->route_count = 4;
}

static void test_names(void **state) {
  const struct {
    const char *name;
    int *backend; /* NULL: none */
    enum proxy_end end;
  } cases[] = {
    { "first.example", &s.backend, PROXY_END_CUT },
    { "FIRST.example", &s.backend, PROXY_END_CUT },
    { "a.b.second.example", &other_backend, PROXY_END_CUT },
    { "x.second.example", &s.backend, PROXY_END_CUT },
    { "second.example", NULL, PROXY_END_NAME },
    { "third.example", NULL, PROXY_END_NAME },
    { "a.first.example", NULL, PROXY_END_NAME },
    { "closed.example", NULL, PROXY_END_DENIED },
    { NULL, NULL, PROXY_END_NAME },
  };
  (void)state;
  assert_ok(listen_tcp("127.0.0.1:0", &other_backend));
  snprintf(other_address, sizeof other_address, "127.0.0.1:%u", listen_port(other_backend));
  scene_start(&s, by_name);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_PEER p = { TLS_IO_CLOSED };
    if (!cases[i].backend) {
      struct told told = refused(s.client_tls, cases[i].name);
      assert_int_equal(told.end, cases[i].end);
      assert_string_equal(told.sni, cases[i].name ? cases[i].name : "");
      if (told.end == PROXY_END_NAME)
        assert_non_null(strstr(told.why, cases[i].name ? "not served here" : "no name"));
      continue;
    }
    assert_true(peer_open(&p, s.port, s.client_tls, cases[i].name));
    int b = plain_accept(*cases[i].backend);
    close(p.io.fd);
    p.io.fd = -1;
    close(b);
    assert_string_equal(scene_end(&s, i).sni, cases[i].name);
  }
  close(other_backend);
}

/* The other way round: whom a client proxy takes for its server. */

static struct tls *remote_tls;
static const char *expected_name;
static char remote_address[64];

static void beside(struct proxy_options *o) {
  static const char *backends[1];
  static struct proxy_route route;
  backends[0] = remote_address;
  route =
    (struct proxy_route){ .backends = backends, .backend_count = 1, .server_name = expected_name };
  o->mode = PROXY_CLIENT;
  o->routes = &route;
}

static enum tls_io_result serve_handshake(int listener, struct tls_io *io) {
  enum tls_io_result r;
  int fd = plain_accept(listener);
  assert_ok(tls_io_accept(io, remote_tls, fd));
  do
    r = tls_io_handshake(io);
  while (r == TLS_IO_WANT_READ);
  return r;
}

static const struct {
  struct identity_spec spec;
  const char *name;
  enum { OURS, FOREIGN, WARY } who; /* the last: ours, but it trusts others */
  enum tls_failure failure;
  enum proxy_end end;
} servers[] = {
  { { .dns = "server.example" }, "server.example", OURS, TLS_FAILURE_NONE, PROXY_END_CUT },
  { { .dns = "server.example" }, "server.example", WARY, TLS_FAILURE_REFUSED, PROXY_END_HANDSHAKE },
  { { .dns = "server.example" },
    "other.example",
    OURS,
    TLS_FAILURE_WRONG_NAME,
    PROXY_END_HANDSHAKE },
  { { .dns = "server.example" },
    "server.example",
    FOREIGN,
    TLS_FAILURE_UNTRUSTED,
    PROXY_END_HANDSHAKE },
  { { .dns = "server.example", .eku = EKU_CLIENT_AUTH },
    "server.example",
    OURS,
    TLS_FAILURE_PURPOSE,
    PROXY_END_HANDSHAKE },
  { { .uri = "spiffe://x/a" }, "spiffe://x/a", OURS, TLS_FAILURE_NONE, PROXY_END_CUT },
  { { .uri = "spiffe://x/ab" }, "spiffe://x/a", OURS, TLS_FAILURE_NOT_ADMITTED, PROXY_END_DENIED },
  { { .dns = "server.example" }, "spiffe://x/a", OURS, TLS_FAILURE_NOT_ADMITTED, PROXY_END_DENIED },
};

static void test_servers(void **state) {
  int remote;
  (void)state;
  assert_ok(listen_tcp("127.0.0.1:0", &remote));
  snprintf(remote_address, sizeof remote_address, "127.0.0.1:%u", listen_port(remote));
  for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
    AUTO_IDENTITY id = { 0 };
    struct tls_io io = TLS_IO_CLOSED;
    struct pki pki = servers[i].who == FOREIGN ? s.foreign : s.pki;
    if (servers[i].who == WARY)
      pki.root_pem = s.foreign.root_pem;
    assert_ok(pki_issue(&pki, &servers[i].spec, &id));
    assert_ok(pki_tls(&pki, &id, FOREIGN, NULL, &remote_tls));
    expected_name = servers[i].name;
    scene_start(&s, beside);
    int fd = plain_connect(s.port);
    plain_say(fd, "secret");
    enum tls_io_result r = serve_handshake(remote, &io);
    assert_int_equal(r, servers[i].failure ? TLS_IO_FAILED : TLS_IO_OK);
    tls_io_close(&io);
    plain_expect_reset(fd);
    struct told t = scene_end(&s, 0);
    assert_int_equal(t.end, servers[i].end);
    assert_int_equal(t.failure, servers[i].failure);
    close(fd);
    scene_stop(&s);
    tls_free(remote_tls);
  }
  close(remote);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_certificates, stop),
    cmocka_unit_test_teardown(test_not_admitted, stop),
    cmocka_unit_test_teardown(test_nobody_and_any, stop),
    cmocka_unit_test_teardown(test_no_certificate, stop),
    cmocka_unit_test_teardown(test_revocation, stop),
    cmocka_unit_test_teardown(test_old_version, stop),
    cmocka_unit_test_teardown(test_not_tls, stop),
    cmocka_unit_test_teardown(test_names, stop),
    cmocka_unit_test_teardown(test_servers, stop),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
