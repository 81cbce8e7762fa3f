/* What passes through a proxy: bytes in both directions, their ends, and what was cut. */
#include "scene.h"

#include "net/dial.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct scene s;

static int begin(void **state) {
  (void)state;
  scene_init(&s);
  scene_start(&s, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  scene_free(&s);
  return 0;
}

/* A client proxy beside the peers, whose server is the scene's proxy. */
static void start_beside(struct scene *beside) {
  char address[32];
  const char *backends[] = { address };
  static const char *const listen[] = { "127.0.0.1:0" };
  struct proxy_route route = { .backends = backends,
                               .backend_count = 1,
                               .server_name = "server.example" };
  struct proxy_options o = { .service = "beside",
                             .mode = PROXY_CLIENT,
                             .listen = listen,
                             .listen_count = 1,
                             .routes = &route,
                             .route_count = 1,
                             .limits = PROXY_LIMITS_DEFAULT,
                             .loops = 2 };
  snprintf(address, sizeof address, "localhost:%u", s.port);
  *beside = (struct scene){ .backend = -1 };
  assert_ok(proxy_new(&o, s.client_tls, &beside->proxy));
  assert_ok(proxy_start(beside->proxy));
  beside->port = proxy_port(beside->proxy, 0);
}

struct pump {
  pthread_t thread;
  int fd;
  size_t size;
  bool good;
};

static void *pump(void *arg) {
  struct pump *p = arg;
  p->good = plain_pump(p->fd, p->size);
  return NULL;
}

static void test_echo(void **state) {
  static const struct {
    size_t count, size;
  } cases[] = { { 1, 30000000 }, { 100, 300000 }, { 3, 1 } };
  struct pump pumps[100];
  struct scene beside;
  pthread_t echo;
  (void)state;
  start_beside(&beside);
  assert_int_equal(pthread_create(&echo, NULL, plain_echo, &s.backend), 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t j = 0; j < cases[i].count; j++) {
      pumps[j] = (struct pump){ .fd = plain_connect(beside.port), .size = cases[i].size };
      assert_int_equal(pthread_create(&pumps[j].thread, NULL, pump, &pumps[j]), 0);
    }
    for (size_t j = 0; j < cases[i].count; j++) {
      pthread_join(pumps[j].thread, NULL);
      close(pumps[j].fd);
      assert_true(pumps[j].good);
    }
  }
  for (size_t i = 0; i < 104; i++)
    assert_int_equal(scene_end(&s, i).end, PROXY_END_DONE);
  assert_int_equal(scene_stats(&s).received, 30000000 + 100 * 300000 + 3);
  assert_int_equal(scene_stats(&s).sent, 30000000 + 100 * 300000 + 3);
  scene_stop(&beside);
  shutdown(s.backend, SHUT_RDWR);
  pthread_join(echo, NULL);
  close(s.backend);
  scene_free(&s);
  begin(NULL);
}

/* The client says that it has said all; the backend still answers. */
static void test_half_close_of_client(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "question");
  tls_io_shutdown(&p.io);
  plain_expect(b, "question");
  plain_expect_end(b);
  plain_say(b, "answer");
  peer_expect(&p, "answer");
  close(b);
  peer_expect_end(&p);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_DONE);
}

static void test_half_close_of_backend(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  plain_say(b, "greeting");
  shutdown(b, SHUT_WR);
  peer_expect(&p, "greeting");
  peer_expect_end(&p);
  peer_say(&p, "thanks");
  plain_expect(b, "thanks");
  tls_io_shutdown(&p.io);
  plain_expect_end(b);
  close(b);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_DONE);
}

/* An end of the socket alone is not an end of the stream. */
static void test_truncation(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "half of");
  plain_expect(b, "half of");
  shutdown(p.io.fd, SHUT_WR);
  plain_expect_reset(b);
  close(b);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_CUT);
}

static void test_reset_of_backend(void **state) {
  struct linger now = { .l_onoff = 1 };
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  plain_say(b, "half of");
  peer_expect(&p, "half of");
  setsockopt(b, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(b);
  peer_expect_cut(&p);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_RESET);
}

