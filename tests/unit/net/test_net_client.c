/* The client, and servers that would hold it for ever. */
#include "raw.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOTHING ((struct bytes){ 0 })
#define OKAY "HTTP/1.1 200 OK\r\nContent-Length: "

/* A server of one answer: says first, then again and again until nobody listens. */
struct script {
  const char *first, *again;
  useconds_t pause_us; /* between them */
  struct test_app app; /* for its certificate */
  struct tls *tls;
  int listener;
  pthread_t thread;
};

static bool say(struct tls_io *io, const char *text) {
  size_t n, size = strlen(text);
  uint64_t budget_us = 3000000;
  for (;;) {
    enum tls_io_result r = tls_io_write(io, text, size, &n);
    if (r == TLS_IO_OK)
      return true;
    if (r != TLS_IO_WANT_WRITE || tls_io_wait(io, r, &budget_us) != OK)
      return false;
  }
}

static void *serve(void *arg) {
  struct script *s = arg;
  struct tls_io io = TLS_IO_CLOSED;
  uint64_t budget_us = 60000000;
  int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK);
  uint8_t request[4096];
  size_t n;
  enum tls_io_result r;
  if (fd < 0 || tls_io_accept(&io, s->tls, fd) != OK)
    return NULL;
  while ((r = tls_io_handshake(&io)) == TLS_IO_WANT_READ && tls_io_wait(&io, r, &budget_us) == OK)
    ;
  while ((r = tls_io_read(&io, request, sizeof request, &n)) == TLS_IO_WANT_READ &&
         tls_io_wait(&io, r, &budget_us) == OK)
    ;
  bool heard = r == TLS_IO_OK && say(&io, s->first);
  while (heard && s->again) {
    usleep(s->pause_us);
    heard = say(&io, s->again);
  }
  tls_io_close(&io);
  return NULL;
}

/* What a client that waits for 500 ms makes of it, and for how long. */
static err_t ask(struct script *s, struct http_reply *out, uint64_t *took_us) {
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof at;
  AUTO(tls) struct tls *tls = NULL;
  AUTO(http_client) struct http_client *c = NULL;
  char url[64];
  assert_ok(test_app_init(&s->app));
  assert_ok(test_app_tls(&s->app, &s->tls));
  assert_ok(tls_client(buf_bytes(&s->app.ca_pem), &tls));
  s->listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(s->listener, 1), 0);
  assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size), 0);
  assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
  snprintf(url, sizeof url, "https://127.0.0.1:%u", ntohs(at.sin_port));
  assert_ok(http_client_new(url, tls, 500, &c));
  uint64_t start_us = clock_mono_us();
  err_t e = http_client_request(c, HTTP_GET, "/", NOTHING, NOTHING, out);
  *took_us = clock_mono_us() - start_us;
  http_client_free(TAKE(c));
  pthread_join(s->thread, NULL);
  close(s->listener);
  tls_free(s->tls);
  test_app_free(&s->app);
  return e;
}

static void test_interim(void **state) {
  static const char more[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  struct script s = { .first = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" OKAY
                               "2\r\n\r\nhi" };
  AUTO_HTTP_REPLY reply = { 0 };
  uint64_t took_us;
  (void)state;
  assert_ok(ask(&s, &reply, &took_us));
  assert_text(buf_bytes(&reply.body), "hi");
  assert_null(http_reply_header(&reply, "link").data);
  struct script endless = { .first = more, .again = more };
  assert_int_equal(ask(&endless, &reply, &took_us), ERR_IO);
  assert_non_null(strstr(err_last()->why, "malformed"));
}

/* A byte now and then is not progress for ever. */
static void test_trickle(void **state) {
  static const struct script slow[] = {
    { .first = OKAY "100\r\n\r\n", .again = "x", .pause_us = 60000 },
    { .first = "HTTP/1.1 200 OK\r\n", .again = "x", .pause_us = 60000 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
    struct script s = slow[i];
    AUTO_HTTP_REPLY reply = { 0 };
    uint64_t took_us;
    assert_int_equal(ask(&s, &reply, &took_us), ERR_IO);
    assert_non_null(strstr(err_last()->why, "did not answer within 500 ms"));
    assert_in_range(took_us, 400000, 3000000);
  }
}

static int start(void **state) {
  bool locked;
  (void)state;
  return crypto_init(1 << 20, &locked) != OK;
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_interim),
                                      cmocka_unit_test(test_trickle) };
  return cmocka_run_group_tests(tests, start, NULL);
}
