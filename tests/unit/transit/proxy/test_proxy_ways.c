/* Ways in and out: where a proxy listens and where it goes, the PROXY protocol, front ends. */
#include "scene.h"

#include "net/listen.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scene s;
static char path[64], second_path[64];

static int begin(void **state) {
  (void)state;
  scene_init(&s);
  snprintf(path, sizeof path, "/tmp/px-ways-%d", (int)getpid());
  snprintf(second_path, sizeof second_path, "/tmp/px-ways-%d-2", (int)getpid());
  return 0;
}

static int end(void **state) {
  (void)state;
  scene_free(&s);
  unlink(path);
  unlink(second_path);
  return 0;
}

static int stop(void **state) {
  (void)state;
  scene_stop(&s);
  return 0;
}

/* What is refused at the start. */
static void test_refusals(void **state) {
  static const struct {
    enum proxy_mode mode;
    const char *listen, *backend, *name, *pattern, *front, *balancer;
    const char *why; /* NULL: it is taken */
  } cases[] = {
    { PROXY_SERVER, "0.0.0.0:0", "127.0.0.1:1", "", "a", NULL, NULL, NULL },
    { PROXY_SERVER, "127.0.0.1:0", "127.9.0.1:1", "", "a", NULL, NULL, NULL },
    { PROXY_SERVER, "127.0.0.1:0", "localhost:1", "", "a", NULL, NULL, NULL },
    { PROXY_SERVER, "127.0.0.1:0", "/run/x", "", "a", "postgres", "10.0.0.0/8", NULL },
    { PROXY_SERVER, "127.0.0.1:0", "192.0.2.1:1", "", "a", NULL, NULL, "plain text" },
    { PROXY_SERVER, "127.0.0.1:0", "0.0.0.0:1", "", "a", NULL, NULL, "plain text" },
    { PROXY_SERVER, "127.0.0.1:0", "a.example:1", "", "a", NULL, NULL, "plain text" },
    { PROXY_SERVER, "127.0.0.1:0", "127.0.0.1", "", "a", NULL, NULL, "neither an address" },
    { PROXY_SERVER, "127.0.0.1:0", "127.0.0.1:0", "", "a", NULL, NULL, "neither an address" },
    { PROXY_SERVER, "127.0.0.1:0", "a b:1", "", "a", NULL, NULL, "neither an address" },
    { PROXY_SERVER, "127.0.0.1:0", "127.0.0.1:1", "", "*", NULL, NULL, "not a pattern" },
    { PROXY_SERVER, "127.0.0.1:0", "127.0.0.1:1", "", "a", "gopher", NULL, "gopher" },
    { PROXY_SERVER, "127.0.0.1:0", "127.0.0.1:1", "", "a", NULL, "10.0.0.1/8", "10.0.0.1/8" },
    { PROXY_SERVER, "nowhere", "127.0.0.1:1", "", "a", NULL, NULL, "nowhere" },
    { PROXY_CLIENT, "127.0.0.1:0", "a.example:1", "b", NULL, NULL, NULL, NULL },
    { PROXY_CLIENT, "[::1]:0", "192.0.2.1:1", "spiffe://x/a", NULL, NULL, NULL, NULL },
    { PROXY_CLIENT, "0.0.0.0:0", "a.example:1", "b", NULL, NULL, NULL, "plain text" },
    { PROXY_CLIENT, "[::]:0", "a.example:1", "b", NULL, NULL, NULL, "plain text" },
    { PROXY_CLIENT, "127.0.0.1:0", "a.example:1", "", NULL, NULL, NULL, "name of the server" },
    { PROXY_CLIENT, "127.0.0.1:0", "a.example:1", "http://x", NULL, NULL, NULL, "SPIFFE" },
    { PROXY_CLIENT, "127.0.0.1:0", "a.example:1", "b", NULL, NULL, "10.0.0.0/8", "PROXY" },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO(proxy) struct proxy *p = NULL;
    struct proxy_route route = { .backends = &cases[i].backend,
                                 .backend_count = 1,
                                 .peers = { &cases[i].pattern, cases[i].pattern ? 1 : 0, false },
                                 .server_name = cases[i].name };
    struct proxy_options o = { .mode = cases[i].mode,
                               .listen = &cases[i].listen,
                               .listen_count = 1,
                               .routes = &route,
                               .route_count = 1,
                               .front = cases[i].front,
                               .header_from = &cases[i].balancer,
                               .header_from_count = cases[i].balancer ? 1 : 0 };
    err_t e = proxy_new(&o, s.server_tls, &p);
    if (!cases[i].why && e != OK)
      fail_msg("case %zu: %s", i, err_reason(e));
    if (cases[i].why && (e == OK || !strstr(err_reason(e), cases[i].why)))
      fail_msg("case %zu: '%s' instead of '%s'", i, e ? err_reason(e) : "OK", cases[i].why);
  }
}