#define ANSWER 30000

/* A client that reads nothing yet, and whose kernel takes little meanwhile. */
static void open_slow(struct peer *p) {
  int small = 2048, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct net_address a;
  assert_true(net_address_parse("127.0.0.1", s.port, &a));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  assert_int_equal(connect(fd, (const struct sockaddr *)&a.socket, a.size), 0);
  assert_true(peer_over(p, fd, s.client_tls, NULL));
}

static void answer(int backend) {
  char text[101];
  memset(text, 'x', 100);
  text[100] = '\0';
  for (size_t i = 0; i < ANSWER / 100; i++)
    plain_say(backend, text);
}

static void expect_answer(struct peer *p) {
  char text[101];
  memset(text, 'x', 100);
  text[100] = '\0';
  for (size_t i = 0; i < ANSWER / 100; i++)
    peer_expect(p, text);
}

static void await_sent(uint64_t before) {
  for (unsigned ms = 0; scene_stats(&s).sent < before + ANSWER; ms++) {
    assert_true(ms < 10000);
    usleep(1000);
  }
}

/* The backend answers before it has heard all and is gone; what is still sent resets it. */
static void test_early_answer(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  uint64_t sent = scene_stats(&s).sent;
  open_slow(&p);
  int b = plain_accept(s.backend);
  answer(b);
  close(b);
  await_sent(sent);
  for (unsigned i = 0; scene_ends(&s) == n; i++) {
    assert_true(i < 1000);
    peer_say(&p, "more of the question");
    usleep(1000);
  }
  assert_int_equal(scene_end(&s, n).end, PROXY_END_RESET);
  expect_answer(&p);
  peer_expect_end(&p);
}

/* It has not taken all that has come: its kernel says so by a reset. */
static void test_answer_before_reset(void **state) {
  struct linger now = { .l_onoff = 1 };
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  uint64_t sent = scene_stats(&s).sent;
  open_slow(&p);
  int b = plain_accept(s.backend);
  answer(b);
  await_sent(sent);
  setsockopt(b, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(b);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_RESET);
  expect_answer(&p);
  peer_expect_cut(&p);
}

/* A record that was changed on the way. */
static void test_damage(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  static const char record[] = "\x17\x03\x03\x00\x20"
                               "0123456789abcdef0123456789abcdef";
  assert_int_equal(send(p.io.fd, record, sizeof record - 1, 0), sizeof record - 1);
  plain_expect_reset(b);
  close(b);
  peer_expect_cut(&p);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_CUT);
}

/* New keys in the middle of a stream, asked for by the client (of the kernel: test_proxy_ktls.c).
 */
