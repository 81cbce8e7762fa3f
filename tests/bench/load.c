#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_ROOM 4096
#define EVENTS 64
#define PATIENCE_MS 30000 /* without any answer */

struct conn {
  int fd;
  SSL *ssl;
  struct buf in;
  uint64_t sent_ns;
};

struct load {
  SSL_CTX *ctx;
  int epoll;
  struct conn *conns;
  unsigned count;
  /* The present run. */
  const struct load_spec *spec;
  struct buf request;
  uint64_t number;    /* of the next request */
  uint64_t stop_ns;   /* no request is sent after it */
  unsigned waiting;   /* connections that wait for an answer */
  struct buf samples; /* latencies: uint32_t nanoseconds */
};

/* Connecting. */

static SSL_CTX *new_context(const char *ca) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  if (ctx && SSL_CTX_load_verify_file(ctx, ca) == 1) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    return ctx;
  }
  SSL_CTX_free(ctx);
  return NULL;
}

static err_t dial(unsigned port, int *out) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0)
    FAIL(ERR_IO, "socket: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    close(fd);
    FAIL(ERR_IO, "connect: %s", strerror(errno));
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  *out = fd;
  return OK;
}

static void conn_close(struct conn *c) {
  SSL_free(c->ssl);
  if (c->fd >= 0)
    close(c->fd);
  buf_free(&c->in);
}

static err_t conn_open(SSL_CTX *ctx, unsigned port, struct conn *c) {
  *c = (struct conn){ .fd = -1 };
  TRY(dial(port, &c->fd));
  c->ssl = SSL_new(ctx);
  if (!c->ssl || SSL_set1_host(c->ssl, "localhost") != 1 ||
      SSL_set_tlsext_host_name(c->ssl, "localhost") != 1 || SSL_set_fd(c->ssl, c->fd) != 1)
    return ERR_NOMEM;
  if (SSL_connect(c->ssl) != 1)
    FAIL(ERR_IO, "the TLS handshake failed");
  SSL_free_buffers(c->ssl); /* thousands of them stay idle */
  return OK;
}

static err_t watch(struct load *l, struct conn *c) {
  struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
  if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
    FAIL(ERR_IO, "epoll_ctl: %s", strerror(errno));
  return OK;
}

void load_close(struct load *l) {
  for (unsigned i = 0; i < l->count; i++)
    conn_close(&l->conns[i]);
  if (l->epoll >= 0)
    close(l->epoll);
  SSL_CTX_free(l->ctx);
  buf_free(&l->request);
  buf_free(&l->samples);
  mem_free(l->conns);
  mem_free(l);
}

err_t load_open(const struct server *s, unsigned connections, struct load **out) {
  AUTO(load) struct load *l = mem_zalloc(sizeof *l);
  if (!l)
    return ERR_NOMEM;
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  l->ctx = new_context(s->settings.text[SET_CA]);
  l->conns = mem_zalloc(connections * sizeof *l->conns);
  if (l->epoll < 0 || !l->ctx || !l->conns)
    FAIL(ERR_NOMEM, "no load generator");
  while (l->count < connections) {
    struct conn *c = &l->conns[l->count++];
    TRY(conn_open(l->ctx, s->port, c));
    TRY(watch(l, c));
  }
  *out = TAKE(l);
  return OK;
}

/* Sending and receiving. */

static void put_number(struct load *l) {
  char digits[NUMBER_SIZE + 1];
  snprintf(digits, sizeof digits, "%0*llu", NUMBER_SIZE, (unsigned long long)l->number++);
  memcpy(l->request.data + l->spec->number_at, digits, NUMBER_SIZE);
}

/* The connection has nothing else under way: the few bytes find room in its socket. */
static err_t send_request(struct load *l, struct conn *c) {
  size_t n;
  if (l->spec->number_at)
    put_number(l);
  c->sent_ns = now_ns();
  if (SSL_write_ex(c->ssl, l->request.data, l->request.size, &n) != 1)
    FAIL(ERR_IO, "a request could not be sent");
  return OK;
}

