#include "net/accept.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define ROUND 64 /* connections accepted before others get their turn */

static inline void addrinfo_cleanup(struct addrinfo **a) {
  if (*a)
    freeaddrinfo(*a);
}
#define AUTO_ADDRINFO __attribute__((cleanup(addrinfo_cleanup))) struct addrinfo

/* "host:port" or "[host]:port", in place. */
static err_t split_address(char *text, char **host, char **port) {
  char *colon = strrchr(text, ':');
  if (!colon)
    return ERR_CONFIG;
  *colon = '\0';
  *port = colon + 1;
  uint64_t number;
  TRY(bytes_to_u64(bytes_str(*port), 65535, &number));
  *host = text;
  size_t n = strlen(text);
  if (text[0] == '[' && n > 2 && text[n - 1] == ']') {
    text[n - 1] = '\0';
    *host = text + 1;
  }
  return OK;
}

static err_t resolve(const char *address, struct addrinfo **out) {
  char text[128], *host = NULL, *port = NULL;
  if (bytes_to_cstr(bytes_str(address), text, sizeof text) != OK ||
      split_address(text, &host, &port) != OK)
    FAIL(ERR_CONFIG, "'%s' is not an address and port to listen on", address);
  struct addrinfo want = { .ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
  if (getaddrinfo(host, port, &want, out) != 0)
    FAIL(ERR_CONFIG, "'%s' is not an address and port to listen on", address);
  return OK;
}

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static unsigned bound_port(int fd) {
  union address a = { 0 };
  socklen_t size = sizeof a;
  if (getsockname(fd, &a.any, &size) != 0)
    return 0;
  return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

err_t accept_listen(struct listener *l, const char *address) {
  AUTO_ADDRINFO *a = NULL;
  int on = 1;
  TRY(resolve(address, &a));
  l->source.kind = SOURCE_LISTENER;
  l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (l->fd < 0)
    FAIL(ERR_IO, "socket: %s", strerror(errno));
  setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (a->ai_family == AF_INET6) /* so that [::] and 0.0.0.0 can be had side by side */
    setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(l->fd, a->ai_addr, a->ai_addrlen) != 0 || listen(l->fd, BACKLOG) != 0)
    FAIL(ERR_IO, "cannot listen on %s: %s", address, strerror(errno));
  l->port = bound_port(l->fd);
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

static void deal(struct loop *l, int fd, const union address *from) {
  struct http_server *s = l->server;
  char peer[INET6_ADDRSTRLEN] = "";
  int on = 1;
  if (atomic_load(&s->connections) >= s->conf.max_connections && !conn_drop_idle(l)) {
    close(fd);
    return;
  }
  bool v6 = from->any.sa_family == AF_INET6;
  inet_ntop(from->any.sa_family, v6 ? (const void *)&from->v6.sin6_addr : &from->v4.sin_addr, peer,
            sizeof peer);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct loop *target = least_loaded(s);
  struct http_conn *c = conn_new(target, fd, peer);
  if (c && target == l)
    conn_arrive(c);
  else if (c)
    loop_post(target, c);
}

/* Errors of one connection are that connection's; of the rest, being out of descriptors or memory
 * passes only with time: the clients wait in the backlog meanwhile. */
void accept_event(struct loop *l, struct listener *from) {
  for (int i = 0; i < ROUND; i++) {
    union address address = { 0 };
    socklen_t size = sizeof address;
    int fd = accept4(from->fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      deal(l, fd, &address);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      static _Atomic uint64_t logged;
      if (log_seldom(&logged))
        log_warn("net", "accept: %s; pausing", strerror(errno));
      l->accept_paused = true;
      l->accept_at_ms = l->now_ms + TIMER_TICK_MS;
      watch_listeners(l->server, 0);
      return;
    } else if (errno == EAGAIN) {
      return;
    }
  }
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
