/* Start, certificate reload, stop; TLS settings; what the client says when it fails. */
#include "raw.h"

#include "base/clock.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"
#define NOTHING ((struct bytes){ 0 })

static struct fixture f;

static int start(void **state) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  (void)state;
  conf.loops = 2;
  conf.workers = 3;
  fixture_start(&f, conf);
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_end(&f);
  return 0;
}

static err_t ask_for(struct http_client *c, enum http_method m, const char *path, int *status) {
  AUTO_HTTP_REPLY r = { 0 };
  TRY(http_client_request(c, m, path, NOTHING, NOTHING, &r));
  *status = r.status;
  return OK;
}

static err_t get(struct http_client *c, const char *path, int *status) {
  return ask_for(c, HTTP_GET, path, status);
}

/* Under a new authority, so that who trusts only the old one can tell which certificate is served.
 */
static void test_reload(void **state) {
  AUTO(http_client) struct http_client *open = fixture_client(&f), *stale = fixture_client(&f);
  AUTO(http_client) struct http_client *next = NULL;
  AUTO(tls) struct tls *server = NULL, *client = NULL;
  struct test_app other;
  int status;
  (void)state;
  assert_ok(get(open, "/echo", &status));
  assert_ok(test_app_init(&other));
  assert_ok(test_app_tls(&other, &server));
  assert_ok(tls_client(buf_bytes(&other.ca_pem), &client));
  test_app_free(&other);
  http_server_reload(f.app.server, server);
  assert_ok(get(open, "/echo", &status)); /* lives on */
  assert_int_equal(status, 200);
  assert_int_equal(get(stale, "/echo", &status), ERR_IO);
  assert_non_null(strstr(err_last()->why, "not trusted"));
  assert_ok(http_client_new(f.app.url, client, 10000, &next));
  assert_ok(get(next, "/echo", &status));
}

/* What has a copy of a connection's socket keeps it open, not watched: a sanitizer would see it. */
static void test_fork(void **state) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  AUTO_RAW r;
  int go[2], status;
  (void)state;
  raw_open(&r, &f);
  assert_int_equal(pipe(go), 0);
  pid_t child = fork();
  if (child == 0)
    _exit(close(go[1]) != 0 || read(go[0], &status, 1) != 0);
  close(go[0]);
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
  raw_expect(&r, 200, "");
  raw_expect_close(&r);
  shutdown(r.io.fd, SHUT_WR); /* an event, which lasts */
  for (int i = 0; i < 8; i++)
    assert_ok(get(c, "/echo", &status));
  close(go[1]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

struct asking {
  struct http_client *client;
  const char *path;
  int status;
  err_t e;
};

static void *ask(void *arg) {
  struct asking *a = arg;
  a->e = get(a->client, a->path, &a->status);
  return NULL;
}

static void *stop(void *arg) {
  http_server_stop(f.app.server, 10000);
  return arg;
}

static void test_graceful_stop(void **state) {
  AUTO_RAW idle, half, reader;
  AUTO(http_client) struct http_client *c = fixture_client(&f), *late = fixture_client(&f);
  struct asking a = { .client = c, .path = "/sleep?ms=600" };
  pthread_t thread, stopper;
  int status;
  (void)state;
  raw_open(&idle, &f);
  raw_open(&half, &f);
  raw_say(&half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nabc");
  raw_open(&reader, &f);
  raw_say(&reader, "GET /source?n=20000000&length=1 HTTP/1.1\r\n" HOST "\r\n");
  assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
  usleep(200000);
  assert_int_equal(pthread_create(&stopper, NULL, stop, NULL), 0);
  usleep(100000);
  raw_expect_close(&idle);
  assert_int_equal(get(late, "/echo", &status), ERR_IO);
  assert_non_null(strstr(err_last()->why, "connection refused by 127.0.0.1:"));
  raw_say(&half, "def"); /* under way: finished */
  AUTO_HTTP_REPLY reply, big;
  raw_reply(&half, HTTP_POST, &reply);
  assert_int_equal(reply.status, 200);
  assert_text(http_reply_header(&reply, "connection"), "close");
  raw_expect_close(&half);
  raw_reply(&reader, HTTP_GET, &big);
  assert_int_equal(big.body.size, 20000000);
  raw_close(&reader);
  pthread_join(thread, NULL);
  assert_ok(a.e);
  assert_int_equal(a.status, 200);
  pthread_join(stopper, NULL);
}

/* What does not end by itself is cut off after the grace time. */
static void test_cut(void **state) {
  AUTO_RAW half, held, held_stream, sink, source, unread;
  (void)state;
  raw_open(&half, &f);
  raw_open(&held, &f);
  raw_open(&held_stream, &f);
  raw_open(&sink, &f);
  raw_open(&source, &f);
  raw_open(&unread, &f);
  raw_say(&half, "GET /echo HTT");
  raw_say(&held, "GET /held?n=1000 HTTP/1.1\r\n" HOST "\r\n");
  raw_say(&held_stream, "GET /heldstream?n=1000 HTTP/1.1\r\n" HOST "\r\n");
  raw_say(&sink, "POST /sink HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\na");
  raw_say(&source, "GET /source?n=900000000 HTTP/1.1\r\n" HOST "\r\n");
  raw_say(&unread, "GET /big?n=30000000 HTTP/1.1\r\n" HOST "\r\n");
  usleep(200000);
  uint64_t start_us = clock_mono_us();
  http_server_stop(f.app.server, 300);
  assert_in_range(clock_mono_us() - start_us, 300000, 60000000);
}

static void test_never_started(void **state) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  const char *const addresses[] = { "127.0.0.1:0", "[::1]:0" };
  AUTO(tls) struct tls *tls = NULL;
  AUTO(http_server) struct http_server *s = NULL;
  (void)state;
  conf.listen = addresses;
  conf.listen_count = 2;
  assert_ok(test_app_tls(&f.app, &tls));
  assert_ok(http_server_new(&conf, &f.app.app, NULL, tls, &s));
  assert_int_not_equal(http_server_port(s, 0), 0);
  assert_int_not_equal(http_server_port(s, 1), 0);
}

static void test_addresses(void **state) {
  static const char *const wrong[] = {
    "",      "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "::1", "localhost:8443",
    "[::1]", "[::1:8443", "[]:8443",     "192.0.2.1:0"
  };
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
    AUTO(tls) struct tls *tls = NULL;
    AUTO(http_server) struct http_server *s = NULL;
    conf.listen = &wrong[i];
    conf.listen_count = 1;
    assert_ok(test_app_tls(&f.app, &tls));
    assert_int_not_equal(http_server_new(&conf, &f.app.app, NULL, tls, &s), OK);
    assert_null(s);
  }
}