/* Unix sockets on both ends. */

static const char *listen_path, *backend_path;

static void over_unix(struct proxy_options *o) {
  static struct proxy_route route;
  route = o->routes[0];
  route.backends = &backend_path;
  o->routes = &route;
}

static void from_unix(struct proxy_options *o) {
  static struct proxy_route route;
  static char address[32];
  static const char *backends[1];
  snprintf(address, sizeof address, "127.0.0.1:%u", s.port);
  backends[0] = address;
  route = (struct proxy_route){ .backends = backends,
                                .backend_count = 1,
                                .server_name = "server.example" };
  o->mode = PROXY_CLIENT;
  o->routes = &route;
  o->listen = &listen_path;
  o->socket_mode = 0660;
}

static void test_unix(void **state) {
  static struct scene beside;
  struct stat st;
  (void)state;
  backend_path = path;
  listen_path = second_path;
  int l = plain_listen_unix(path);
  scene_start(&s, over_unix);
  scene_init(&beside);
  tls_free(beside.client_tls);
  beside.client_tls = tls_ref(s.client_tls);
  for (int again = 0; again < 2; again++) {
    int stale = plain_listen_unix(second_path);
    close(stale); /* its file stays: somebody was killed */
    scene_start(&beside, from_unix);
    assert_int_equal(stat(second_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    int fd = plain_connect_unix(second_path), b = plain_accept(l);
    plain_say(fd, "question");
    shutdown(fd, SHUT_WR);
    plain_expect(b, "question");
    plain_expect_end(b);
    plain_say(b, "answer");
    close(b);
    plain_expect(fd, "answer");
    plain_expect_end(fd);
    close(fd);
    assert_string_equal(scene_end(&beside, 0).from, "unix");
    assert_string_equal(scene_end(&s, (size_t)again).backend, path);
    scene_stop(&beside);
    assert_int_not_equal(stat(second_path, &st), 0);
  }
  scene_free(&beside);
  close(l);
}

/* Sockets that the service manager has opened. */
static void test_inherited(void **state) {
  int first, fd;
  unsigned count;
  char text[24];
  (void)state;
  assert_ok(listen_inherited(&first, &count));
  assert_int_equal(count, 0);
  setenv("LISTEN_FDS", "2", 1);
  setenv("LISTEN_PID", "1", 1); /* not ours */
  assert_ok(listen_inherited(&first, &count));
  assert_int_equal(count, 0);
  snprintf(text, sizeof text, "%d", (int)getpid());
  setenv("LISTEN_FDS", "2", 1);
  setenv("LISTEN_PID", text, 1);
  assert_ok(listen_inherited(&first, &count));
  assert_int_equal(first, 3);
  assert_int_equal(count, 2);
  assert_null(getenv("LISTEN_FDS"));
  setenv("LISTEN_FDS", "x", 1);
  setenv("LISTEN_PID", text, 1);
  assert_err(listen_inherited(&first, &count), ERR_CONFIG);
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_PID");
  assert_ok(listen_tcp("127.0.0.1:0", &fd));
  assert_ok(listen_adopt(fd));
  int other = socket(AF_INET, SOCK_STREAM, 0);
  assert_err(listen_adopt(other), ERR_CONFIG);
  close(other);
  close(fd);
}

static int inherited;

static void inherit(struct proxy_options *o) {
  o->listen_count = 0;
  o->inherited = &inherited;
  o->inherited_count = 1;
}

static void test_use_of_inherited(void **state) {
  AUTO_PEER p;
  (void)state;
  assert_ok(listen_tcp("127.0.0.1:0", &inherited));
  scene_start(&s, inherit);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "hello");
  plain_expect(b, "hello");
  close(b);
}

/* The PROXY protocol. */

#define HEADER_SIZE 28

static void put_header(uint8_t out[static HEADER_SIZE], const char *from, unsigned port) {
  static const uint8_t begin[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
  memcpy(out, begin, 16);
  memset(out + 16, 0, 12);
  inet_pton(AF_INET, from, out + 16);
  out[24] = (uint8_t)(port >> 8);
  out[25] = (uint8_t)port;
}

static void with_headers(struct proxy_options *o) {
  static const char *const balancers[] = { "127.0.0.0/8" };
  o->header_from = balancers;
  o->header_from_count = 1;
  o->header_to = true;
  o->limits.per_source = 1;
}

/* In pieces, so that it is waited for. */
static int connect_as(const char *from, size_t piece) {
  uint8_t header[HEADER_SIZE];
  int fd = plain_connect(s.port);
  put_header(header, from, 4711);
  for (size_t i = 0; i < sizeof header; i += piece) {
    size_t n = sizeof header - i < piece ? sizeof header - i : piece;
    assert_int_equal(send(fd, header + i, n, MSG_NOSIGNAL), n);
    usleep(2000);
  }
  return fd;
}

/* What the backend is told: addresses, and perhaps more behind them. */
static void expect_header(int fd, const uint8_t expected[static HEADER_SIZE]) {
  uint8_t told[4096];
  assert_int_equal(recv(fd, told, 16, MSG_WAITALL), 16);
  size_t size = (size_t)told[14] << 8 | told[15];
  assert_in_range(size, 12, sizeof told - 16);
  assert_int_equal(recv(fd, told + 16, size, MSG_WAITALL), size);
  assert_memory_equal(told, expected, 14);
  assert_memory_equal(told + 16, expected + 16, 4); /* not the proxy's own */
  assert_memory_equal(told + 24, expected + 24, 2);
}

static void test_headers(void **state) {
  static const size_t pieces[] = { HEADER_SIZE, 10, 1 };
  uint8_t expected[HEADER_SIZE];
  (void)state;
  scene_start(&s, with_headers);
  put_header(expected, "192.0.2.7", 4711);
  for (size_t i = 0; i < 3; i++) {
    AUTO_PEER p;
    assert_true(peer_over(&p, connect_as("192.0.2.7", pieces[i]), s.client_tls, NULL));
    int b = plain_accept(s.backend);
    peer_say(&p, "hello");
    expect_header(b, expected);
    plain_expect(b, "hello");
    int second = connect_as("192.0.2.7", HEADER_SIZE); /* one too many of that source */
    plain_expect_reset(second);
    close(second);
    assert_int_equal(scene_end(&s, 2 * i).end, PROXY_END_LIMIT);
    close(b);
    peer_expect_end(&p);
    tls_io_shutdown(&p.io);
    assert_string_equal(scene_end(&s, 2 * i + 1).from, "192.0.2.7:4711");
  }
  AUTO_PEER bare;
  assert_false(peer_open(&bare, s.port, s.client_tls, NULL));
  assert_int_equal(scene_end(&s, 6).end, PROXY_END_HEADER);
  assert_int_equal(scene_stats(&s).refused_source, 3);
}

/* Front ends. */

static const char ssl_request[8] = { 0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f };

static void with_front(struct proxy_options *o) {
  o->front = "postgres";
}

static void ask_for_tls(int fd, size_t piece) {
  for (size_t i = 0; i < sizeof ssl_request; i += piece) {
    assert_int_equal(send(fd, ssl_request + i, piece, MSG_NOSIGNAL), piece);
    usleep(2000);
  }
  plain_expect(fd, "S");
}

static void test_front_of_server(void **state) {
  (void)state;
  scene_start(&s, with_front);
  for (size_t piece = 1; piece <= 8; piece *= 2) {
    AUTO_PEER p;
    int fd = plain_connect(s.port);
    ask_for_tls(fd, piece);
    assert_true(peer_over(&p, fd, s.client_tls, NULL));
    int b = plain_accept(s.backend);
    peer_say(&p, "hello");
    plain_expect(b, "hello");
    plain_say(b, "you");
    peer_expect(&p, "you");
    close(b);
  }
}

/* Bytes behind the request are not taken for what is said inside TLS. */
static void test_injection(void **state) {
  char both[13];
  (void)state;
  scene_start(&s, with_front);
  memcpy(both, ssl_request, 8);
  memcpy(both + 8, "Quser", 5);
  int fd = plain_connect(s.port);
  assert_int_equal(send(fd, both, sizeof both, MSG_NOSIGNAL), sizeof both);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_HANDSHAKE);
  assert_false(plain_waits(s.backend, 50));
  close(fd);
}

static void test_front_refuses(void **state) {
  char c = 0;
  (void)state;
  scene_start(&s, with_front);
  int fd = plain_connect(s.port);
  plain_say(fd, "a login in the plain");
  assert_int_equal(recv(fd, &c, 1, 0), 1);
  assert_int_equal(c, 'E');
  while (recv(fd, &c, 1, 0) > 0)
    ;
  close(fd);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_FRONT);
}