static void test_key_updates(void **state) {
  AUTO_PEER p;
  (void)state;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  for (int i = 0; i < 5; i++) {
    int ours = SSL_KEY_UPDATE_NOT_REQUESTED, both = SSL_KEY_UPDATE_REQUESTED;
    assert_int_equal(SSL_key_update(p.io.ssl, getenv("TEST_KTLS") ? ours : both), 1);
    peer_say(&p, "question");
    plain_expect(b, "question");
    plain_say(b, "answer");
    peer_expect(&p, "answer");
  }
  for (int i = 0; i < 3000; i++) { /* and nothing but new keys */
    assert_int_equal(SSL_key_update(p.io.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    enum tls_io_result r = tls_io_handshake(&p.io);
    uint64_t budget_us = 10000000;
    if (r == TLS_IO_WANT_WRITE)
      assert_ok(tls_io_wait(&p.io, r, &budget_us));
    else
      assert_int_equal(r, TLS_IO_OK);
  }
  peer_say(&p, "still");
  plain_expect(b, "still");
  close(b);
  peer_expect_end(&p);
}

/* A client that takes the shortest records there are: 64 KiB become 128 of them. */
static void test_short_records(void **state) {
  static char big[1 << 20], got[1 << 16];
  struct peer p = { TLS_IO_CLOSED };
  size_t total = 0, n;
  (void)state;
  int fd = plain_connect(s.port);
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  assert_ok(tls_io_open(&p.io, s.client_tls, fd, NULL, NULL));
  SSL_set_tlsext_max_fragment_length(p.io.ssl, TLSEXT_max_fragment_length_512);
  while (tls_io_handshake(&p.io) == TLS_IO_WANT_READ)
    usleep(1000);
  int b = plain_accept(s.backend);
  assert_int_equal(send(b, big, sizeof big, MSG_NOSIGNAL), sizeof big);
  close(b);
  for (;;) {
    enum tls_io_result r = tls_io_read(&p.io, got, sizeof got, &n);
    uint64_t budget_us = 10000000;
    if (r == TLS_IO_EOF)
      break;
    if (r == TLS_IO_WANT_READ) {
      assert_ok(tls_io_wait(&p.io, r, &budget_us));
      continue;
    }
    assert_int_equal(r, TLS_IO_OK);
    assert_in_range(n, 1, 512);
    total += n;
  }
  assert_int_equal(total, sizeof big);
  peer_close(&p);
}

static size_t push(struct peer *p, size_t most) {
  static const char piece[16384];
  size_t total = 0;
  for (;;) {
    uint64_t budget_us = 500000;
    size_t n = 0;
    enum tls_io_result r = tls_io_write(&p->io, piece, sizeof piece, &n);
    total += n;
    if (total >= most || (r != TLS_IO_OK && tls_io_wait(&p->io, r, &budget_us) != OK))
      return total;
  }
}

/* A backend that takes the connection and reads nothing stops its client, and no memory grows. */
static void test_hanging_backend(void **state) {
  char piece[65536];
  size_t got = 0, room = 64 << 20;
  int small = 65536;
  AUTO_PEER p;
  (void)state;
  setsockopt(s.backend, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  uint64_t before = scene_stats(&s).received;
  size_t sent = push(&p, room);
  assert_true(sent < room);
  assert_true(scene_stats(&s).received - before <= sent);
  while (got < scene_stats(&s).received - before || plain_waits(b, 300)) {
    ssize_t n = recv(b, piece, sizeof piece, 0);
    assert_true(n > 0);
    got += (size_t)n;
  }
  assert_true(got + 16384 >= sent); /* but for the record that stuck half */
  close(b);
}

/* The same in the other direction. */
static void test_slow_client(void **state) {
  static char piece[65536];
  AUTO_PEER p;
  size_t sent = 0, got = 0;
  int small = 65536;
  (void)state;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  setsockopt(p.io.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  int b = plain_accept(s.backend);
  struct timeval brief = { .tv_usec = 500000 };
  setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
  for (ssize_t n = 1; n > 0 && sent<64 << 20; sent += n> 0 ? (size_t)n : 0)
    n = send(b, piece, sizeof piece, MSG_NOSIGNAL);
  assert_true(sent < 64 << 20);
  close(b);
  for (;;) {
    size_t n = 0;
    enum tls_io_result r = tls_io_read(&p.io, piece, sizeof piece, &n);
    uint64_t budget_us = 10000000;
    got += n;
    if (r == TLS_IO_EOF)
      break;
    assert_true(r == TLS_IO_OK || r == TLS_IO_WANT_READ);
    if (r == TLS_IO_WANT_READ)
      assert_ok(tls_io_wait(&p.io, r, &budget_us));
  }
  assert_int_equal(got, sent);
}

int main(int argc, char **argv) {
  if (argc > 1)
    cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_echo),
    cmocka_unit_test(test_half_close_of_client),
    cmocka_unit_test(test_half_close_of_backend),
    cmocka_unit_test(test_truncation),
    cmocka_unit_test(test_reset_of_backend),
    cmocka_unit_test(test_early_answer),
    cmocka_unit_test(test_answer_before_reset),
    cmocka_unit_test(test_damage),
    cmocka_unit_test(test_key_updates),
    cmocka_unit_test(test_short_records),
    cmocka_unit_test(test_hanging_backend),
    cmocka_unit_test(test_slow_client),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
