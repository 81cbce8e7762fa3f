/* Listeners. The first loop accepts for all and deals each connection to the loop that has the
 * fewest (see net/accept.h). */
#include "transit/proxy/pair.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct listener *new_listener(struct proxy *p) {
  struct listener *l = &p->listeners[p->listener_count++];
  *l = (struct listener){ .source = { SOURCE_LISTENER }, .fd = -1 };
  return l;
}

/* What a client proxy is told is not encrypted yet. */
static err_t check_local(const struct proxy *p, int fd, const char *what) {
  struct net_address a = { 0 };
  TRY(listen_address(fd, &a));
  if (p->mode == PROXY_CLIENT && !address_is_local(&a))
    FAIL(ERR_CONFIG, "%s is not a loopback address: others would reach it in plain text", what);
  return OK;
}

static err_t listen_one(struct proxy *p, const char *address, unsigned mode) {
  struct listener *l = new_listener(p);
  if (address[0] == '/') {
    TRY(listen_unix(address, mode ? mode : 0600, &l->fd));
    return (l->path = mem_strdup(address)) ? OK : ERR_NOMEM;
  }
  TRY(listen_tcp(address, &l->fd));
  l->port = listen_port(l->fd);
  return check_local(p, l->fd, address);
}

err_t door_open(struct proxy *p, const struct proxy_options *o) {
  size_t count = o->listen_count + o->inherited_count;
  if (count == 0)
    FAIL(ERR_CONFIG, "a proxy needs an address to listen on");
  if (!(p->listeners = mem_zalloc(count * sizeof *p->listeners)))
    return ERR_NOMEM;
  for (size_t i = 0; i < o->listen_count; i++)
    TRY(listen_one(p, o->listen[i], o->socket_mode));
  for (size_t i = 0; i < o->inherited_count; i++) {
    TRY(listen_adopt(o->inherited[i]));
    TRY(check_local(p, o->inherited[i], "an inherited socket"));
  }
  for (size_t i = 0; i < o->inherited_count; i++) { /* from here on nothing fails */
    struct listener *l = new_listener(p);
    l->fd = o->inherited[i];
    l->port = listen_port(l->fd);
  }
  return OK;
}

err_t door_start(struct proxy *p) {
  for (size_t i = 0; i < p->listener_count; i++) {
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = &p->listeners[i] };
    if (epoll_ctl(p->loops[0].epoll, EPOLL_CTL_ADD, p->listeners[i].fd, &e) != 0)
      FAIL(ERR_IO, "epoll_ctl: %s", strerror(errno));
  }
  atomic_store(&p->accepting, true);
  return OK;
}

static void watch(struct proxy *p, uint32_t events) {
  for (size_t i = 0; i < p->listener_count; i++) {
    struct epoll_event e = { .events = events, .data.ptr = &p->listeners[i] };
    epoll_ctl(p->loops[0].epoll, EPOLL_CTL_MOD, p->listeners[i].fd, &e);
  }
}

static struct loop *least_loaded(struct proxy *p) {
  struct loop *best = &p->loops[0];
  for (unsigned i = 1; i < p->loop_count; i++)
    if (atomic_load(&p->loops[i].load) < atomic_load(&best->load))
      best = &p->loops[i];
  return best;
}

static bool is_balancer(const struct proxy *p, const struct net_host *h) {
  struct cidr one = { .size = h->size, .bits = (uint8_t)(8 * h->size) };
  memcpy(one.address, h->address, sizeof one.address);
  for (size_t i = 0; i < p->balancer_count; i++)
    if (cidr_covers(&p->balancers[i], &one))
      return true;
  return false;
}

static void log_source(const struct proxy *p, const struct net_address *from, const char *which) {
  static _Atomic uint64_t logged;
  char text[NET_HOST_MAX];
  if (!log_seldom(&logged))
    return;
  net_address_host(from, text);
  log_warn("proxy", "%s: %s has too many %sconnections", p->service, text, which);
}

/* For a balancer's connection this is asked when its header was read. */
const char *door_admit(struct pair *c, const struct net_address *from) {
  struct proxy *p = c->loop->proxy;
  enum limit_verdict v = limit_take(p->limit, from, clock_mono_us() / 1000, &c->source);
  if (v == LIMIT_OK)
    return NULL;
  COUNT(*(v == LIMIT_COUNT ? &p->refused_source : &p->refused_rate), 1);
  log_source(p, from, v == LIMIT_RATE ? "new " : "");
  return v == LIMIT_RATE ? "its source makes too many new connections"
                         : "its source has too many connections";
}

/* Whoever is turned away at the door was never a pair: there is nothing more to say of it. */
static void tell(const struct proxy *p, const struct net_address *from, const char *why) {
  struct net_host host;
  char text[64];
  if (!p->ended)
    return;
  net_host_make(from, &host);
  net_host_text(&host, text, sizeof text);
  const struct proxy_ended e = { .service = p->service,
                                 .from = text,
                                 .identity = "",
                                 .sni = "",
                                 .backend = "",
                                 .tls_version = "",
                                 .cipher = "",
                                 .start_us = clock_now_us(),
                                 .end = PROXY_END_LIMIT,
                                 .why = why };
  p->ended(p->ctx, &e);
}

static void refuse_full(struct proxy *p, int fd, const struct net_address *from) {
  static _Atomic uint64_t logged;
  COUNT(p->refused_full, 1);
  close(fd);
  tell(p, from, "there are too many connections");
  if (log_seldom(&logged))
    log_warn("proxy", "%s: there are %u connections: no more are taken", p->service,
             p->limits.connections);
}

static void deal(void *ctx, int fd, const struct net_address *from) {
  struct loop *l = ctx;
  struct proxy *p = l->proxy;
  if (p->limits.connections && atomic_load(&p->open) >= p->limits.connections) {
    refuse_full(p, fd, from);
    return;
  }
  struct loop *target = least_loaded(p);
  struct pair *c = pair_new(target, fd, from);
  if (!c)
    return;
  c->header = is_balancer(p, &c->from);
  const char *refused = c->header ? NULL : door_admit(c, from);
  if (refused) {
    pair_free(c);
    tell(p, from, refused);
    return;
  }
  COUNT(p->accepted, 1);
  if (target == l)
    pair_arrive(c);
  else
    proxy_loop_post(target, c);
}

void door_event(struct loop *l, struct listener *from) {
  if (from->fd < 0 || listen_accept(from->fd, "proxy", deal, l) != LISTEN_PAUSE)
    return;
  l->accept_at_ms = l->now_ms + TIMER_TICK_MS;
  watch(l->proxy, 0);
}

void door_resume(struct loop *l) {
  if (!l->accept_at_ms || l->now_ms < l->accept_at_ms)
    return;
  l->accept_at_ms = 0;
  watch(l->proxy, EPOLLIN);
}

static void close_listeners(struct proxy *p) {
  for (size_t i = 0; i < p->listener_count; i++) {
    struct listener *l = &p->listeners[i];
    if (l->fd >= 0)
      close(l->fd);
    if (l->path)
      unlink(l->path);
    mem_free(TAKE(l->path));
    l->fd = -1;
  }
}

void door_shut(struct loop *l) {
  struct proxy *p = l->proxy;
  if (l != &p->loops[0] || !atomic_load(&p->accepting))
    return;
  close_listeners(p);
  l->accept_at_ms = 0;
  atomic_store(&p->accepting, false);
  for (unsigned i = 0; i < p->loop_count; i++)
    wake_up(&p->loops[i].wake);
}

void door_free(struct proxy *p) {
  close_listeners(p);
  mem_free(p->listeners);
}