static void test_ipv6(void **state) {
  struct test_app app;
  AUTO(tls) struct tls *tls = NULL;
  AUTO(http_client) struct http_client *c = NULL;
  char url[64];
  int status;
  (void)state;
  assert_ok(test_app_init(&app));
  assert_ok(test_app_start(&app, HTTP_SERVER_CONF_DEFAULT, "[::1]:0"));
  assert_ok(tls_client(buf_bytes(&app.ca_pem), &tls));
  snprintf(url, sizeof url, "https://[::1]:%u/", app.port);
  assert_ok(http_client_new(url, tls, 10000, &c));
  assert_ok(get(c, "/echo", &status));
  assert_int_equal(status, 200);
  test_app_stop(&app, 1000);
  test_app_free(&app);
}

/* The certificate names localhost and 127.0.0.1. */
static void test_names(void **state) {
  AUTO(http_client) struct http_client *named = NULL, *other = NULL;
  AUTO(tls) struct tls *no_roots = NULL;
  char url[64];
  int status;
  (void)state;
  snprintf(url, sizeof url, "https://localhost:%u", f.app.port);
  assert_ok(http_client_new(url, f.tls, 10000, &named));
  assert_ok(get(named, "/echo", &status));
  snprintf(url, sizeof url, "https://127.0.0.2:%u", f.app.port);
  assert_ok(http_client_new(url, f.tls, 10000, &other));
  assert_int_equal(get(other, "/echo", &status), ERR_IO);
  assert_int_equal(tls_client(bytes_str("no certificate"), &no_roots), ERR_CONFIG);
}

static void test_client_urls(void **state) {
  static const char *const wrong[] = { "http://a",       "https://",        "a",
                                       "https://a/b",    "https://a?b",     "https://u@a",
                                       "https://a:b",    "https://a:65536", "https://[::1",
                                       "https://[::1]x", "https://a b",     "https:///" };
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    AUTO(http_client) struct http_client *c = NULL;
    assert_int_equal(http_client_new(wrong[i], f.tls, 1000, &c), ERR_USAGE);
  }
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  int status;
  assert_int_equal(get(c, "/a b", &status), ERR_USAGE);
  assert_int_equal(get(c, "/a\r\nX: y", &status), ERR_USAGE);
}

