/* What `up` proves of the services' addresses. The services are this process's own threads. */
#include "../asserts.h"
#include "../net/app.h"

#include "base/file.h"
#include "cli/up/prove.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
  struct test_app app;
  char dir[64];
};
static struct fixture f;
static const char *given = ""; /* a file with the certificate that must be shown */

static int start(void **state) {
  bool locked;
  char path[96];
  snprintf(f.dir, sizeof f.dir, "/tmp/test_prove.XXXXXX");
  assert_non_null(mkdtemp(f.dir));
  assert_ok(crypto_init(1u << 20, &locked));
  assert_ok(test_app_init(&f.app));
  assert_ok(test_app_start(&f.app, HTTP_SERVER_CONF_DEFAULT, NULL));
  snprintf(path, sizeof path, "%s/ca.pem", f.dir);
  assert_ok(file_write_private(path, buf_bytes(&f.app.ca_pem)));
  return 0;
}

static int end(void **state) {
  char path[96];
  snprintf(path, sizeof path, "%s/ca.pem", f.dir);
  unlink(path);
  rmdir(f.dir);
  test_app_stop(&f.app, 100);
  test_app_free(&f.app);
  return 0;
}

/* Of a process that has no sockets, unless pid is given: then the kernel is asked, too. */
static err_t prove(const char *url, const char *listeners, pid_t pid, struct buf *seen) {
  AUTO_BUF line = BUF_EMPTY;
  struct service s = { .name = "vault", .pid = pid, .ready_fd = -1 };
  buf_printf(&line, "{\"url\":\"%s\",\"listeners\":%s}", url, listeners);
  assert_ok(buf_ok(&line));
  assert_ok(json_read(buf_bytes(&line), &s.ready));
  err_t e = up_prove(&s, 1, f.dir, given, seen);
  service_free(&s);
  return e;
}

static void tls_is_proved(void **state) {
  AUTO_BUF seen = BUF_EMPTY, listeners = BUF_EMPTY;
  buf_printf(&listeners, "[\"0.0.0.0:%u\"]", f.app.port);
  assert_ok(prove("https://localhost:1", buf_cstr(&listeners), 0, &seen));
  assert_true(bytes_starts(buf_bytes(&seen), "0.0.0.0:"));
  assert_non_null(memmem(seen.data, seen.size, " TLSv1.3 TLS_", 13));
}

static void the_certificate_must_be_for_the_name(void **state) {
  AUTO_BUF seen = BUF_EMPTY, listeners = BUF_EMPTY;
  buf_printf(&listeners, "[\"127.0.0.1:%u\"]", f.app.port);
  assert_int_equal(prove("https://other.example", buf_cstr(&listeners), 0, &seen), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "another name"));
}

static void a_certificate_that_was_given_is_the_one(void **state) {
  AUTO_BUF seen = BUF_EMPTY, listeners = BUF_EMPTY;
  char path[96];
  snprintf(path, sizeof path, "%s/ca.pem", f.dir);
  buf_printf(&listeners, "[\"127.0.0.1:%u\"]", f.app.port);
  given = path;
  err_t e = prove("https://localhost", buf_cstr(&listeners), 0, &seen);
  given = "";
  assert_int_equal(e, ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "not the one that was given"));
}

struct plain {
  int fd;
  unsigned port;
  bool echoes;
};

static void *answer(void *ctx) {
  const struct plain *p = ctx;
  for (int i = 0; i < 2; i++) {
    struct pollfd ready = { p->fd, POLLIN, 0 };
    char text[256];
    if (poll(&ready, 1, 5000) != 1)
      return NULL;
    int fd = accept(p->fd, NULL, NULL);
    if (p->echoes && read(fd, text, sizeof text) > 0)
      assert_int_equal(write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19), 19);
    close(fd);
  }
  return NULL;
}

static void listen_plainly(struct plain *p) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof to;
  p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(p->fd, (struct sockaddr *)&to, size), 0);
  assert_int_equal(listen(p->fd, 8), 0);
  assert_int_equal(getsockname(p->fd, (struct sockaddr *)&to, &size), 0);
  p->port = ntohs(to.sin_port);
}

static void plain_text_is_found(void **state) {
  AUTO_BUF seen = BUF_EMPTY, listeners = BUF_EMPTY;
  struct plain p = { .echoes = true };
  pthread_t thread;
  listen_plainly(&p);
  buf_printf(&listeners, "[\"127.0.0.1:%u\"]", p.port);
  assert_int_equal(pthread_create(&thread, NULL, answer, &p), 0);
  assert_int_equal(prove("https://localhost", buf_cstr(&listeners), 0, &seen), ERR_CONFIG);
  close(p.fd);
  pthread_join(thread, NULL);
  assert_int_equal(seen.size, 0);
}

/* A socket that the service did not tell of. */
static void what_the_kernel_knows_counts(void **state) {
  AUTO_BUF seen = BUF_EMPTY, listeners = BUF_EMPTY;
  char expected[64];
  struct plain p = { 0 };
  buf_printf(&listeners, "[\"127.0.0.1:%u\"]", f.app.port);
  assert_ok(prove("https://localhost", buf_cstr(&listeners), getpid(), &seen));
  listen_plainly(&p);
  assert_int_equal(prove("https://localhost", buf_cstr(&listeners), getpid(), &seen), ERR_CONFIG);
  snprintf(expected, sizeof expected, "port %u is listened on", p.port);
  assert_non_null(strstr(err_last()->why, expected));
  close(p.fd);
}

static void nothing_told_is_nothing_proved(void **state) {
  AUTO_BUF seen = BUF_EMPTY;
  assert_int_equal(prove("https://localhost", "[]", 0, &seen), ERR_CONFIG);
  assert_int_equal(prove("https://localhost", "[5]", 0, &seen), ERR_CONFIG);
  assert_int_equal(prove("https://localhost", "[\"localhost\"]", 0, &seen), ERR_CONFIG);
  assert_int_equal(prove("http://localhost", "[\"127.0.0.1:1\"]", 0, &seen), ERR_CONFIG);
  assert_int_equal(prove("https://localhost", "[\"127.0.0.1:1\"]", 0, &seen), ERR_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tls_is_proved),
    cmocka_unit_test(the_certificate_must_be_for_the_name),
    cmocka_unit_test(a_certificate_that_was_given_is_the_one),
    cmocka_unit_test(plain_text_is_found),
    cmocka_unit_test(what_the_kernel_knows_counts),
    cmocka_unit_test(nothing_told_is_nothing_proved),
  };
  return cmocka_run_group_tests(tests, start, end);
}
