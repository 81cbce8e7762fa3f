#include "tunnel.h"

#include "echo.h"
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define BUDGET_US UINT64_C(30000000)
#define THREADS_MAX 16

/* --- one --- */

static err_t wait_for(struct tunnel *t, enum tls_io_result r) {
  uint64_t budget = BUDGET_US;
  if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE)
    return tls_io_wait(&t->io, r, &budget);
  const char *detail = "";
  enum tls_failure f = r == TLS_IO_EOF ? TLS_FAILURE_CLOSED : tls_io_failure(&t->io, &detail);
  FAIL(ERR_IO, "a connection through the proxy: %s (%s)", tls_failure_meaning(f), detail);
}

static err_t put(struct tunnel *t, const char *data, size_t size) {
  enum tls_io_result r;
  size_t n; /* small: all or nothing */
  while ((r = tls_io_write(&t->io, data, size, &n)) != TLS_IO_OK)
    TRY(wait_for(t, r));
  return OK;
}

static err_t open_tls(const struct tunnel_end *to, int fd, struct tunnel *t) {
  enum tls_io_result r;
  TRY(tls_io_open(&t->io, to->tls, fd, "localhost", NULL));
  while ((r = tls_io_handshake(&t->io)) != TLS_IO_OK)
    TRY(wait_for(t, r));
  return OK;
}

err_t tunnel_open(const struct tunnel_end *to, char what, struct tunnel *t) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)to->port) };
  uint64_t budget = BUDGET_US;
  int fd = -1;
  t->io = TLS_IO_CLOSED;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int error = net_dial((struct sockaddr *)&a, sizeof a, SOCK_STREAM, &budget, &fd);
  if (error)
    FAIL(ERR_IO, "connect: %s", strerror(error));
  err_t e = open_tls(to, fd, t);
  if (e == OK)
    e = put(t, &what, 1);
  if (e != OK)
    tls_io_close(&t->io);
  return e;
}

void tunnel_close(struct tunnel *t) {
  if (!t->io.ssl)
    return;
  tls_io_finish(&t->io);
  tls_io_close(&t->io);
}

err_t tunnel_ping(struct tunnel *t, size_t size) {
  char out[64] = "", in[64];
  TRY(put(t, out, size));
  for (size_t got = 0, n; got < size; got += n) {
    enum tls_io_result r;
    while ((r = tls_io_read(&t->io, in, sizeof in - got, &n)) != TLS_IO_OK)
      TRY(wait_for(t, r));
  }
  return OK;
}

/* --- threads --- */

struct worker {
  pthread_t thread;
  bool started;
  err_t result;
  char why[256];
  void *job;
  uint64_t count;
};
/* The reason of an error is its thread's. */
static void worker_end(struct worker *w, err_t e) {
  w->result = e;
  snprintf(w->why, sizeof w->why, "%s", e == OK ? "" : err_last()->why);
}

static err_t start_all(struct worker *w, unsigned count, void *(*main)(void *), void *job) {
  for (unsigned i = 0; i < count; i++) {
    w[i].job = job;
    if (pthread_create(&w[i].thread, NULL, main, &w[i]) != 0)
      FAIL(ERR_NOMEM, "no thread");
    w[i].started = true;
  }
  return OK;
}

static err_t join_all(struct worker *w, unsigned count) {
  const struct worker *failed = NULL;
  for (unsigned i = 0; i < count; i++) {
    if (w[i].started)
      pthread_join(w[i].thread, NULL);
    w[i].started = false;
    failed = w[i].result != OK ? &w[i] : failed;
  }
  if (failed)
    FAIL(failed->result, "%s", failed->why);
  return OK;
}

/* --- new connections --- */

struct connecting {
  const struct tunnel_end *to;
  uint64_t stop_ns;
};

static err_t connect_once(const struct tunnel_end *to) {
  struct tunnel t;
  TRY(tunnel_open(to, ECHO_BACK, &t));
  err_t e = tunnel_ping(&t, 1);
  tunnel_close(&t);
  return e;
}

static void *connecting_main(void *arg) {
  struct worker *w = arg;
  const struct connecting *job = w->job;
  err_t e = OK;
  for (; e == OK && now_ns() < job->stop_ns; w->count += e == OK)
    e = connect_once(job->to);
  worker_end(w, e);
  return NULL;
}

err_t tunnel_connects(const struct tunnel_end *to, unsigned threads, double seconds,
                      uint64_t *count) {
  struct worker workers[THREADS_MAX] = { 0 };
  struct connecting job = { to, now_ns() + (uint64_t)(seconds * 1e9) };
  err_t e = start_all(workers, threads, connecting_main, &job);
  err_t ended = join_all(workers, threads);
  TRY(e);
  TRY(ended);
  *count = 0;
  for (unsigned i = 0; i < threads; i++)
    *count += workers[i].count;
  return OK;
}
