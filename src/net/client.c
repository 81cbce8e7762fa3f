#include "net/client.h"

#include "net/dial.h"
#include "net/reply.h"
#include "net/tls_io.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <strings.h>

#define HEAD_MAX 65536
#define BODY_MAX 67108864ul
#define INTERIM_MAX 16 /* answers before the answer */

struct http_client {
  char host[256]; /* without brackets */
  char port[6];
  char authority[272]; /* for Host and messages; without the usual port */
  struct tls *tls;
  unsigned timeout_ms;
  uint64_t budget_us; /* what the present exchange may still wait */
  struct tls_io io;
  struct buf in; /* received, up to used looked at */
  size_t used;
};

static inline void addrinfo_cleanup(struct addrinfo **a) {
  if (*a)
    freeaddrinfo(*a);
}
#define AUTO_ADDRINFO __attribute__((cleanup(addrinfo_cleanup))) struct addrinfo

/* The URL. */

static err_t parse_authority(struct bytes text, struct http_client *c) {
  struct bytes host, port = { 0 };
  if (text.size && text.data[0] == '[') {
    port = bytes_split(bytes_of(text.data + 1, text.size - 1), ']', &host);
    if (!port.data || (port.size && port.data[0] != ':'))
      return ERR_USAGE;
    if (port.size)
      port = bytes_of(port.data + 1, port.size - 1);
  } else {
    port = bytes_split(text, ':', &host);
  }
  uint64_t number = 443;
  if (host.size == 0 || bytes_to_cstr(host, c->host, sizeof c->host) != OK)
    return ERR_USAGE;
  if (port.data && bytes_to_u64(port, 65535, &number) != OK)
    return ERR_USAGE;
  snprintf(c->port, sizeof c->port, "%u", (unsigned)number);
  bool v6 = strchr(c->host, ':') != NULL;
  snprintf(c->authority, sizeof c->authority, "%s%s%s%s%s", v6 ? "[" : "", c->host, v6 ? "]" : "",
           number == 443 ? "" : ":", number == 443 ? "" : c->port);
  return OK;
}

static err_t parse_url(const char *url, struct http_client *c) {
  static const char scheme[] = "https://";
  struct bytes text = bytes_str(url);
  if (strncasecmp(url, scheme, sizeof scheme - 1) != 0)
    FAIL(ERR_USAGE, "'%s' does not start with https://", url);
  text = bytes_of(text.data + sizeof scheme - 1, text.size - (sizeof scheme - 1));
  if (text.size && text.data[text.size - 1] == '/')
    text.size--;
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] <= ' ' || text.data[i] >= 0x7f || strchr("/?#@", text.data[i]))
      FAIL(ERR_USAGE, "'%s' is more than https://host[:port]", url);
  if (parse_authority(text, c) != OK)
    FAIL(ERR_USAGE, "'%s' is not https://host[:port]", url);
  return OK;
}

err_t http_client_new(const char *url, struct tls *tls, unsigned timeout_ms,
                      struct http_client **out) {
  AUTO(http_client) struct http_client *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  c->io = TLS_IO_CLOSED;
  c->timeout_ms = timeout_ms;
  TRY(parse_url(url, c));
  c->tls = tls_ref(tls);
  *out = TAKE(c);
  return OK;
}

static void hang_up(struct http_client *c) {
  if (c->io.ssl)
    tls_io_shutdown(&c->io);
  tls_io_close(&c->io);
  buf_free(&c->in);
  c->used = 0;
}

void http_client_free(struct http_client *c) {
  if (!c)
    return;
  hang_up(c);
  tls_free(c->tls);
  mem_free(c);
}

void http_client_set_timeout(struct http_client *c, unsigned timeout_ms) {
  c->timeout_ms = timeout_ms;
}

/* Connecting. */

