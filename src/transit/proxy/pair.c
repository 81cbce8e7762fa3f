/* A pair from its begin to its end: steps, events, deadlines, and how it is closed. */
#include "transit/proxy/pair.h"

#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

static enum step_result (*const steps[])(struct pair *c) = {
  [STEP_HEADER] = step_header,       [STEP_DIAL] = step_dial,     [STEP_FRONT] = step_front,
  [STEP_HANDSHAKE] = step_handshake, [STEP_INSIDE] = step_inside, [STEP_RELAY] = step_relay,
};

static enum step step_of(const struct pair *c) {
  return c->loop->proxy->steps[c->at];
}

struct pair *pair_new(struct loop *l, int fd, const struct net_address *from) {
  struct pair *c = mem_zalloc(sizeof *c);
  if (!c) {
    close(fd);
    return NULL;
  }
  bool tls = l->proxy->mode == PROXY_SERVER;
  c->tls_side.source.kind = SOURCE_TLS;
  c->plain_side.source.kind = SOURCE_PLAIN;
  c->loop = l;
  list_init(&c->all);
  list_init(&c->line);
  list_init(&c->warm);
  timer_init(&c->timer);
  c->io = TLS_IO_CLOSED;
  c->io.edge = true;
  c->io.fd = tls ? fd : -1;
  c->plain = tls ? -1 : fd;
  c->io.may_recv = c->readable = true;
  c->start_us = clock_mono_us();
  net_host_make(from, &c->from);
  atomic_fetch_add(&l->load, 1);
  atomic_fetch_add(&l->proxy->open, 1);
  return c;
}

/* Closing alone would do, if no fork ever had a copy of the socket for a moment. */
static void unwatch(struct pair *c, struct side *s, int fd) {
  if (s->watched)
    epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, fd, NULL);
  s->watched = s->watches_out = s->writable = false;
}

