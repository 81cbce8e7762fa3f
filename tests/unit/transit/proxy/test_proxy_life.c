/* What a proxy does beside passing bytes on: limits, deadlines, ends, new certificates. */
#include "scene.h"

#include "net/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct scene s;
static int dead_port; /* nobody listens there */

static int begin(void **state) {
  int fd;
  (void)state;
  scene_init(&s);
  assert_ok(listen_tcp("127.0.0.1:0", &fd));
  dead_port = (int)listen_port(fd);
  close(fd);
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

static int open_both(struct peer *p) {
  assert_true(peer_open(p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(p, "hello");
  plain_expect(b, "hello");
  return b;
}

static void alive(struct peer *p, int b) {
  peer_say(p, "there?");
  plain_expect(b, "there?");
  plain_say(b, "here");
  peer_expect(p, "here");
}

/* Limits. */

static void two_in_all(struct proxy_options *o) {
  o->limits.connections = 2;
}

static void two_of_one(struct proxy_options *o) {
  o->limits.per_source = 2;
}

static void expect_turned_away(void) {
  int fd = plain_connect(s.port);
  char c;
  assert_true(recv(fd, &c, 1, 0) <= 0);
  close(fd);
}

static void test_counts(void **state) {
  void (*const limits[])(struct proxy_options * o) = { two_in_all, two_of_one };
  static const char *const whys[] = { "there are too many connections",
                                      "its source has too many connections" };
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    AUTO_PEER a, b, c;
    scene_start(&s, limits[i]);
    int fa = open_both(&a), fb = open_both(&b);
    expect_turned_away();
    assert_int_equal(scene_stats(&s).refused_full + scene_stats(&s).refused_source, 1);
    struct told away = scene_end(&s, 0);
    assert_int_equal(away.end, PROXY_END_LIMIT);
    assert_string_equal(away.why, whys[i]);
    assert_memory_equal(away.from, "127.0.0.1:", 10);
    assert_int_equal(scene_stats(&s).ends[PROXY_END_LIMIT], 0);
    peer_close(&a);
    close(fa);
    scene_end(&s, 1);
    for (unsigned ms = 0; scene_stats(&s).open > 1 && ms < 10000; ms++)
      usleep(1000);
    int fc = open_both(&c); /* there is room again */
    alive(&b, fb);
    close(fb);
    close(fc);
    scene_stop(&s);
  }
}

static void three_a_second(struct proxy_options *o) {
  o->limits.per_second = 1;
  o->limits.burst = 3;
}

static void test_rate(void **state) {
  (void)state;
  scene_start(&s, three_a_second);
  for (int i = 0; i < 10; i++)
    close(plain_connect(s.port));
  for (unsigned ms = 0; ms < 10000; ms++) {
    struct proxy_stats now = scene_stats(&s);
    if (now.accepted + now.refused_rate == 10)
      break;
    usleep(1000);
  }
  struct proxy_stats now = scene_stats(&s);
  assert_true(now.accepted >= 3);
  assert_true(now.refused_rate > 0);
  assert_int_equal(now.accepted + now.refused_rate, 10);
  uint64_t told = 0;
  for (size_t i = 0; i < 10; i++)
    told += strcmp(scene_end(&s, i).why, "its source makes too many new connections") == 0;
  assert_int_equal(told, now.refused_rate);
}

/* Deadlines. */

static void brief(struct proxy_options *o) {
  o->limits.handshake_ms = 300;
  o->limits.idle_ms = 1500;
  o->limits.half_ms = 1200;
}

static void test_slow_handshake(void **state) {
  (void)state;
  scene_start(&s, brief);
  int silent = plain_connect(s.port), half = plain_connect(s.port);
  plain_say(half, "\x16\x03\x01\x02"); /* a record that begins */
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(scene_end(&s, i).end, PROXY_END_LATE);
  plain_expect_reset(half);
  plain_expect_reset(silent);
  close(half);
  close(silent);
  assert_false(plain_waits(s.backend, 0));
}

static void test_idle(void **state) {
  AUTO_PEER p, half;
  (void)state;
  scene_start(&s, brief);
  int b = open_both(&p), hb = open_both(&half);
  tls_io_shutdown(&half.io);
  plain_expect_end(hb);
  for (int i = 0; i < 5; i++) {
    alive(&p, b);
    usleep(400000);
  }
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_IDLE); /* the half one */
  for (unsigned ms = 0; send(hb, "x", 1, MSG_NOSIGNAL) == 1; ms++) {
    assert_true(ms < 10000);
    usleep(1000);
  }
  alive(&p, b);
  assert_int_equal(scene_end(&s, 1).end, PROXY_END_IDLE);
  plain_expect_reset(b);
  close(b);
  close(hb);
}

/* Backends. */

static const char *dialled[3];
static size_t dialled_count;

static void dial_these(struct proxy_options *o) {
  static struct proxy_route route;
  route = o->routes[0];
  route.backends = dialled;
  route.backend_count = dialled_count;
  o->routes = &route;
  o->limits.dial_ms = 300;
}

static void test_backend_away(void **state) {
  char dead[32];
  AUTO_PEER p;
  (void)state;
  snprintf(dead, sizeof dead, "127.0.0.1:%d", dead_port);
  dialled[0] = dead;
  dialled[1] = "/nonexistent/socket";
  dialled_count = 2;
  scene_start(&s, dial_these);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  peer_expect_cut(&p);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_DIAL);
  assert_string_equal(scene_end(&s, 0).backend, "");
}