static err_t connect_error(const struct http_client *c, int error) {
  if (error == ECONNREFUSED)
    FAIL(ERR_IO, "connection refused by %s", c->authority);
  if (error == ETIMEDOUT)
    FAIL(ERR_IO, "%s does not answer", c->authority);
  FAIL(ERR_IO, "cannot connect to %s: %s", c->authority, strerror(error));
}

static err_t dial(struct http_client *c, int *fd) {
  AUTO_ADDRINFO *list = NULL;
  struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
  int e = getaddrinfo(c->host, c->port, &want, &list), error = EADDRNOTAVAIL;
  if (e != 0)
    FAIL(ERR_IO, "cannot resolve '%s': %s", c->host, gai_strerror(e));
  for (const struct addrinfo *a = list; a; a = a->ai_next) {
    error = net_dial(a->ai_addr, a->ai_addrlen, SOCK_STREAM, &c->budget_us, fd);
    if (error == 0)
      return OK;
  }
  return connect_error(c, error);
}

static err_t wait_for(struct http_client *c, enum tls_io_result want) {
  if (tls_io_wait(&c->io, want, &c->budget_us) != OK)
    FAIL(ERR_IO, "%s did not answer within %u ms", c->authority, c->timeout_ms);
  return OK;
}

static err_t handshake(struct http_client *c) {
  for (;;) {
    enum tls_io_result r = tls_io_handshake(&c->io);
    if (r == TLS_IO_OK)
      return OK;
    if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE)
      return tls_io_handshake_error(&c->io);
    TRY(wait_for(c, r));
  }
}

static err_t hook_up(struct http_client *c) {
  int fd = -1;
  TRY(dial(c, &fd));
  TRY(tls_io_connect(&c->io, c->tls, fd, c->host));
  return handshake(c);
}

/* One exchange. */

/* ERR_CLOSED within this file only: a kept connection may have been closed while it was idle. */
static err_t broken(const struct http_client *c) {
  FAIL(ERR_CLOSED, "%s closed the connection", c->authority);
}

static err_t send_all(struct http_client *c, struct bytes data) {
  while (data.size) {
    size_t n = 0;
    enum tls_io_result r = tls_io_write(&c->io, data.data, data.size, &n);
    data = bytes_of(data.data + n, data.size - n);
    if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE)
      TRY(wait_for(c, r));
    else if (r != TLS_IO_OK)
      return broken(c);
  }
  return OK;
}

static struct bytes input(const struct http_client *c) {
  return c->in.size ? bytes_of(c->in.data + c->used, c->in.size - c->used) : (struct bytes){ 0 };
}

static void consume(struct http_client *c, size_t n) {
  c->used += n;
  if (c->used == c->in.size) {
    buf_clear(&c->in);
    c->used = 0;
  }
}

static err_t fill(struct http_client *c) {
  buf_drop(&c->in, c->used);
  c->used = 0;
  if (!buf_reserve(&c->in, READ_ROOM))
    return ERR_NOMEM;
  for (;;) {
    size_t n;
    enum tls_io_result r =
      tls_io_read(&c->io, c->in.data + c->in.size, c->in.room - c->in.size, &n);
    if (r == TLS_IO_OK) {
      c->in.size += n;
      return OK;
    }
    if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE)
      return broken(c);
    TRY(wait_for(c, r));
  }
}

static err_t read_one_head(struct http_client *c, enum http_method method, struct http_reply *out,
                           struct http_frame *frame) {
  struct http_scan scan = { 0 };
  size_t size = 0;
  for (;;) {
    TRY(http_scan_reply(&scan, input(c), HEAD_MAX, &size));
    if (size)
      break;
    TRY(fill(c));
  }
  buf_clear(&out->headers);
  TRY(http_parse_reply(bytes_of(c->in.data + c->used, size), method, out, frame));
  consume(c, size);
  return OK;
}