void pair_leave(struct pair *c, struct side *s) {
  int *fd = s == &c->tls_side ? &c->io.fd : &c->plain;
  unwatch(c, s, *fd);
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

static void release(struct pair *c) {
  struct loop *l = c->loop;
  timer_stop(&l->wheel, &c->timer);
  list_remove(&c->warm);
  unwatch(c, &c->tls_side, c->io.fd);
  tls_io_close(&c->io);
  pair_leave(c, &c->plain_side);
  block_drop(&l->blocks, &c->in.block);
  block_drop(&l->blocks, &c->out.block);
  pipe_drop(&l->pipes, &c->pipe);
  prelude_free(TAKE(c->prelude));
  addresses_free(TAKE(c->dial.list));
  limit_give(l->proxy->limit, TAKE(c->source));
  dial_give_place(c);
  mem_free(TAKE(c->identity));
}

void pair_free(struct pair *c) {
  list_remove(&c->all);
  list_remove(&c->line);
  if (!c->closed)
    release(c);
  atomic_fetch_sub(&c->loop->proxy->open, 1);
  atomic_fetch_sub(&c->loop->load, 1);
  mem_free(c);
}

void pair_deadline(struct pair *c, unsigned ms) {
  if (ms)
    timer_set(&c->loop->wheel, &c->timer, c->loop->now_ms, ms);
  else
    timer_stop(&c->loop->wheel, &c->timer);
}

void pair_later(struct pair *c) {
  list_move_last(&c->line, &c->loop->again);
}

bool pair_watch(struct pair *c, struct side *s, bool out) {
  struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET | (out ? EPOLLOUT : 0u),
                           .data.ptr = s };
  int fd = s == &c->tls_side ? c->io.fd : c->plain;
  if (s->watched && (s->watches_out || !out))
    return true;
  if (epoll_ctl(c->loop->epoll, s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0)
    return false;
  s->watched = true;
  s->watches_out = out;
  return true;
}

/* The end. */

static void name_backend(const struct pair *c, char *out, size_t size) {
  struct net_host host;
  int fd = c->loop->proxy->mode == PROXY_SERVER ? c->plain : c->io.fd;
  out[0] = '\0';
  if (!c->dial.list || fd < 0)
    return;
  const struct net_address *a = &c->dial.list->items[c->dial.at];
  if (a->socket.ss_family == AF_UNIX)
    snprintf(out, size, "%s", ((const struct sockaddr_un *)&a->socket)->sun_path);
  else if (net_host_make(a, &host))
    net_host_text(&host, out, size);
}

/* Once for each pair. */
static void report(struct pair *c, enum proxy_end end, enum tls_failure failure, const char *why) {
  struct proxy *p = c->loop->proxy;
  char from[64], backend[sizeof(struct sockaddr_un)];
  struct tls_facts facts;
  if (c->reported)
    return;
  c->reported = true;
  COUNT(c->loop->counts.ends[end], 1);
  if (failure != TLS_FAILURE_NONE)
    COUNT(c->loop->counts.failures[failure], 1);
  if (!p->ended)
    return;
  net_host_text(&c->from, from, sizeof from);
  name_backend(c, backend, sizeof backend);
  tls_io_facts(&c->io, &facts);
  uint64_t duration_us = clock_mono_us() - c->start_us;
  struct proxy_ended e = {
    .service = p->service,
    .from = from,
    .identity = c->identity ? c->identity : "",
    .sni = facts.name,
    .backend = backend,
    .tls_version = facts.version,
    .cipher = facts.cipher,
    .alpn = facts.alpn,
    .start_us = clock_now_us() - (int64_t)duration_us,
    .duration_us = duration_us,
    .received = c->in.bytes,
    .sent = c->out.bytes,
    .end = end,
    .failure = failure,
    .why = why,
  };
  p->ended(p->ctx, &e);
}

static void set_reset(int fd) {
  struct linger now = { .l_onoff = 1 };
  if (fd >= 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Events of this round may still point to it: it is freed at the round's end. */
static void close_pair(struct pair *c) {
  c->closed = true;
  release(c);
  list_move_last(&c->line, &c->loop->dead);
}

enum step_result pair_end(struct pair *c, enum proxy_end end, const char *why) {
  return pair_break(c, end, TLS_FAILURE_NONE, why);
}

enum step_result pair_break(struct pair *c, enum proxy_end end, enum tls_failure failure,
                            const char *why) {
  if (c->closed)
    return STEP_OVER;
  report(c, end, failure, why);
  if (end != PROXY_END_DONE && !c->lingering) {
    set_reset(c->io.fd);
    set_reset(c->plain);
  }
  close_pair(c);
  return STEP_OVER;
}

/* All that was sent has come to the peer's kernel. Over a Unix socket it has at once. */
static bool has_arrived(int fd) {
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
         (info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0);
}

/* No event tells of what arrives: it is looked at now and then. */
static void linger_before_reset(struct pair *c) {
  if (has_arrived(c->io.fd) || c->loop->now_ms >= c->reset_ms)
    close_pair(c);
  else
    pair_deadline(c, TIMER_TICK_MS);
}

static void linger(struct pair *c) {
  const unsigned most = c->out.done ? LINGER_SERVED_MAX : LINGER_MAX;
  enum tls_io_result r = TLS_IO_OK;
  while (r == TLS_IO_OK && c->over < most) {
    size_t n = 0;
    r = tls_io_discard(&c->io, &n);
    c->over += (unsigned)n;
  }
  if (r != TLS_IO_WANT_READ)
    close_pair(c);
}

static void leave_plain(struct pair *c, bool reset) {
  if (reset)
    set_reset(c->plain);
  pair_leave(c, &c->plain_side);
  dial_give_place(c);
  c->lingering = true;
}

/* Whoever was told that it had said all may have been sending still, as one that is refused. */
enum step_result pair_torn(struct pair *c, const char *why) {
  if (c->closed || c->loop->proxy->mode == PROXY_CLIENT)
    return pair_end(c, PROXY_END_RESET, why);
  report(c, PROXY_END_RESET, TLS_FAILURE_NONE, why);
  leave_plain(c, true);
  block_drop(&c->loop->blocks, &c->in.block);
  if (c->out.done) {
    pair_deadline(c, LINGER_MS);
    linger(c);
  } else {
    set_reset(c->io.fd);
    c->reset_ms = c->loop->now_ms + LINGER_MS;
    linger_before_reset(c);
  }
  return STEP_OVER;
}

/* Closing at once would make our kernel answer what the peer still sends with a reset, and its
 * kernel throw away what we said. */
enum step_result pair_refuse(struct pair *c, enum proxy_end end, enum tls_failure failure,
                             const char *why) {
  if (c->closed)
    return STEP_OVER;
  report(c, end, failure, why);
  leave_plain(c, !c->told);
  if (c->io.fd < 0) {
    close_pair(c);
    return STEP_OVER;
  }
  shutdown(c->io.fd, SHUT_WR);
  pair_deadline(c, LINGER_MS);
  linger(c);
  return STEP_OVER;
}

void pair_log(const struct pair *c, enum tls_failure failure, const char *detail) {
  static _Atomic uint64_t logged;
  char from[64];
  if (!log_seldom(&logged))
    return;
  net_host_text(&c->from, from, sizeof from);
  log_warn("proxy", "%s: %s: no TLS: %s%s%s%s", c->loop->proxy->service, from,
           tls_failure_meaning(failure), *detail ? " (" : "", detail, *detail ? ")" : "");
}

/* Steps, and what makes them go on. */

void pair_run(struct pair *c) {
  if (c->lingering) {
    if (!c->reset_ms)
      linger(c);
    return;
  }
  while (steps[step_of(c)](c) == STEP_DONE) {
    c->at++;
    pair_deadline(c, c->loop->proxy->limits.handshake_ms);
  }
}

void pair_arrive(struct pair *c) {
  struct loop *l = c->loop;
  list_move_last(&c->all, &l->pairs);
  pair_deadline(c, l->proxy->limits.handshake_ms);
  if (pair_watch(c, c->plain < 0 ? &c->tls_side : &c->plain_side, false))
    pair_run(c);
  else
    pair_end(c, PROXY_END_MEMORY, "epoll_ctl");
}

void pair_event(struct source *s, uint32_t events) {
  bool tls = s->kind == SOURCE_TLS;
  struct pair *c =
    tls ? LIST_ITEM(s, struct pair, tls_side) : LIST_ITEM(s, struct pair, plain_side);
  struct side *side = (struct side *)s;
  bool gone = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR), in = gone || (events & EPOLLIN);
  if (c->closed)
    return;
  side->writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  *(tls ? &c->io.may_recv : &c->readable) |= in;
  *(tls ? &c->io.gone : &c->gone) |= gone;
  if (!(events & EPOLLERR) || !relay_broken(c, tls) || c->lingering)
    pair_run(c);
  else if (tls)
    pair_end(c, PROXY_END_CUT, "it was reset after its end");
  else
    pair_torn(c, "it was reset after its end");
}

static enum step_result too_late(struct pair *c) {
  return pair_end(c, PROXY_END_LATE, step_of(c) == STEP_HANDSHAKE ? "handshake" : "prelude");
}

void pair_timeout(struct timer *t) {
  struct pair *c = LIST_ITEM(t, struct pair, timer);
  if (c->reset_ms)
    linger_before_reset(c);
  else if (c->lingering)
    close_pair(c);
  else if (step_of(c) == STEP_DIAL)
    dial_timeout(c);
  else if (step_of(c) == STEP_RELAY)
    relay_timeout(c);
  else
    too_late(c);
}

/* Addresses in little room. */

bool net_host_make(const struct net_address *a, struct net_host *out) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->socket;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->socket;
  *out = (struct net_host){ 0 };
  if (a->socket.ss_family == AF_INET) {
    memcpy(out->address, &v4->sin_addr, out->size = sizeof v4->sin_addr);
    out->port = ntohs(v4->sin_port);
  } else if (a->socket.ss_family == AF_INET6) {
    memcpy(out->address, &v6->sin6_addr, out->size = sizeof v6->sin6_addr);
    out->port = ntohs(v6->sin6_port);
  }
  return out->size != 0;
}

void net_host_address(const struct net_host *h, struct net_address *out) {
  if (h->size)
    net_address_make(h->size == 4 ? AF_INET : AF_INET6, h->address, h->port, out);
  else
    *out = (struct net_address){ .socket.ss_family = AF_UNIX, .size = sizeof(sa_family_t) };
}

void net_host_text(const struct net_host *h, char *out, size_t size) {
  char host[INET6_ADDRSTRLEN] = "";
  if (!h->size) {
    snprintf(out, size, "unix");
    return;
  }
  inet_ntop(h->size == 4 ? AF_INET : AF_INET6, h->address, host, sizeof host);
  snprintf(out, size, h->size == 4 ? "%s:%u" : "[%s]:%u", host, h->port);
}
