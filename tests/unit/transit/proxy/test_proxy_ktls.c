/* Records that the kernel makes: when it does, what OpenSSL says beside them, and new keys. */
#include "ktls/fake_ktls.h"
#include "net/tls_context.h"
#include "net/tls_kernel.h"
#include "scene.h"

#include <errno.h>
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

static atomic_bool no_pipes;
int __wrap_pipe2(int ends[2], int flags);
int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags) {
  errno = EMFILE;
  return no_pipes ? -1 : __real_pipe2(ends, flags);
}

static uint64_t by_kernel(void) {
  return scene_stats(&s).kernel;
}

/* A pattern from the backend, and its end. */
static void send_much(int b, size_t size) {
  static uint8_t piece[50000];
  for (size_t i = 0; i < sizeof piece; i++)
    piece[i] = (uint8_t)(i * 7 + i / 251);
  for (size_t n = 0; n < size; n += sizeof piece)
    assert_int_equal(send(b, piece, sizeof piece, MSG_NOSIGNAL), sizeof piece);
}

static void expect_much(struct peer *p, size_t size) {
  static uint8_t got[65536];
  for (size_t at = 0, n; at < size; at += n) {
    uint64_t budget_us = 10000000;
    enum tls_io_result r = TLS_IO_OK;
    do
      r = tls_io_read(&p->io, got, sizeof got, &n);
    while (r == TLS_IO_WANT_READ && tls_io_wait(&p->io, r, &budget_us) == OK);
    assert_int_equal(r, TLS_IO_OK);
    for (size_t i = 0; i < n; i++) {
      size_t place = (at + i) % 50000;
      assert_int_equal(got[i], (uint8_t)(place * 7 + place / 251));
    }
  }
}

/* One connection, both ways, to its clean end. kernel: whether it is to make the records. */
static void talk(struct tls *tls, bool kernel) {
  AUTO_PEER p;
  size_t n = scene_ends(&s);
  uint64_t before = by_kernel();
  assert_true(peer_open(&p, s.port, tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "question");
  plain_expect(b, "question");
  assert_int_equal(by_kernel() - before, kernel);
  send_much(b, 1000000);
  expect_much(&p, 1000000);
  close(b);
  peer_expect_end(&p);
  tls_io_shutdown(&p.io);
  assert_int_equal(scene_end(&s, n).end, PROXY_END_DONE);
  assert_int_equal(scene_end(&s, n).sent, 1000000);
}

static void test_used(void **state) {
  (void)state;
  assert_true(tls_kernel_here());
  talk(s.client_tls, true);
}

static void test_cipher_is_refused(void **state) {
  (void)state;
  fake_ktls_refuses = true;
  talk(s.client_tls, false);
  fake_ktls_refuses = false;
}

static void test_not_wanted(void **state) {
  (void)state;
  unsetenv("TEST_KTLS");
  struct tls *plain = NULL, *usual = tls_ref(s.server_tls);
  assert_ok(pki_tls(&s.pki, &s.server, true, NULL, &plain));
  proxy_use_tls(s.proxy, plain);
  talk(s.client_tls, false);
  proxy_use_tls(s.proxy, usual);
  tls_free(plain);
  tls_free(usual);
  setenv("TEST_KTLS", "1", 1);
}

/* Finished and alerts of TLS 1.2 are records of their own types, too. */
static void test_tls12(void **state) {
  struct tls_mutual o = { .server = true,
                          .chain_pem = buf_bytes(&s.server.chain_pem),
                          .key = s.server.key,
                          .ca_pem = buf_bytes(&s.pki.root_pem),
                          .tls12 = true,
                          .kernel = true };
  struct tls *server = NULL, *client = NULL, *usual = tls_ref(s.server_tls);
  (void)state;
  assert_ok(tls_mutual(&o, &server));
  o.server = false;
  o.chain_pem = buf_bytes(&s.client.chain_pem);
  o.key = s.client.key;
  assert_ok(tls_mutual(&o, &client)); /* the peer's are the kernel's, too */
  assert_int_equal(SSL_CTX_set_max_proto_version(client->ctx, TLS1_2_VERSION), 1);
  proxy_use_tls(s.proxy, server);
  talk(client, true);
  proxy_use_tls(s.proxy, usual);
  tls_free(server);
  tls_free(client);
  tls_free(usual);
}

static void test_no_pipes(void **state) {
  (void)state;
  scene_stop(&s); /* with its spare ones */
  scene_start(&s, NULL);
  no_pipes = true;
  talk(s.client_tls, true);
  no_pipes = false;
}

/* There is no room for close_notify when its turn comes. */
static void test_end_waits_for_room(void **state) {
  (void)state;
  fake_ktls_busy = true;
  talk(s.client_tls, true);
  assert_false(fake_ktls_busy);
}

/* The kernel can't have new keys: the connection ends as one that was cut, on both sides. */
static void test_new_keys_asked_for(void **state) {
  AUTO_PEER p;
  (void)state;
  size_t n = scene_ends(&s);
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  peer_say(&p, "before");
  plain_expect(b, "before");
  plain_say(b, "answer");
  peer_expect(&p, "answer");
  assert_int_equal(SSL_key_update(p.io.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
  assert_int_equal(tls_io_handshake(&p.io), TLS_IO_OK); /* sends it */
  plain_expect_reset(b);
  peer_expect_cut(&p);
  struct told t = scene_end(&s, n);
  assert_int_equal(t.end, PROXY_END_CUT);
  assert_non_null(strstr(t.why, "new keys"));
  assert_int_equal(t.received, strlen("before"));
  close(b);
}

static void test_new_keys_of_the_peer(void **state) {
  AUTO_PEER p;
  (void)state;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(SSL_key_update(p.io.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    peer_say(&p, "question");
    plain_expect(b, "question");
    plain_say(b, "answer");
    peer_expect(&p, "answer");
  }
  close(b);
  peer_expect_end(&p);
}

/* What is wrong with what came is told in an alert, by its own type of record. */
static void test_alert(void **state) {
  static const char record[] = "\x17\x03\x03\x00\x20"
                               "0123456789abcdef0123456789abcdef";
  AUTO_PEER p;
  size_t got;
  char byte;
  (void)state;
  assert_true(peer_open(&p, s.port, s.client_tls, NULL));
  int b = plain_accept(s.backend);
  assert_int_equal(send(p.io.fd, record, sizeof record - 1, 0), sizeof record - 1);
  plain_expect_reset(b);
  close(b);
  uint64_t budget_us = 10000000;
  assert_ok(tls_io_wait(&p.io, TLS_IO_WANT_READ, &budget_us));
  assert_int_equal(tls_io_read(&p.io, &byte, 1, &got), TLS_IO_FAILED);
}

int main(int argc, char **argv) {
  if (argc > 1)
    cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_used),
    cmocka_unit_test(test_cipher_is_refused),
    cmocka_unit_test(test_not_wanted),
    cmocka_unit_test(test_tls12),
    cmocka_unit_test(test_no_pipes),
    cmocka_unit_test(test_end_waits_for_room),
    cmocka_unit_test(test_new_keys_asked_for),
    cmocka_unit_test(test_new_keys_of_the_peer),
    cmocka_unit_test(test_alert),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
