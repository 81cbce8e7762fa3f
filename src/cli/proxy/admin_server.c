#include "cli/proxy/admin_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/listen.h"
#include "net/wake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define VISITORS 8
#define DEADLINE_US 5000000
#define TICK_MS 500

struct visitor {
  int fd; /* -1: the place is free */
  uint64_t until_us;
  struct buf in, out;
  size_t sent;
};

struct admin_server {
  struct admin admin;
  char *path; /* of a Unix socket, else NULL */
  int listener;
  struct wake wake;
  pthread_t thread;
  bool started;
  _Atomic bool stop;
  struct visitor visitors[VISITORS];
};

err_t admin_server_open(const char *address, const struct admin *admin, struct admin_server **out) {
  AUTO(admin_server) struct admin_server *s = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  s->admin = *admin;
  s->listener = s->wake.fd = -1;
  for (unsigned i = 0; i < VISITORS; i++)
    s->visitors[i].fd = -1;
  TRY(wake_open(&s->wake));
  if (*address == '/') {
    TRY(listen_unix(address, 0600, &s->listener));
    if (!(s->path = mem_strdup(address)))
      return ERR_NOMEM;
  } else {
    TRY(listen_tcp(address, &s->listener));
  }
  *out = TAKE(s);
  return OK;
}

static struct visitor *free_place(struct admin_server *s) {
  for (unsigned i = 0; i < VISITORS; i++)
    if (s->visitors[i].fd < 0)
      return &s->visitors[i];
  return NULL;
}

static void leave(struct visitor *v) {
  if (v->fd >= 0)
    close(v->fd);
  buf_free(&v->in);
  buf_free(&v->out);
  *v = (struct visitor){ .fd = -1 };
}

static void welcome(struct admin_server *s) {
  struct visitor *v = free_place(s);
  int fd = v ? accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
  if (fd >= 0)
    *v = (struct visitor){ .fd = fd, .until_us = clock_mono_us() + DEADLINE_US };
}

/* Once all is sent, what still comes is thrown away until the other side closes: closing with
 * something unread would break off what is on its way. */
static void send_answer(struct visitor *v) {
  ssize_t n = send(v->fd, v->out.data + v->sent, v->out.size - v->sent, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) {
    leave(v);
    return;
  }
  v->sent += n > 0 ? (size_t)n : 0;
  if (v->sent == v->out.size)
    shutdown(v->fd, SHUT_WR);
}

static void hear(struct admin_server *s, struct visitor *v) {
  uint8_t piece[ADMIN_REQUEST_MAX];
  ssize_t n = recv(v->fd, piece, sizeof piece, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN)) {
    leave(v);
    return;
  }
  if (n < 0 || v->out.size)
    return;
  buf_put(&v->in, piece, (size_t)n);
  if (buf_ok(&v->in) != OK || admin_answer(&s->admin, buf_bytes(&v->in), &v->out) != OK)
    leave(v);
  else if (v->out.size)
    send_answer(v);
}

static void attend(struct admin_server *s, struct visitor *v, short events) {
  if (clock_mono_us() > v->until_us)
    leave(v);
  else if (events & POLLOUT)
    send_answer(v);
  else if (events)
    hear(s, v);
}

static void *server_main(void *arg) {
  struct admin_server *s = arg;
  struct pollfd fds[2 + VISITORS];
  pthread_setname_np(pthread_self(), "admin");
  while (!s->stop) {
    bool busy = false;
    fds[0] = (struct pollfd){ s->wake.fd, POLLIN, 0 };
    fds[1] = (struct pollfd){ free_place(s) ? s->listener : -1, POLLIN, 0 };
    for (unsigned i = 0; i < VISITORS; i++) {
      const struct visitor *v = &s->visitors[i];
      short want = v->sent < v->out.size ? POLLOUT : POLLIN;
      fds[2 + i] = (struct pollfd){ v->fd, want, 0 };
      busy |= v->fd >= 0;
    }
    poll(fds, 2 + VISITORS, busy ? TICK_MS : -1);
    for (unsigned i = 0; i < VISITORS; i++)
      if (s->visitors[i].fd >= 0)
        attend(s, &s->visitors[i], fds[2 + i].revents);
    if (fds[1].revents)
      welcome(s);
  }
  return NULL;
}

err_t admin_server_start(struct admin_server *s) {
  if (pthread_create(&s->thread, NULL, server_main, s) != 0)
    FAIL(ERR_NOMEM, "cannot start a thread");
  s->started = true;
  return OK;
}

void admin_server_free(struct admin_server *s) {
  s->stop = true;
  if (s->started) {
    wake_up(&s->wake);
    pthread_join(s->thread, NULL);
  }
  for (unsigned i = 0; i < VISITORS; i++)
    leave(&s->visitors[i]);
  if (s->listener >= 0)
    close(s->listener);
  if (s->path)
    unlink(s->path);
  mem_free(s->path);
  wake_close(&s->wake);
  mem_free(s);
}
