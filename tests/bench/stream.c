/* Connections through a proxy that move bytes in one direction, as many as they can. */
#include "echo.h"
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 64
#define LOOK_MS 100
#define STREAM_THREADS 8

/* Records wait in the block, so that 64 KiB go out with one call: the client shall cost little. */
struct lane {
  struct tunnel tunnel;
  struct block out;
};
struct part {
  struct stream *stream;
  pthread_t thread;
  int epoll;
  bool started;
  err_t result;
};
struct stream {
  char what;
  _Atomic bool stop;
  _Atomic uint64_t received;
  struct lane *lanes;
  unsigned lane_count, part_count;
  struct part parts[STREAM_THREADS];
};

static err_t lane_failed(const struct lane *l) {
  const char *detail;
  enum tls_failure f = tls_io_failure(&l->tunnel.io, &detail);
  FAIL(ERR_IO, "a stream through the proxy: %s (%s)", tls_failure_meaning(f), detail);
}

static err_t fill(struct lane *l) {
  static const uint8_t content[BLOCK_CONTENT];
  for (size_t at = 0, n; at < sizeof content; at += n)
    if (tls_io_write(&l->tunnel.io, content + at, sizeof content - at, &n) != TLS_IO_OK)
      return lane_failed(l);
  return OK;
}

static err_t send_some(struct lane *l) {
  if (block_size(&l->out) == 0)
    TRY(fill(l));
  int error = block_send(&l->out, l->tunnel.io.fd);
  if (error && error != EAGAIN)
    FAIL(ERR_IO, "a stream through the proxy: %s", strerror(error));
  return OK;
}

/* Not deciphered, not even copied: that would cost as much as what the proxy does. */
static err_t receive_some(struct stream *s, struct lane *l) {
  static char nowhere[1 << 20];
  ssize_t n = recv(l->tunnel.io.fd, nowhere, sizeof nowhere, MSG_TRUNC);
  if (n == 0 || (n < 0 && errno != EAGAIN))
    FAIL(ERR_IO, "a stream through the proxy: %s", n == 0 ? "it ends" : strerror(errno));
  if (n > 0)
    atomic_fetch_add_explicit(&s->received, (uint64_t)n, memory_order_relaxed);
  return OK;
}

static void *part_main(void *arg) {
  struct part *p = arg;
  struct stream *s = p->stream;
  struct epoll_event events[EVENTS];
  while (p->result == OK && !atomic_load_explicit(&s->stop, memory_order_relaxed)) {
    int n = epoll_wait(p->epoll, events, EVENTS, LOOK_MS);
    for (int i = 0; i < n && p->result == OK; i++) {
      struct lane *l = events[i].data.ptr;
      p->result = s->what == ECHO_SINK ? send_some(l) : receive_some(s, l);
    }
  }
  return NULL;
}

static err_t lane_open(struct stream *s, const struct tunnel_end *to, struct lane *l) {
  struct blocks none = { 0 };
  struct part *p = &s->parts[s->lane_count % s->part_count];
  struct epoll_event e = { .events = s->what == ECHO_SINK ? EPOLLOUT : EPOLLIN, .data.ptr = l };
  TRY(tunnel_open(to, s->what, &l->tunnel));
  s->lane_count++;
  if (!block_take(&none, &l->out))
    return ERR_NOMEM;
  l->tunnel.io.out = &l->out;
  if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, l->tunnel.io.fd, &e) != 0)
    FAIL(ERR_IO, "epoll_ctl: %s", strerror(errno));
  return OK;
}

static err_t open_all(struct stream *s, const struct tunnel_end *to, unsigned connections) {
  for (unsigned i = 0; i < s->part_count; i++)
    if ((s->parts[i].epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
      FAIL(ERR_IO, "epoll_create: %s", strerror(errno));
  while (s->lane_count < connections)
    TRY(lane_open(s, to, &s->lanes[s->lane_count]));
  for (unsigned i = 0; i < s->part_count; i++) {
    if (pthread_create(&s->parts[i].thread, NULL, part_main, &s->parts[i]) != 0)
      FAIL(ERR_NOMEM, "no thread");
    s->parts[i].started = true;
  }
  return OK;
}

err_t stream_start(const struct tunnel_end *to, char what, unsigned connections, unsigned threads,
                   struct stream **out) {
  struct stream *s = mem_zalloc(sizeof *s);
  if (!s || !(s->lanes = mem_zalloc(connections * sizeof *s->lanes))) {
    mem_free(s);
    return ERR_NOMEM;
  }
  s->what = what;
  s->part_count = threads < STREAM_THREADS ? threads : STREAM_THREADS;
  for (unsigned i = 0; i < s->part_count; i++)
    s->parts[i] = (struct part){ .stream = s, .epoll = -1 };
  err_t e = open_all(s, to, connections);
  if (e != OK)
    IGNORE(stream_stop(s));
  else
    *out = s;
  return e;
}

uint64_t stream_received(const struct stream *s) {
  return atomic_load_explicit(&s->received, memory_order_relaxed);
}

/* What is under way is cut off. */
err_t stream_stop(struct stream *s) {
  err_t e = OK;
  atomic_store(&s->stop, true);
  for (unsigned i = 0; i < s->part_count; i++) {
    struct part *p = &s->parts[i];
    if (p->started)
      pthread_join(p->thread, NULL);
    if (p->epoll >= 0)
      close(p->epoll);
    e = p->result != OK ? p->result : e;
  }
  for (unsigned i = 0; i < s->lane_count; i++) {
    tls_io_close(&s->lanes[i].tunnel.io);
    mem_free(s->lanes[i].out.data);
  }
  mem_free(s->lanes);
  mem_free(s);
  return e;
}
