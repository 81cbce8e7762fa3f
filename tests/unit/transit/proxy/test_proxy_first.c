/* In front of a server that speaks first (MySQL's protocol 10), which is dialled before its client
 * is known. */
#include "scene.h"

#include <sys/socket.h>
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

static void with_server_first(struct proxy_options *o) {
  o->front = "mysql";
}

#define GREETING_SIZE 49
#define LOGIN_SIZE 34

static void exchange(int from, const void *sent, size_t size, int to, uint8_t *got) {
  assert_int_equal(send(from, sent, size, MSG_NOSIGNAL), size);
  assert_int_equal(recv(to, got, size, MSG_WAITALL), size);
}

/* The backend's end of it, with a client that is proven. */
static int be_served_by_mysql(struct peer *p) {
  uint8_t greeting[4 + GREETING_SIZE] = { GREETING_SIZE, 0, 0, 0, 10, '8', '.', '0', 0 };
  uint8_t login[4 + LOGIN_SIZE] = { 32, 0, 0, 1, 0, 0x0a, 0, 0 }; /* with TLS */
  uint8_t got[256];
  static const char fine[] = "\x03\0\0\x02\0\0\0";
  size_t n;
  greeting[4 + 5 + 13 + 1] = 0x02; /* protocol 4.1, no TLS */
  int fd = plain_connect(s.port), b = plain_accept(s.backend);
  exchange(b, greeting, sizeof greeting, fd, got);
  greeting[4 + 5 + 13 + 1] = 0x0a;
  assert_memory_equal(got, greeting, sizeof greeting);
  assert_int_equal(send(fd, login, 4 + 32, MSG_NOSIGNAL), 4 + 32);
  assert_true(peer_over(p, fd, s.client_tls, NULL));
  login[0] = LOGIN_SIZE;
  login[3] = 2;
  login[4 + 32] = 'u';
  assert_int_equal(tls_io_write(&p->io, login, sizeof login, &n), TLS_IO_OK);
  assert_int_equal(recv(b, got, sizeof login, MSG_WAITALL), sizeof login);
  login[3] = 1; /* one packet fewer has come here, and without TLS */
  login[5] = 0x02;
  assert_memory_equal(got, login, sizeof login);
  assert_int_equal(send(b, fine, sizeof fine - 1, MSG_NOSIGNAL), sizeof fine - 1);
  peer_expect(p, "\x03"); /* then NULs, which are no text */
  while (tls_io_read(&p->io, got, 6, &n) == TLS_IO_WANT_READ)
    usleep(1000);
  assert_int_equal(n, 6);
  assert_int_equal(got[2], 3);
  peer_say(p, "from here on it is theirs");
  plain_expect(b, "from here on it is theirs");
  return b;
}

static void test_server_first(void **state) {
  (void)state;
  scene_start(&s, with_server_first);
  AUTO_PEER p;
  close(be_served_by_mysql(&p));
  peer_expect_end(&p);
}

static void with_two_unproven(struct proxy_options *o) {
  with_server_first(o);
  o->loops = 2;
  o->limits.unproven = 2;
}

static void with_two_unproven_for_a_second(struct proxy_options *o) {
  with_two_unproven(o);
  o->limits.handshake_ms = 1000;
}

static void test_unproven_wait(void **state) {
  int silent[5], b[3];
  (void)state;
  scene_start(&s, with_two_unproven);
  for (size_t i = 0; i < 5; i++)
    silent[i] = plain_connect(s.port);
  for (size_t i = 0; i < 2; i++)
    b[i] = plain_accept(s.backend);
  assert_false(plain_waits(s.backend, 300));
  for (size_t i = 0; i < 2; i++)
    close(b[i]); /* these places are free, for two of the others */
  for (size_t i = 0; i < 2; i++)
    b[i] = plain_accept(s.backend);
  assert_false(plain_waits(s.backend, 300));
  close(b[0]);
  b[2] = plain_accept(s.backend);
  for (size_t i = 0; i < 5; i++)
    close(silent[i]);
  close(b[1]);
  close(b[2]);
  scene_end(&s, 4);
}

static void test_unproven_time_out(void **state) {
  int silent[5];
  (void)state;
  scene_start(&s, with_two_unproven_for_a_second);
  for (size_t i = 0; i < 5; i++)
    silent[i] = plain_connect(s.port);
  bool limited = false;
  for (size_t i = 0; i < 5; i++)
    limited |= scene_end(&s, i).end == PROXY_END_LIMIT;
  assert_true(limited); /* there were never places for all of them in their time */
  for (size_t i = 0; i < 5; i++)
    close(silent[i]);
  while (plain_waits(s.backend, 1))
    close(plain_accept(s.backend));
  AUTO_PEER first, second, third; /* who is proven has no place any more */
  int b[] = { be_served_by_mysql(&first), be_served_by_mysql(&second), be_served_by_mysql(&third) };
  for (size_t i = 0; i < 3; i++)
    close(b[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(test_server_first, stop),
    cmocka_unit_test_teardown(test_unproven_wait, stop),
    cmocka_unit_test_teardown(test_unproven_time_out, stop),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