static void test_client_reconnects(void **state) {
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  int status;
  (void)state;
  assert_ok(get(c, "/echo", &status));
  http_server_stop(f.app.server, 1000);
  http_server_free(TAKE(f.app.server));
  assert_int_equal(get(c, "/echo", &status), ERR_IO);
  char address[32];
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  snprintf(address, sizeof address, "127.0.0.1:%u", f.app.port);
  assert_ok(test_app_start(&f.app, conf, address)); /* the same port again, at once */
  assert_ok(get(c, "/echo", &status));
  http_server_stop(f.app.server, 1000);
  http_server_free(TAKE(f.app.server));
  assert_ok(test_app_start(&f.app, conf, address));
  assert_ok(get(c, "/echo", &status)); /* the kept connection was closed meanwhile */
  http_server_stop(f.app.server, 1000);
  http_server_free(TAKE(f.app.server));
  assert_ok(test_app_start(&f.app, conf, address));
  assert_ok(ask_for(c, HTTP_POST, "/echo", &status)); /* nothing had been sent on it */
}

/* What may have been done is done again only where that is the same. */
static void test_client_repeats(void **state) {
  static const struct {
    enum http_method method;
    unsigned times;
  } cases[] = {
    { HTTP_GET, 2 }, { HTTP_PUT, 2 }, { HTTP_DELETE, 2 }, { HTTP_POST, 1 }, { HTTP_PATCH, 1 }
  };
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  int status;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_ok(get(c, "/echo", &status));
    uint64_t before = atomic_load(&f.app.heads);
    assert_int_equal(ask_for(c, cases[i].method, "/drop", &status), ERR_IO);
    assert_int_equal(atomic_load(&f.app.heads) - before, cases[i].times);
  }
}

static void test_client_timeout(void **state) {
  AUTO(http_client) struct http_client *c = NULL;
  int status;
  (void)state;
  assert_ok(http_client_new(f.app.url, f.tls, 200, &c));
  assert_ok(get(c, "/echo", &status));
  uint64_t before = atomic_load(&f.app.heads);
  assert_int_equal(get(c, "/sleep?ms=1000", &status), ERR_IO);
  assert_non_null(strstr(err_last()->why, "did not answer within 200 ms"));
  assert_int_equal(f.app.heads, before + 1); /* a slow request is not sent again */
  assert_ok(get(c, "/echo", &status));
}

/* TLS settings, seen from a client that would take anything. */
static bool shakes_hands(int min, int max, const char *suites, const char *groups,
                         const char *protocol) {
  AUTO_RAW r;
  raw_connect(&r, &f);
  SSL *ssl = (SSL *)r.io.ssl;
  SSL_set_security_level(ssl, 0);
  SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
  assert_int_equal(SSL_set_min_proto_version(ssl, min), 1);
  assert_int_equal(SSL_set_max_proto_version(ssl, max), 1);
  assert_int_equal(SSL_set_cipher_list(ssl, suites), 1);
  assert_int_equal(SSL_set1_groups_list(ssl, groups), 1);
  if (protocol)
    assert_int_equal(
      SSL_set_alpn_protos(ssl, (const uint8_t *)protocol, (unsigned)strlen(protocol)), 0);
  uint64_t budget_us = 5000000;
  enum tls_io_result e;
  while ((e = tls_io_handshake(&r.io)) == TLS_IO_WANT_READ || e == TLS_IO_WANT_WRITE)
    assert_ok(tls_io_wait(&r.io, e, &budget_us));
  return e == TLS_IO_OK;
}