/* True when the answer is whole; *head is the size of its head. */
static bool whole(const struct buf *in, size_t *head) {
  static const char length_name[] = "\r\nContent-Length: ";
  const char *text = (const char *)in->data;
  const char *end = memmem(text, in->size, "\r\n\r\n", 4);
  if (!end)
    return false;
  *head = (size_t)(end - text) + 4;
  const char *length = memmem(text, *head, length_name, sizeof length_name - 1);
  return length && in->size >= *head + strtoul(length + sizeof length_name - 1, NULL, 10);
}

static err_t check(const struct load_spec *spec, const struct buf *in, size_t head) {
  static const char version[] = "HTTP/1.1 ";
  const char *text = (const char *)in->data;
  size_t n = strlen(spec->expect);
  int status = atoi(text + sizeof version - 1);
  if (memcmp(text, version, sizeof version - 1) != 0 || status != spec->status)
    FAIL(ERR_INTERNAL, "an answer has status %d: %.*s", status, (int)(in->size - head),
         text + head);
  if (n && !memmem(text, in->size, spec->expect, n))
    FAIL(ERR_INTERNAL, "an answer is not what it should be: %.*s", (int)(in->size - head),
         text + head);
  return OK;
}

static err_t answered(struct load *l, struct conn *c, size_t head) {
  uint64_t now = now_ns(), took = now - c->sent_ns;
  uint32_t sample = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
  TRY(check(l->spec, &c->in, head));
  buf_put(&l->samples, &sample, sizeof sample);
  buf_clear(&c->in);
  if (now < l->stop_ns)
    return send_request(l, c);
  l->waiting--;
  return OK;
}

static err_t receive(struct load *l, struct conn *c) {
  for (;;) {
    size_t n, head;
    if (!buf_reserve(&c->in, READ_ROOM))
      return ERR_NOMEM;
    if (SSL_read_ex(c->ssl, c->in.data + c->in.size, READ_ROOM, &n) != 1) {
      if (SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_READ)
        return OK;
      FAIL(ERR_IO, "the server closed a connection");
    }
    c->in.size += n;
    if (whole(&c->in, &head))
      return answered(l, c, head);
  }
}

static err_t drive(struct load *l) {
  struct epoll_event events[EVENTS];
  for (unsigned i = 0; i < l->count; i++)
    TRY(send_request(l, &l->conns[i]));
  while (l->waiting) {
    int n = epoll_wait(l->epoll, events, EVENTS, PATIENCE_MS);
    if (n == 0)
      FAIL(ERR_TIMEOUT, "no answer for %d seconds", PATIENCE_MS / 1000);
    for (int i = 0; i < n; i++)
      TRY(receive(l, events[i].data.ptr));
  }
  return buf_ok(&l->samples);
}

err_t load_run(struct load *l, const struct load_spec *spec, double seconds,
               struct load_result *out) {
  uint64_t from = now_ns();
  l->spec = spec;
  l->stop_ns = from + (uint64_t)(seconds * 1e9);
  l->waiting = l->count;
  buf_clear(&l->samples);
  buf_clear(&l->request);
  buf_put_bytes(&l->request, spec->request);
  TRY(buf_ok(&l->request));
  TRY(drive(l));
  out->seconds = (double)(now_ns() - from) / 1e9;
  out->count = l->samples.size / sizeof(uint32_t);
  samples_sort(&l->samples);
  out->p50_us = samples_us(&l->samples, 0.5);
  out->p99_us = samples_us(&l->samples, 0.99);
  return OK;
}

static err_t shake_hands(SSL_CTX *ctx, unsigned port, double seconds, uint64_t *count) {
  uint64_t stop = now_ns() + (uint64_t)(seconds * 1e9);
  for (*count = 0; now_ns() < stop; ++*count) {
    struct conn c;
    err_t e = conn_open(ctx, port, &c);
    conn_close(&c);
    TRY(e);
  }
  return OK;
}

err_t load_handshakes(const struct server *s, double seconds, uint64_t *count) {
  SSL_CTX *ctx = new_context(s->settings.text[SET_CA]);
  if (!ctx)
    return ERR_NOMEM;
  err_t e = shake_hands(ctx, s->port, seconds, count);
  SSL_CTX_free(ctx);
  return e;
}