/* The next one is taken, and the one that worked is the first from then on. */
static void test_next_backend(void **state) {
  char dead[32];
  (void)state;
  snprintf(dead, sizeof dead, "127.0.0.1:%d", dead_port);
  dialled[0] = dead;
  dialled[1] = s.backend_address;
  dialled_count = 2;
  scene_start(&s, dial_these);
  for (size_t i = 0; i < 2; i++) {
    AUTO_PEER p;
    int b = open_both(&p);
    close(b);
    peer_expect_end(&p);
    tls_io_shutdown(&p.io);
    struct told t = scene_end(&s, i);
    assert_int_equal(t.end, PROXY_END_DONE);
    assert_string_equal(t.backend, s.backend_address);
  }
}

/* A Unix socket nobody accepts on: connections wait in its backlog, and then for it. */
static void test_full_backlog(void **state) {
  char path[64];
  int waiting[3];
  struct proxy_stats now;
  AUTO_PEER p;
  (void)state;
  snprintf(path, sizeof path, "/tmp/px-full-%d", (int)getpid());
  int l = plain_listen_unix(path);
  assert_int_equal(listen(l, 0), 0);
  waiting[0] = plain_connect_unix(path); /* one more than the backlog says is taken */
  dialled[0] = path;
  dialled_count = 1;
  scene_start(&s, dial_these);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  usleep(100000);
  now = scene_stats(&s);
  assert_int_equal(now.ends[PROXY_END_DIAL], 0);
  waiting[1] = plain_accept(l);
  waiting[2] = plain_accept(l); /* it has tried again */
  peer_say(&p, "hello");
  plain_expect(waiting[2], "hello");
  peer_close(&p);
  for (size_t i = 0; i < 3; i++)
    close(waiting[i]);
  assert_string_equal(scene_end(&s, 0).backend, path);
  AUTO_PEER late;
  waiting[0] = plain_connect_unix(path);
  assert_true(peer_open(&late, s.port, s.client_tls, NULL));
  assert_int_equal(scene_end(&s, 1).end, PROXY_END_DIAL);
  close(waiting[0]);
  close(l);
  unlink(path);
}

/* The end, and new certificates. */

static void *stop_now(void *grace_ms) {
  proxy_stop(s.proxy, *(unsigned *)grace_ms);
  return NULL;
}

static void test_drain(void **state) {
  unsigned grace_ms = 10000;
  pthread_t stopper;
  AUTO_PEER p;
  (void)state;
  scene_start(&s, NULL);
  int b = open_both(&p);
  proxy_drain(s.proxy);
  for (unsigned ms = 0; plain_can_connect(s.port); ms++) {
    assert_true(ms < 10000);
    usleep(1000);
  }
  alive(&p, b);
  assert_int_equal(pthread_create(&stopper, NULL, stop_now, &grace_ms), 0);
  alive(&p, b);
  tls_io_shutdown(&p.io);
  plain_expect_end(b);
  close(b);
  pthread_join(stopper, NULL);
  assert_int_equal(scene_stats(&s).ends[PROXY_END_DONE], 1);
}

