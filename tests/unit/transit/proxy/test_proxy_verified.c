/*
 * Chains that were found valid are not verified again (net/tls_verified.h): how often OpenSSL is
 * asked, and when it has to be. Both ends are in this process, with a socket between them.
 */
#include "scene.h"

#include "base/clock.h"

#include <sys/socket.h>

#define ROUNDS 64

static struct pki pki;
static struct identity server, client, other;
static struct buf list; /* nobody is on it */
static struct tls *client_tls, *other_tls;

static unsigned asked; /* X509_verify_cert, of the server's side */
static int64_t moved;  /* how far the clock is on */
static const void *judging;

struct x509_store_ctx_st;
int __real_X509_verify_cert(struct x509_store_ctx_st *ctx);
int __wrap_X509_verify_cert(struct x509_store_ctx_st *ctx);
int __wrap_X509_verify_cert(struct x509_store_ctx_st *ctx) {
  asked += judging != NULL;
  return __real_X509_verify_cert(ctx);
}
int64_t __real_clock_real(void);
int64_t __wrap_clock_real(void);
int64_t __wrap_clock_real(void) {
  return __real_clock_real() + moved;
}

static struct tls *server_of(const struct buf *l) {
  struct tls *t;
  assert_ok(pki_tls(&pki, &server, true, l, &t));
  return t;
}

static struct tls *client_of(const struct identity *i) {
  struct tls *t;
  assert_ok(pki_tls(&pki, i, false, NULL, &t));
  return t;
}

static int begin(void **state) {
  const struct identity_spec names[] = { { .dns = "server.example" },
                                         { .dns = "client.example" },
                                         { .dns = "other.example" } };
  (void)state;
  scene_crypto();
  assert_ok(pki_init(&pki));
  assert_ok(pki_issue(&pki, &names[0], &server));
  assert_ok(pki_issue(&pki, &names[1], &client));
  assert_ok(pki_issue(&pki, &names[2], &other));
  assert_ok(pki_list(&pki, NULL, 1000, &list));
  client_tls = client_of(&client);
  other_tls = client_of(&other);
  return 0;
}

static int end(void **state) {
  (void)state;
  tls_free(client_tls);
  tls_free(other_tls);
  identity_free(&server);
  identity_free(&client);
  identity_free(&other);
  buf_free(&list);
  pki_free(&pki);
  return 0;
}

struct both {
  struct tls_io server, client;
};
static void both_close(struct both *b) {
  tls_io_close(&b->server);
  tls_io_close(&b->client);
}
#define AUTO_BOTH __attribute__((cleanup(both_close))) struct both

/* Whether the server's handshake went well, with the client that was meant for host. */
static bool meet(struct tls *s, struct tls *c, const char *host, struct both *b) {
  enum tls_io_result r = TLS_IO_WANT_READ, rc = TLS_IO_WANT_READ;
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  b->client = TLS_IO_CLOSED;
  assert_ok(tls_io_accept(&b->server, s, ends[0]));
  assert_ok(tls_io_open(&b->client, c, ends[1], host, NULL));
  for (int i = 0; i < ROUNDS && r != TLS_IO_FAILED && rc != TLS_IO_FAILED; i++) {
    if (rc != TLS_IO_OK)
      rc = tls_io_handshake(&b->client);
    judging = b;
    if (r != TLS_IO_OK)
      r = tls_io_handshake(&b->server);
    judging = NULL;
  }
  return r == TLS_IO_OK && rc == TLS_IO_OK;
}

static void passes(struct tls *s, struct tls *c) {
  AUTO_BOTH b;
  assert_true(meet(s, c, "server.example", &b));
}

static void fails(struct tls *s, struct tls *c, enum tls_failure expected) {
  AUTO_BOTH b;
  const char *detail;
  assert_false(meet(s, c, "server.example", &b));
  assert_int_equal(tls_io_failure(&b.server, &detail), expected);
}

static void asked_since(unsigned *before, unsigned times) {
  assert_int_equal(asked - *before, times);
  *before = asked;
}

static void test_same_peer(void **state) {
  AUTO(tls) struct tls *s = server_of(&list);
  unsigned n = asked;
  (void)state;
  passes(s, client_tls);
  asked_since(&n, 1);
  passes(s, client_tls);
  passes(s, client_tls);
  asked_since(&n, 0);
  passes(s, other_tls); /* another peer of the same authority */
  asked_since(&n, 1);
  passes(s, client_tls);
  passes(s, other_tls);
  asked_since(&n, 0);
}

static void test_another_context(void **state) {
  AUTO(tls) struct tls *s = server_of(&list), *next = server_of(&list);
  unsigned n = asked;
  (void)state;
  passes(s, client_tls);
  passes(next, client_tls);
  asked_since(&n, 2);
}

