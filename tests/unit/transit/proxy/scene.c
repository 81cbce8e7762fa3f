#include "scene.h"

#include "base/file.h"
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>

#define PATIENCE_MS 10000

/* The scene. */

static void on_end(void *ctx, const struct proxy_ended *e) {
  struct scene *s = ctx;
  pthread_mutex_lock(&s->lock);
  if (s->end_count < ENDS_MAX) {
    struct told *t = &s->ends[s->end_count++];
    t->end = e->end;
    t->failure = e->failure;
    t->received = e->received;
    t->sent = e->sent;
    snprintf(t->identity, sizeof t->identity, "%s", e->identity);
    snprintf(t->sni, sizeof t->sni, "%s", e->sni);
    snprintf(t->backend, sizeof t->backend, "%s", e->backend);
    snprintf(t->from, sizeof t->from, "%s", e->from);
    snprintf(t->why, sizeof t->why, "%s", e->why);
  }
  pthread_mutex_unlock(&s->lock);
}

void scene_crypto(void) {
  static bool ready;
  bool locked;
  if (!ready)
    assert_ok(crypto_init(1 << 20, &locked));
  ready = true;
}

void scene_init(struct scene *s) {
  scene_crypto();
  *s = (struct scene){ .backend = -1 };
  pthread_mutex_init(&s->lock, NULL);
  assert_ok(pki_init(&s->pki));
  assert_ok(pki_init(&s->foreign));
  assert_ok(pki_issue(&s->pki, &(struct identity_spec){ .dns = "server.example" }, &s->server));
  assert_ok(pki_issue(&s->pki, &(struct identity_spec){ .dns = "client.example" }, &s->client));
  assert_ok(pki_tls(&s->pki, &s->server, true, NULL, &s->server_tls));
  assert_ok(pki_tls(&s->pki, &s->client, false, NULL, &s->client_tls));
  assert_ok(listen_tcp("127.0.0.1:0", &s->backend));
  snprintf(s->backend_address, sizeof s->backend_address, "127.0.0.1:%u", listen_port(s->backend));
}

void scene_free(struct scene *s) {
  scene_stop(s);
  if (s->backend >= 0)
    close(s->backend);
  tls_free(s->server_tls);
  tls_free(s->client_tls);
  identity_free(&s->server);
  identity_free(&s->client);
  pki_free(&s->pki);
  pki_free(&s->foreign);
  pthread_mutex_destroy(&s->lock);
}

void scene_start(struct scene *s, void (*change)(struct proxy_options *o)) {
  static const char *const listen[] = { "127.0.0.1:0" }, *const patterns[] = { "client.example" };
  const char *backends[] = { s->backend_address };
  struct proxy_route route = { .backends = backends,
                               .backend_count = 1,
                               .peers = { patterns, 1, false } };
  struct proxy_options o = { .service = "test",
                             .listen = listen,
                             .listen_count = 1,
                             .routes = &route,
                             .route_count = 1,
                             .limits = PROXY_LIMITS_DEFAULT,
                             .loops = 2,
                             .ended = on_end,
                             .ctx = s };
  s->end_count = 0;
  if (change)
    change(&o);
  assert_ok(proxy_new(&o, o.mode == PROXY_SERVER ? s->server_tls : s->client_tls, &s->proxy));
  assert_ok(proxy_start(s->proxy));
  s->port = proxy_port(s->proxy, 0);
}

void scene_stop(struct scene *s) {
  if (s->proxy)
    proxy_stop(s->proxy, 0);
  proxy_free(TAKE(s->proxy));
}

size_t scene_ends(struct scene *s) {
  pthread_mutex_lock(&s->lock);
  size_t n = s->end_count;
  pthread_mutex_unlock(&s->lock);
  return n;
}

struct told scene_end(struct scene *s, size_t i) {
  for (unsigned ms = 0; scene_ends(s) <= i; ms++) {
    if (ms == PATIENCE_MS)
      fail_msg("only %zu connections have ended", scene_ends(s));
    usleep(1000);
  }
  return s->ends[i]; /* it stays as it is */
}

struct proxy_stats scene_stats(const struct scene *s) {
  struct proxy_stats stats;
  proxy_stats(s->proxy, &stats);
  return stats;
}

/* In the plain. */

