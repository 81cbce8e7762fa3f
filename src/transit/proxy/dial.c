/* Connecting to the backend: its addresses one after the other, from the last that worked on. */
#include "transit/proxy/pair.h"

#include "base/log.h"

#include <errno.h>

static bool to_plain(const struct pair *c) {
  return c->loop->proxy->mode == PROXY_SERVER;
}

static int *socket_of(struct pair *c) {
  return to_plain(c) ? &c->plain : &c->io.fd;
}

static struct side *side_of(struct pair *c) {
  return to_plain(c) ? &c->plain_side : &c->tls_side;
}

static void drop(struct pair *c) {
  pair_leave(c, side_of(c));
  c->dial.connecting = false;
}

/* 0, EINPROGRESS, or why not. */
static int connect_to(struct pair *c, const struct net_address *a) {
  int *fd = socket_of(c);
  *fd = socket(a->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (*fd < 0)
    return errno;
  if (a->socket.ss_family != AF_UNIX)
    net_set_tcp(*fd);
  int e = connect(*fd, (const struct sockaddr *)&a->socket, a->size) == 0 ? 0 : errno;
  if (e && e != EINPROGRESS)
    return e;
  return pair_watch(c, side_of(c), e == EINPROGRESS) ? e : ENOMEM;
}

static int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static void next_address(struct pair *c) {
  struct dialling *d = &c->dial;
  drop(c);
  d->full = false;
  d->until_ms = 0;
  d->tried++;
  d->at = (uint8_t)((d->at + 1u) % d->list->count);
}

static enum step_result connected(struct pair *c) {
  struct dialling *d = &c->dial;
  AUTO_BUF header = BUF_EMPTY;
  d->connecting = false;
  atomic_store_explicit(&d->list->good, d->at, memory_order_relaxed);
  *(to_plain(c) ? &c->readable : &c->io.may_recv) = true;
  if (!to_plain(c) || !c->loop->proxy->header_to)
    return STEP_DONE;
  if (header_put(c, &header) != OK)
    return pair_end(c, PROXY_END_MEMORY, "header");
  /* A fresh socket has room for it. */
  if (send(c->plain, header.data, header.size, MSG_NOSIGNAL) != (ssize_t)header.size)
    return pair_end(c, PROXY_END_DIAL, "header");
  return STEP_DONE;
}

static enum step_result away(struct pair *c, enum proxy_end end, const char *why) {
  if (!(c->told = prelude_tell(c, "the proxy does not reach the server")))
    return pair_end(c, end, why);
  return pair_refuse(c, end, TLS_FAILURE_NONE, why);
}

/* A server that speaks first is dialled before its client has proven anything: so few of them that
 * silent clients do not use up what it takes. */
static bool take_place(struct pair *c) {
  struct proxy *p = c->loop->proxy;
  if (!p->dials_first || c->unproven)
    return true;
  c->unproven = atomic_fetch_add(&p->unproven, 1) < p->limits.unproven;
  if (!c->unproven)
    atomic_fetch_sub(&p->unproven, 1);
  return c->unproven;
}

void dial_give_place(struct pair *c) {
  if (c->unproven)
    atomic_fetch_sub(&c->loop->proxy->unproven, 1);
  c->unproven = false;
}

static enum step_result no_place(struct pair *c) {
  static _Atomic uint64_t logged;
  const struct proxy *p = c->loop->proxy;
  if (log_seldom(&logged))
    log_warn("proxy", "%s: the places of %u clients that have not proven who they are stay taken",
             p->service, p->limits.unproven);
  return away(c, PROXY_END_LIMIT, "too many clients have not proven who they are yet");
}

static enum step_result wait_for_place(struct pair *c) {
  struct dialling *d = &c->dial;
  if (!d->queues)
    d->until_ms = c->loop->now_ms + c->loop->proxy->limits.handshake_ms;
  d->queues = true;
  if (c->io.gone)
    return pair_end(c, PROXY_END_CUT, "it did not wait for the server");
  if (c->loop->now_ms >= d->until_ms)
    return no_place(c);
  pair_deadline(c, RETRY_MS);
  return STEP_WAIT;
}

static enum step_result failed(struct pair *c, int error) {
  static _Atomic uint64_t logged;
  if (log_seldom(&logged))
    log_warn("proxy", "%s: no backend takes a connection: %s", c->loop->proxy->service,
             strerror(error));
  return away(c, PROXY_END_DIAL, strerror(error));
}

static void begin_address(struct pair *c) {
  unsigned ms = c->loop->proxy->limits.dial_ms;
  if (c->dial.until_ms)
    return;
  c->dial.until_ms = c->loop->now_ms + ms;
  pair_deadline(c, ms);
}

/* A Unix socket whose backlog is full says so, and not when there is room again. */
static bool try_later(struct pair *c, int error) {
  c->dial.full = error == EAGAIN && c->loop->now_ms < c->dial.until_ms;
  if (c->dial.full) {
    drop(c);
    pair_deadline(c, RETRY_MS);
  }
  return c->dial.full;
}

static enum step_result try_all(struct pair *c, int error) {
  struct dialling *d = &c->dial;
  while (d->tried < d->list->count) {
    begin_address(c);
    error = connect_to(c, &d->list->items[d->at]);
    if (error == 0)
      return connected(c);
    if (error == EINPROGRESS) {
      d->connecting = true;
      return STEP_WAIT;
    }
    if (try_later(c, error))
      return STEP_WAIT;
    next_address(c);
  }
  return failed(c, error);
}

static enum step_result wait_for_addresses(struct pair *c) {
  begin_address(c);
  list_move_last(&c->line, &c->loop->asking);
  return STEP_WAIT;
}

enum step_result step_dial(struct pair *c) {
  struct proxy *p = c->loop->proxy;
  struct dialling *d = &c->dial;
  if (!c->route && !(c->route = routes_find(&p->routes, NULL)))
    return pair_end(c, PROXY_END_NAME, "");
  if (!d->list) {
    if (!(d->list = resolver_get(p->resolver, c->route->target)))
      return wait_for_addresses(c);
    d->at = (uint8_t)(atomic_load_explicit(&d->list->good, memory_order_relaxed));
    d->until_ms = 0;
  }
  if (!take_place(c))
    return wait_for_place(c);
  if (d->queues)
    d->until_ms = 0;
  d->queues = false;
  if (d->full)
    return STEP_WAIT; /* something else happened */
  if (!d->connecting)
    return try_all(c, 0);
  if (!side_of(c)->writable)
    return STEP_WAIT;
  int error = connect_error(*socket_of(c));
  if (error == 0)
    return connected(c);
  next_address(c);
  return try_all(c, error);
}

void dial_timeout(struct pair *c) {
  struct dialling *d = &c->dial;
  if (!d->list) {
    away(c, PROXY_END_DIAL, "the backend's name is not known");
    return;
  }
  if (d->full)
    d->full = false;
  else if (!d->queues)
    next_address(c);
  if (d->tried == d->list->count)
    failed(c, ETIMEDOUT);
  else
    pair_run(c);
}
