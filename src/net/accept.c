#include "net/accept.h"

#include "net/listen.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

err_t accept_listen(struct listener *l, const char *address) {
  l->source.kind = SOURCE_LISTENER;
  TRY(listen_tcp(address, &l->fd));
  l->port = listen_port(l->fd);
  return OK;
}

err_t accept_start(struct http_server *s) {
  for (size_t i = 0; i < s->listener_count; i++) {
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = &s->listeners[i] };
    if (epoll_ctl(s->loops[0].epoll, EPOLL_CTL_ADD, s->listeners[i].fd, &e) != 0)
      FAIL(ERR_IO, "epoll_ctl: %s", strerror(errno));
  }
  atomic_store(&s->accepting, true);
  return OK;
}

static void watch_listeners(struct http_server *s, uint32_t events) {
  for (size_t i = 0; i < s->listener_count; i++) {
    struct epoll_event e = { .events = events, .data.ptr = &s->listeners[i] };
    epoll_ctl(s->loops[0].epoll, EPOLL_CTL_MOD, s->listeners[i].fd, &e);
  }
}

static struct loop *least_loaded(struct http_server *s) {
  struct loop *best = &s->loops[0];
  for (unsigned i = 1; i < s->loop_count; i++)
    if (atomic_load(&s->loops[i].load) < atomic_load(&best->load))
      best = &s->loops[i];
  return best;
}

static void deal(void *ctx, int fd, const struct net_address *from) {
  struct loop *l = ctx;
  struct http_server *s = l->server;
  char peer[NET_HOST_MAX];
  if (atomic_load(&s->connections) >= s->conf.max_connections && !conn_drop_idle(l)) {
    close(fd);
    return;
  }
  net_address_host(from, peer);
  struct loop *target = least_loaded(s);
  struct http_conn *c = conn_new(target, fd, peer);
  if (c && target == l)
    conn_arrive(c);
  else if (c)
    loop_post(target, c);
}

void accept_event(struct loop *l, struct listener *from) {
  if (listen_accept(from->fd, "net", deal, l) != LISTEN_PAUSE)
    return;
  l->accept_paused = true;
  l->accept_at_ms = l->now_ms + TIMER_TICK_MS;
  watch_listeners(l->server, 0);
}

void accept_resume(struct loop *l) {
  if (!l->accept_paused || l->now_ms < l->accept_at_ms)
    return;
  l->accept_paused = false;
  watch_listeners(l->server, EPOLLIN);
}

void accept_stop(struct loop *l) {
  struct http_server *s = l->server;
  if (l != &s->loops[0] || !atomic_load(&s->accepting))
    return;
  for (size_t i = 0; i < s->listener_count; i++) {
    close(s->listeners[i].fd);
    s->listeners[i].fd = -1;
  }
  l->accept_paused = false;
  atomic_store(&s->accepting, false);
  for (unsigned i = 0; i < s->loop_count; i++)
    loop_wake(&s->loops[i]);
}