static void test_tls_settings(void **state) {
  static const char all[] = "ALL:COMPLEMENTOFALL", usual[] = "X25519:P-256:P-384:P-521";
  (void)state;
  assert_true(shakes_hands(TLS1_2_VERSION, TLS1_3_VERSION, all, usual, NULL));
  assert_true(shakes_hands(TLS1_3_VERSION, TLS1_3_VERSION, all, usual, NULL));
  assert_true(shakes_hands(TLS1_2_VERSION, TLS1_2_VERSION, all, usual, NULL));
  assert_false(shakes_hands(TLS1_VERSION, TLS1_1_VERSION, all, usual, NULL));
  assert_true(shakes_hands(TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+AESGCM", usual, NULL));
  assert_true(shakes_hands(TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+CHACHA20", usual, NULL));
  assert_false(
    shakes_hands(TLS1_2_VERSION, TLS1_2_VERSION, "AES128-SHA:AES256-GCM-SHA384", usual, NULL));
  assert_false(shakes_hands(TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+AES+SHA1", usual, NULL));
  assert_true(shakes_hands(TLS1_3_VERSION, TLS1_3_VERSION, all, "P-256", NULL));
  assert_false(shakes_hands(TLS1_3_VERSION, TLS1_3_VERSION, all, "P-521", NULL));
  assert_true(shakes_hands(TLS1_2_VERSION, TLS1_3_VERSION, all, usual, "\x02h2\x08http/1.1"));
  assert_false(shakes_hands(TLS1_2_VERSION, TLS1_3_VERSION, all, usual, "\x02h2"));
}

static void test_no_renegotiation_no_tickets(void **state) {
  AUTO_RAW r;
  (void)state;
  raw_connect(&r, &f);
  SSL *ssl = (SSL *)r.io.ssl;
  SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
  SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
  raw_handshake(&r);
  assert_false(SSL_SESSION_has_ticket(SSL_get_session(ssl)));
  assert_int_equal(SSL_renegotiate(ssl), 1);
  uint64_t budget_us = 5000000;
  enum tls_io_result e;
  while ((e = tls_io_handshake(&r.io)) == TLS_IO_WANT_READ || e == TLS_IO_WANT_WRITE)
    assert_ok(tls_io_wait(&r.io, e, &budget_us));
  assert_int_equal(e, TLS_IO_FAILED);
}

/* A client that has the server make new keys for ever does not keep it from others. */
static void test_key_updates(void **state) {
  AUTO_RAW r;
  AUTO(http_client) struct http_client *c = fixture_client(&f);
  int status;
  (void)state;
  raw_open(&r, &f);
  for (unsigned i = 0; i < 500; i++) {
    assert_int_equal(SSL_key_update((SSL *)r.io.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake((SSL *)r.io.ssl), 1);
  }
  assert_ok(get(c, "/echo", &status));
  raw_say(&r, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
  raw_expect(&r, 200, "");
}

static void test_plain_http(void **state) {
  AUTO_RAW r;
  struct http_server_stats before, after;
  char byte;
  (void)state;
  http_server_stats(f.app.server, &before);
  raw_connect(&r, &f);
  uint64_t budget_us = 5000000;
  assert_ok(tls_io_wait(&r.io, TLS_IO_WANT_WRITE, &budget_us));
  assert_int_equal(write(r.io.fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
  while (read(r.io.fd, &byte, 1) != 0)
    if (tls_io_wait(&r.io, TLS_IO_WANT_READ, &budget_us) != OK)
      fail_msg("plain HTTP is not hung up on");
  http_server_stats(f.app.server, &after);
  assert_int_equal(after.handshake_failures, before.handshake_failures + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_reload, start, end),
    cmocka_unit_test_setup_teardown(test_fork, start, end),
    cmocka_unit_test_setup_teardown(test_graceful_stop, start, end),
    cmocka_unit_test_setup_teardown(test_cut, start, end),
    cmocka_unit_test_setup_teardown(test_never_started, start, end),
    cmocka_unit_test_setup_teardown(test_addresses, start, end),
    cmocka_unit_test_setup_teardown(test_ipv6, start, end),
    cmocka_unit_test_setup_teardown(test_names, start, end),
    cmocka_unit_test_setup_teardown(test_client_urls, start, end),
    cmocka_unit_test_setup_teardown(test_client_reconnects, start, end),
    cmocka_unit_test_setup_teardown(test_client_repeats, start, end),
    cmocka_unit_test_setup_teardown(test_client_timeout, start, end),
    cmocka_unit_test_setup_teardown(test_tls_settings, start, end),
    cmocka_unit_test_setup_teardown(test_no_renegotiation_no_tickets, start, end),
    cmocka_unit_test_setup_teardown(test_key_updates, start, end),
    cmocka_unit_test_setup_teardown(test_plain_http, start, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