/* The list ends first, the certificates in a day. */
static void test_until(void **state) {
  static const struct {
    int64_t moved;
    unsigned asked;
  } steps[] = { { 0, 1 }, { 900, 0 }, { 1001, 1 }, { 900, 1 }, { -10, 1 }, { 0, 0 } };
  AUTO(tls) struct tls *s = server_of(&list);
  unsigned n = asked;
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    moved = steps[i].moved;
    passes(s, client_tls);
    asked_since(&n, steps[i].asked);
  }
  moved = 0;
}

static void test_without_lists(void **state) {
  AUTO(tls) struct tls *s = server_of(NULL);
  unsigned n = asked;
  (void)state;
  passes(s, client_tls);
  moved = 80000;
  passes(s, client_tls);
  asked_since(&n, 1);
  moved = 90000; /* the certificates have ended */
  passes(s, client_tls);
  asked_since(&n, 1);
  moved = 0;
}

static void test_refused(void **state) {
  const struct identity_spec spec = { .dns = "client.example", .from = -200, .until = -100 };
  AUTO_IDENTITY old = { 0 };
  AUTO_BUF revoking = BUF_EMPTY;
  unsigned n = asked;
  (void)state;
  assert_ok(pki_issue(&pki, &spec, &old));
  assert_ok(pki_list(&pki, &client, 1000, &revoking));
  AUTO(tls) struct tls *expired = client_of(&old), *s = server_of(&revoking);
  for (int i = 0; i < 3; i++) {
    fails(s, expired, TLS_FAILURE_EXPIRED);
    fails(s, client_tls, TLS_FAILURE_REVOKED);
  }
  asked_since(&n, 6);
  passes(s, other_tls);
}

/* Connections that were not verified again are found on a new list, too. */
static void test_revoked_later(void **state) {
  AUTO(tls) struct tls *s = server_of(&list);
  AUTO_BUF revoking = BUF_EMPTY;
  AUTO_BOTH first, second, third;
  (void)state;
  assert_true(meet(s, client_tls, "server.example", &first));
  assert_true(meet(s, client_tls, "server.example", &second));
  assert_true(meet(s, other_tls, "server.example", &third));
  assert_ok(pki_list(&pki, &client, 1000, &revoking));
  AUTO(tls) struct tls *next = server_of(&revoking);
  assert_true(tls_io_revoked(&first.server, next));
  assert_true(tls_io_revoked(&second.server, next));
  assert_false(tls_io_revoked(&third.server, next));
  assert_false(tls_io_revoked(&second.server, s));
}

/* What each connection shows as its peer's, and that it outlives the context. */
static void test_certificate(void **state) {
  struct tls *s = server_of(&list);
  AUTO_BOTH first, second, third;
  AUTO_BUF one = BUF_EMPTY, two = BUF_EMPTY, three = BUF_EMPTY;
  (void)state;
  assert_true(meet(s, client_tls, "server.example", &first));
  assert_true(meet(s, client_tls, "server.example", &second));
  assert_true(meet(s, other_tls, "server.example", &third));
  tls_free(s);
  assert_ok(tls_io_peer(&first.server, &one));
  both_close(&first);
  first = (struct both){ TLS_IO_CLOSED, TLS_IO_CLOSED };
  assert_ok(tls_io_peer(&second.server, &two));
  assert_ok(tls_io_peer(&third.server, &three));
  assert_bytes(buf_bytes(&two), buf_bytes(&one));
  assert_false(bytes_equal(buf_bytes(&three), buf_bytes(&one)));
}

/* A context that is replaced during a handshake lives as long as that. */
static void test_replaced(void **state) {
  struct tls *s = server_of(&list);
  struct tls_io io, peer;
  int ends[2];
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  assert_ok(tls_io_accept(&io, s, ends[0]));
  assert_ok(tls_io_open(&peer, client_tls, ends[1], "server.example", NULL));
  tls_free(s);
  enum tls_io_result r = TLS_IO_WANT_READ;
  for (int i = 0; i < ROUNDS && r == TLS_IO_WANT_READ; i++) {
    tls_io_handshake(&peer);
    r = tls_io_handshake(&io);
  }
  assert_int_equal(r, TLS_IO_OK);
  assert_null(io.tls);
  tls_io_close(&io);
  tls_io_close(&peer);
}

/* A client's verdict depends on whom it wants. */
static void test_clients(void **state) {
  AUTO(tls) struct tls *s = server_of(&list);
  AUTO_BOTH good, bad;
  (void)state;
  assert_true(meet(s, client_tls, "server.example", &good));
  assert_false(meet(s, client_tls, "elsewhere.example", &bad));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_same_peer),   cmocka_unit_test(test_another_context),
    cmocka_unit_test(test_until),       cmocka_unit_test(test_without_lists),
    cmocka_unit_test(test_refused),     cmocka_unit_test(test_revoked_later),
    cmocka_unit_test(test_certificate), cmocka_unit_test(test_replaced),
    cmocka_unit_test(test_clients),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