static void set_timeouts(int fd) {
  struct timeval t = { .tv_sec = PATIENCE_MS / 1000 };
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

int plain_listen_unix(const char *path) {
  int fd;
  assert_ok(listen_unix(path, 0600, &fd));
  return fd;
}

static int connect_to(const void *address, socklen_t size) {
  int fd = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  set_timeouts(fd);
  assert_int_equal(connect(fd, address, size), 0);
  return fd;
}

static struct sockaddr_in loopback(unsigned port) {
  return (struct sockaddr_in){ .sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int plain_connect(unsigned port) {
  struct sockaddr_in a = loopback(port);
  return connect_to(&a, sizeof a);
}

bool plain_can_connect(unsigned port) {
  struct sockaddr_in a = loopback(port);
  AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
}

int plain_connect_unix(const char *path) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
  return connect_to(&a, sizeof a);
}

bool plain_waits(int listener, unsigned ms) {
  struct pollfd p = { .fd = listener, .events = POLLIN };
  return poll(&p, 1, (int)ms) == 1;
}

int plain_accept(int listener) {
  if (!plain_waits(listener, PATIENCE_MS))
    fail_msg("nobody connects");
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(fd >= 0);
  set_timeouts(fd);
  return fd;
}

void plain_say(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void plain_expect(int fd, const char *text) {
  char got[256];
  size_t n = 0, size = strlen(text);
  while (n < size) {
    ssize_t one = recv(fd, got + n, size - n, 0);
    if (one <= 0)
      fail_msg("'%.*s' and then %s instead of '%s'", (int)n, got,
               one < 0 ? strerror(errno) : "the end", text);
    n += (size_t)one;
  }
  assert_text(bytes_of(got, n), text);
}

void plain_expect_end(int fd) {
  char c;
  ssize_t n = recv(fd, &c, 1, 0);
  if (n != 0)
    fail_msg("%s instead of an end", n < 0 ? strerror(errno) : "a byte");
}

void plain_expect_reset(int fd) {
  char piece[65536];
  ssize_t n;
  while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
    ;
  assert_int_equal(n, -1);
  assert_int_equal(errno, ECONNRESET);
}

static uint8_t pattern(size_t i) {
  return (uint8_t)(i * 7 + i / 251);
}

static size_t fill(uint8_t *piece, size_t room, size_t at, size_t size) {
  size_t n = size - at < room ? size - at : room;
  for (size_t i = 0; i < n; i++)
    piece[i] = pattern(at + i);
  return n;
}

static bool same(const uint8_t *piece, size_t n, size_t at) {
  for (size_t i = 0; i < n; i++)
    if (piece[i] != pattern(at + i))
      return false;
  return true;
}

bool plain_pump(int fd, size_t size) {
  uint8_t piece[40000];
  size_t sent = 0, got = 0;
  while (got < size) {
    struct pollfd p = { .fd = fd, .events = (short)(POLLIN | (sent < size ? POLLOUT : 0)) };
    if (poll(&p, 1, PATIENCE_MS) != 1)
      return false;
    if (p.revents & POLLOUT) {
      ssize_t n =
        send(fd, piece, fill(piece, sizeof piece, sent, size), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN)
        return false;
      sent += n > 0 ? (size_t)n : 0;
    }
    if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
      ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && !same(piece, (size_t)n, got)))
        return false;
      got += n > 0 ? (size_t)n : 0;
    }
  }
  return got == size;
}

static void *echo_one(void *arg) {
  int fd = (int)(intptr_t)arg;
  char piece[30000];
  ssize_t n;
  while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
    for (ssize_t at = 0, one; at < n; at += one)
      if ((one = send(fd, piece + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
        break;
  close(fd);
  return NULL;
}

void *plain_echo(void *listener) {
  int l = *(int *)listener;
  for (;;) {
    struct pollfd p = { .fd = l, .events = POLLIN };
    poll(&p, 1, -1);
    int fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 && errno != EAGAIN)
      return NULL;
    pthread_t thread;
    if (fd >= 0 && pthread_create(&thread, NULL, echo_one, (void *)(intptr_t)fd) == 0)
      pthread_detach(thread);
  }
}

/* Peers. */

static bool await(struct peer *p, enum tls_io_result r) {
  uint64_t budget_us = PATIENCE_MS * 1000ul;
  if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE)
    return false;
  if (tls_io_wait(&p->io, r, &budget_us) != OK)
    fail_msg("nothing moves");
  return true;
}

bool peer_open(struct peer *p, unsigned port, struct tls *tls, const char *name) {
  return peer_over(p, plain_connect(port), tls, name);
}

bool peer_over(struct peer *p, int fd, struct tls *tls, const char *name) {
  enum tls_io_result r;
  *p = (struct peer){ TLS_IO_CLOSED };
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  assert_ok(tls_io_open(&p->io, tls, fd, NULL, name));
  do
    r = tls_io_handshake(&p->io);
  while (r != TLS_IO_OK && await(p, r));
  return r == TLS_IO_OK;
}

void peer_say(struct peer *p, const char *text) {
  size_t n;
  enum tls_io_result r;
  do
    r = tls_io_write(&p->io, text, strlen(text), &n);
  while (r != TLS_IO_OK && await(p, r));
  assert_int_equal(r, TLS_IO_OK);
  assert_int_equal(n, strlen(text));
}

static enum tls_io_result read_some(struct peer *p, char *to, size_t room, size_t *n) {
  enum tls_io_result r;
  do
    r = tls_io_read(&p->io, to, room, n);
  while (r != TLS_IO_OK && await(p, r));
  return r;
}

void peer_expect(struct peer *p, const char *text) {
  char got[256];
  size_t n = 0, size = strlen(text);
  while (n < size) {
    size_t one = 0;
    enum tls_io_result r = read_some(p, got + n, size - n, &one);
    if (r != TLS_IO_OK)
      fail_msg("'%.*s' and then %s instead of '%s'", (int)n, got,
               r == TLS_IO_EOF ? "the end" : "a failure", text);
    n += one;
  }
  assert_text(bytes_of(got, n), text);
}

static enum tls_io_result read_to_end(struct peer *p) {
  char piece[16384];
  enum tls_io_result r;
  size_t n;
  while ((r = read_some(p, piece, sizeof piece, &n)) == TLS_IO_OK)
    ;
  return r;
}

void peer_expect_end(struct peer *p) {
  assert_int_equal(read_to_end(p), TLS_IO_EOF);
}

void peer_expect_cut(struct peer *p) {
  assert_int_equal(read_to_end(p), TLS_IO_FAILED);
}

void peer_close(struct peer *p) {
  tls_io_close(&p->io);
}