/* "100 Continue" and its like announce the answer. */
static err_t read_head(struct http_client *c, enum http_method method, struct http_reply *out,
                       struct http_frame *frame) {
  for (unsigned i = 0; i < INTERIM_MAX; i++) {
    TRY(read_one_head(c, method, out, frame));
    if (out->status >= 200)
      return OK;
  }
  FAIL(ERR_HTTP, "more than %d interim answers", INTERIM_MAX);
}

static err_t read_body(struct http_client *c, const struct http_frame *frame, struct buf *out) {
  struct http_body body;
  http_body_init(&body, frame);
  while (!body.done) {
    struct bytes in = input(c), data;
    if (in.size == 0) {
      TRY(fill(c));
      continue;
    }
    size_t before = in.size;
    TRY(http_body_next(&body, &in, &data));
    if (data.size > BODY_MAX - out->size)
      FAIL(ERR_TOO_LARGE, "an answer of more than %lu bytes", BODY_MAX);
    buf_put_bytes(out, data);
    TRY(buf_ok(out));
    consume(c, before - in.size);
  }
  return OK;
}

static err_t put_request(const struct http_client *c, enum http_method method, const char *target,
                         struct bytes headers, struct bytes body, struct buf *out) {
  for (const char *p = target; *p; p++)
    if (*p <= ' ' || *p == 0x7f)
      FAIL(ERR_USAGE, "a byte in the path that must be escaped");
  buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", http_method_name(method), target, c->authority);
  if (body.size || method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH)
    buf_printf(out, "Content-Length: %zu\r\n", body.size);
  buf_put_bytes(out, headers);
  buf_put(out, "\r\n", 2);
  buf_put_bytes(out, body);
  return buf_ok(out);
}

/* A kept connection that was closed, or on which something came unasked, is not used again. */
static void check_kept(struct http_client *c) {
  uint8_t byte;
  size_t n;
  if (c->io.ssl && tls_io_read(&c->io, &byte, 1, &n) != TLS_IO_WANT_READ)
    hang_up(c);
}

/* Whether it may be done again when it is not known whether it was done. */
static bool repeatable(enum http_method m) {
  return m != HTTP_POST && m != HTTP_PATCH;
}

/* *heard: some of the answer has come. */
static err_t exchange(struct http_client *c, enum http_method method, struct bytes request,
                      struct http_reply *out, bool *heard) {
  struct http_frame frame;
  err_t sent = send_all(c, request), e = read_head(c, method, out, &frame);
  *heard = e == OK || c->in.size > 0;
  if (e != OK)
    return sent != OK ? sent : e;
  TRY(read_body(c, &frame, &out->body));
  if (frame.close || sent != OK)
    hang_up(c);
  return OK;
}

/* What callers are told of it. */
static err_t told(const struct http_client *c, err_t e) {
  if (e == ERR_CLOSED)
    FAIL(ERR_IO, "%s closed the connection", c->authority);
  if (e == ERR_HTTP || e == ERR_HEAD_TOO_LARGE)
    FAIL(ERR_IO, "%s sent a malformed answer", c->authority);
  return e;
}

err_t http_client_request(struct http_client *c, enum http_method method,
                          const char *path_and_query, struct bytes headers, struct bytes body,
                          struct http_reply *out) {
  AUTO_BUF request = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  TRY(put_request(c, method, path_and_query, headers, body, &request));
  c->budget_us = (uint64_t)c->timeout_ms * 1000;
  check_kept(c);
  bool kept = c->io.ssl != NULL, heard = false;
  err_t e = kept ? OK : hook_up(c);
  if (e == OK)
    e = exchange(c, method, buf_bytes(&request), &reply, &heard);
  if (e == ERR_CLOSED && kept && !heard && repeatable(method)) {
    hang_up(c);
    e = hook_up(c);
    if (e == OK)
      e = exchange(c, method, buf_bytes(&request), &reply, &heard);
  }
  if (e != OK) {
    hang_up(c);
    return told(c, e);
  }
  *out = reply;
  reply = (struct http_reply){ 0 };
  return OK;
}