static void test_cut(void **state) {
  AUTO_PEER p;
  (void)state;
  scene_start(&s, NULL);
  int b = open_both(&p), begun = plain_connect(s.port);
  proxy_stop(s.proxy, 0);
  plain_expect_reset(b);
  peer_expect_cut(&p);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_STOPPED);
  close(b);
  close(begun);
}

static void test_new_certificate(void **state) {
  AUTO_IDENTITY next = { 0 };
  AUTO(tls) struct tls *server = NULL, *client = NULL;
  AUTO_PEER p, q, r;
  (void)state;
  scene_start(&s, NULL);
  int b = open_both(&p);
  assert_ok(pki_issue(&s.foreign, &(struct identity_spec){ .dns = "client.example" }, &next));
  assert_ok(pki_tls(&s.foreign, &next, true, NULL, &server));
  assert_ok(pki_tls(&s.foreign, &next, false, NULL, &client));
  proxy_use_tls(s.proxy, server);
  alive(&p, b);
  assert_false(peer_open(&q, s.port, s.client_tls, NULL));
  assert_true(peer_open(&r, s.port, client, NULL));
  int c = plain_accept(s.backend);
  alive(&r, c);
  alive(&p, b);
  close(b);
  close(c);
}

/* Whose certificate was revoked meanwhile is cut, others are not. */
static void test_recheck(void **state) {
  AUTO_IDENTITY second = { 0 };
  AUTO(tls) struct tls *second_tls = NULL, *server = NULL;
  AUTO_BUF list = BUF_EMPTY;
  AUTO_PEER p, q;
  (void)state;
  assert_ok(pki_issue(&s.pki, &(struct identity_spec){ .dns = "client.example" }, &second));
  assert_ok(pki_tls(&s.pki, &second, false, NULL, &second_tls));
  scene_start(&s, NULL);
  int b = open_both(&p);
  assert_true(peer_open(&q, s.port, second_tls, NULL));
  int c = plain_accept(s.backend);
  alive(&q, c);
  assert_ok(pki_list(&s.pki, &second, 3600, &list));
  assert_ok(pki_tls(&s.pki, &s.server, true, &list, &server));
  proxy_use_tls(s.proxy, server);
  proxy_recheck(s.proxy);
  plain_expect_reset(c);
  peer_expect_cut(&q);
  assert_int_equal(scene_end(&s, 0).end, PROXY_END_REVOKED);
  alive(&p, b);
  close(b);
  close(c);
}

static void one_loop(struct proxy_options *o) {
  o->loops = 1;
}

/* Who had begun when the list came, with the context that was before it, is not let in either. */
static void test_recheck_early(void **state) {
  AUTO(tls) struct tls *server = NULL;
  AUTO_BUF list = BUF_EMPTY;
  AUTO_PEER late, other;
  (void)state;
  scene_start(&s, one_loop);
  int early = plain_connect(s.port), b = open_both(&other); /* in this order */
  assert_ok(pki_list(&s.pki, &s.client, 3600, &list));
  assert_ok(pki_tls(&s.pki, &s.server, true, &list, &server));
  proxy_use_tls(s.proxy, server);
  proxy_recheck(s.proxy);
  plain_expect_reset(b);
  assert_true(peer_over(&late, early, s.client_tls, NULL)); /* the client's part of it */
  peer_expect_cut(&late);
  assert_int_equal(scene_end(&s, 1).end, PROXY_END_REVOKED);
  assert_false(plain_waits(s.backend, 50));
  close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_counts, stop),
    cmocka_unit_test_teardown(test_rate, stop),
    cmocka_unit_test_teardown(test_slow_handshake, stop),
    cmocka_unit_test_teardown(test_idle, stop),
    cmocka_unit_test_teardown(test_backend_away, stop),
    cmocka_unit_test_teardown(test_next_backend, stop),
    cmocka_unit_test_teardown(test_full_backlog, stop),
    cmocka_unit_test_teardown(test_drain, stop),
    cmocka_unit_test_teardown(test_cut, stop),
    cmocka_unit_test_teardown(test_new_certificate, stop),
    cmocka_unit_test_teardown(test_recheck, stop),
    cmocka_unit_test_teardown(test_recheck_early, stop),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
