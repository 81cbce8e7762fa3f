#include "raw.h"

#include "net/reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US 60000000

void fixture_start(struct fixture *f, struct http_server_conf conf) {
  bool locked;
  static bool ready;
  if (!ready)
    assert_ok(crypto_init(1 << 20, &locked));
  ready = true;
  assert_ok(test_app_init(&f->app));
  assert_ok(test_app_start(&f->app, conf, NULL));
  assert_ok(tls_client(buf_bytes(&f->app.ca_pem), &f->tls));
}

void fixture_end(struct fixture *f) {
  if (f->app.server)
    test_app_stop(&f->app, 2000);
  test_app_free(&f->app);
  tls_free(f->tls);
}

struct http_client *fixture_client(struct fixture *f) {
  struct http_client *c = NULL;
  assert_ok(http_client_new(f->app.url, f->tls, 10000, &c));
  return c;
}

void raw_connect(struct raw *r, struct fixture *f) {
  struct sockaddr_in to = { .sin_family = AF_INET,
                            .sin_port = htons((uint16_t)f->app.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  *r = (struct raw){ .io = TLS_IO_CLOSED };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  assert_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
  assert_ok(tls_io_connect(&r->io, f->tls, fd, "127.0.0.1"));
}

static void await(struct raw *r, enum tls_io_result want, const char *what) {
  uint64_t budget_us = PATIENCE_US;
  if (want != TLS_IO_WANT_READ && want != TLS_IO_WANT_WRITE)
    fail_msg("the connection ended while %s", what);
  if (tls_io_wait(&r->io, want, &budget_us) != OK)
    fail_msg("nothing moves while %s", what);
}

void raw_handshake(struct raw *r) {
  enum tls_io_result e;
  while ((e = tls_io_handshake(&r->io)) != TLS_IO_OK)
    await(r, e, "shaking hands");
}

void raw_open(struct raw *r, struct fixture *f) {
  raw_connect(r, f);
  raw_handshake(r);
}

void raw_close(struct raw *r) {
  tls_io_close(&r->io);
  buf_free(&r->in);
}

void raw_send(struct raw *r, struct bytes data) {
  while (data.size) {
    size_t n = 0;
    enum tls_io_result e = tls_io_write(&r->io, data.data, data.size, &n);
    data = bytes_of(data.data + n, data.size - n);
    if (e != TLS_IO_OK)
      await(r, e, "sending");
  }
}

void raw_say(struct raw *r, const char *text) {
  raw_send(r, bytes_str(text));
}

bool raw_push(struct raw *r, struct bytes data, size_t *n) {
  uint64_t budget_us = 300000;
  *n = 0;
  for (;;) {
    enum tls_io_result e = tls_io_write(&r->io, data.data, data.size, n);
    if (e == TLS_IO_OK)
      return true;
    assert_int_equal(e, TLS_IO_WANT_WRITE);
    if (tls_io_wait(&r->io, e, &budget_us) != OK)
      return false;
  }
}

/* False at the connection's end. */
static bool fill(struct raw *r, const char *what) {
  for (;;) {
    size_t n;
    assert_true(buf_reserve(&r->in, 16384));
    enum tls_io_result e = tls_io_read(&r->io, r->in.data + r->in.size, 16384, &n);
    if (e == TLS_IO_OK) {
      r->in.size += n;
      return true;
    }
    if (e == TLS_IO_EOF || e == TLS_IO_FAILED)
      return false;
    await(r, e, what);
  }
}

static void read_body(struct raw *r, const struct http_frame *frame, struct buf *out) {
  struct http_body body;
  http_body_init(&body, frame);
  while (!body.done) {
    struct bytes in = buf_bytes(&r->in), data;
    size_t before = in.size;
    if (in.size == 0 && !fill(r, "reading a body"))
      fail_msg("the body ends early");
    in = buf_bytes(&r->in);
    before = in.size;
    assert_ok(http_body_next(&body, &in, &data));
    buf_put_bytes(out, data);
    buf_drop(&r->in, before - in.size);
  }
}

void raw_reply(struct raw *r, enum http_method method, struct http_reply *out) {
  struct http_scan scan = { 0 };
  struct http_frame frame;
  size_t size = 0;
  *out = (struct http_reply){ 0 };
  for (;;) {
    assert_ok(http_scan_reply(&scan, buf_bytes(&r->in), 65536, &size));
    if (size)
      break;
    if (!fill(r, "waiting for an answer"))
      fail_msg("the connection ended without an answer");
  }
  assert_ok(http_parse_reply(bytes_of(r->in.data, size), method, out, &frame));
  buf_drop(&r->in, size);
  read_body(r, &frame, &out->body);
}

void raw_expect(struct raw *r, int status, const char *body) {
  AUTO_HTTP_REPLY reply;
  raw_reply(r, HTTP_GET, &reply);
  assert_int_equal(reply.status, status);
  assert_text(buf_bytes(&reply.body), body);
}

void raw_expect_close(struct raw *r) {
  while (r->in.size == 0 && fill(r, "waiting for the end"))
    ;
  assert_int_equal(r->in.size, 0);
}

void raw_expect_silence(struct raw *r, unsigned ms) {
  struct pollfd p = { .fd = r->io.fd, .events = POLLIN };
  assert_int_equal(r->in.size, 0);
  assert_int_equal(poll(&p, 1, (int)ms), 0);
}