static void front_without_backend(struct proxy_options *o) {
  backend_path = "/nonexistent";
  over_unix(o);
  with_front(o);
}

/* The client is told in its own words. */
static void test_front_and_no_backend(void **state) {
  AUTO_PEER p;
  (void)state;
  scene_start(&s, front_without_backend);
  int fd = plain_connect(s.port);
  ask_for_tls(fd, 8);
  assert_true(peer_over(&p, fd, s.client_tls, NULL));
  peer_expect(&p, "E");
  peer_expect_end(&p);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_DIAL);
}

static void front_beside(struct proxy_options *o) {
  from_unix(o);
  with_front(o);
}

static void test_front_of_client(void **state) {
  static struct scene beside;
  (void)state;
  scene_start(&s, with_front);
  scene_init(&beside);
  tls_free(beside.client_tls);
  beside.client_tls = tls_ref(s.client_tls);
  listen_path = second_path;
  scene_start(&beside, front_beside);
  int fd = plain_connect_unix(second_path);
  assert_int_equal(send(fd, ssl_request, sizeof ssl_request, 0), sizeof ssl_request);
  plain_expect(fd, "N");
  plain_say(fd, "a login of its own");
  int b = plain_accept(s.backend);
  plain_expect(b, "a login of its own");
  plain_say(b, "welcome");
  plain_expect(fd, "welcome");
  close(b);
  plain_expect_end(fd);
  close(fd);
  scene_free(&beside);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_refusals, stop),
    cmocka_unit_test_teardown(test_unix, stop),
    cmocka_unit_test_teardown(test_inherited, stop),
    cmocka_unit_test_teardown(test_use_of_inherited, stop),
    cmocka_unit_test_teardown(test_headers, stop),
    cmocka_unit_test_teardown(test_front_of_server, stop),
    cmocka_unit_test_teardown(test_injection, stop),
    cmocka_unit_test_teardown(test_front_refuses, stop),
    cmocka_unit_test_teardown(test_front_and_no_backend, stop),
    cmocka_unit_test_teardown(test_front_of_client, stop),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
