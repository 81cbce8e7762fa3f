#include "echo.h"

#include "base/bytes.h"
#include "net/listen.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PIECE 65536
#define EVENTS 64
#define LOOK_MS 100 /* whether it is to end */

struct echo {
  int listener, epoll;
  pthread_t thread;
  bool started;
  _Atomic bool stop;
  _Atomic uint64_t sunk;
  char piece[PIECE];
};
/* What an event points to; the listener's is NULL. */
struct caller {
  int fd;
  char what; /* 0: not said yet */
};

static bool watch(const struct echo *e, struct caller *c, int operation, uint32_t events) {
  struct epoll_event event = { .events = events, .data.ptr = c };
  return epoll_ctl(e->epoll, operation, c ? c->fd : e->listener, &event) == 0;
}

/* A program that is just being started has the socket, too: closing it here is not the end of it
 * for epoll. */
static void caller_end(const struct echo *e, struct caller *c) {
  watch(e, c, EPOLL_CTL_DEL, 0);
  close(c->fd);
  mem_free(c);
}

static void come_in(void *ctx, int fd, const struct net_address *from) {
  struct echo *e = ctx;
  struct caller *c = mem_zalloc(sizeof *c);
  (void)from;
  if (!c) {
    close(fd);
    return;
  }
  c->fd = fd;
  if (!watch(e, c, EPOLL_CTL_ADD, EPOLLIN))
    caller_end(e, c);
}

/* False: it has ended. */
static bool take_in(struct echo *e, struct caller *c) {
  ssize_t n = recv(c->fd, e->piece, c->what ? PIECE : 1, 0);
  if (n <= 0)
    return n < 0 && errno == EAGAIN;
  if (c->what == ECHO_BACK)
    return send(c->fd, e->piece, (size_t)n, MSG_NOSIGNAL) == n; /* few, and the other waits */
  if (c->what == ECHO_SINK)
    atomic_fetch_add_explicit(&e->sunk, (uint64_t)n, memory_order_relaxed);
  else
    c->what = e->piece[0];
  return c->what != ECHO_SOURCE || watch(e, c, EPOLL_CTL_MOD, EPOLLOUT);
}

static bool serve(struct echo *e, struct caller *c, uint32_t events) {
  if (!(events & EPOLLOUT))
    return take_in(e, c);
  return send(c->fd, e->piece, PIECE, MSG_NOSIGNAL) > 0 || errno == EAGAIN;
}

static void *echo_main(void *arg) {
  struct echo *e = arg;
  struct epoll_event events[EVENTS];
  while (!atomic_load(&e->stop)) {
    int n = epoll_wait(e->epoll, events, EVENTS, LOOK_MS);
    for (int i = 0; i < n; i++) {
      struct caller *c = events[i].data.ptr;
      if (!c)
        listen_accept(e->listener, "echo", come_in, e);
      else if (!serve(e, c, events[i].events))
        caller_end(e, c);
    }
  }
  return NULL;
}

err_t echo_start(const char *path, struct echo **out) {
  AUTO(echo) struct echo *e = mem_zalloc(sizeof *e);
  if (!e)
    return ERR_NOMEM;
  e->listener = -1;
  e->epoll = epoll_create1(EPOLL_CLOEXEC);
  TRY(listen_unix(path, 0600, &e->listener));
  if (e->epoll < 0 || !watch(e, NULL, EPOLL_CTL_ADD, EPOLLIN) ||
      pthread_create(&e->thread, NULL, echo_main, e) != 0)
    FAIL(ERR_NOMEM, "no service to measure with");
  e->started = true;
  *out = TAKE(e);
  return OK;
}

void echo_stop(struct echo *e) {
  atomic_store(&e->stop, true);
  if (e->started)
    pthread_join(e->thread, NULL);
  if (e->listener >= 0)
    close(e->listener);
  if (e->epoll >= 0)
    close(e->epoll);
  mem_free(e);
}

uint64_t echo_sunk(const struct echo *e) {
  return atomic_load_explicit(&e->sunk, memory_order_relaxed);
}
