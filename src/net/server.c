/* Putting loops, workers and listeners together, and taking them apart. */
#include "base/clock.h"
#include "base/process.h"
#include "net/accept.h"
#include "net/serve.h"

#include <signal.h>
#include <unistd.h>

static err_t open_loops(struct http_server *s) {
  unsigned count = s->conf.loops ? s->conf.loops : process_cores();
  s->loops = mem_zalloc(count * sizeof *s->loops);
  if (!s->loops)
    return ERR_NOMEM;
  for (unsigned i = 0; i < count; i++) {
    s->loop_count++;
    TRY(loop_open(&s->loops[i], s));
  }
  return OK;
}

static err_t open_listeners(struct http_server *s, const struct http_server_conf *conf) {
  s->listeners = mem_zalloc(conf->listen_count * sizeof *s->listeners);
  if (!s->listeners)
    return ERR_NOMEM;
  for (size_t i = 0; i < conf->listen_count; i++) {
    s->listeners[i].fd = -1;
    s->listener_count++;
    TRY(accept_listen(&s->listeners[i], conf->listen[i]));
  }
  return OK;
}

err_t http_server_new(const struct http_server_conf *conf, const struct http_app *app,
                      struct http_gate *gate, struct tls *tls, struct http_server **out) {
  AUTO(http_server) struct http_server *s = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  s->conf = *conf;
  s->conf.listen = NULL;
  s->app = *app;
  s->gate = gate;
  s->tls = tls_ref(tls);
  pthread_mutex_init(&s->tls_lock, NULL);
  TRY(open_loops(s));
  TRY(open_listeners(s, conf));
  *out = TAKE(s);
  return OK;
}

static err_t start_threads(struct http_server *s) {
  TRY(workers_start(s->conf.workers ? s->conf.workers : 16, s->conf.max_queue, &s->workers));
  for (unsigned i = 0; i < s->loop_count; i++)
    TRY(loop_start(&s->loops[i]));
  return OK;
}

/* The server's threads take no signals: those are for the program's main thread. */
err_t http_server_start(struct http_server *s) {
  sigset_t all, before;
  TRY(accept_start(s));
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  err_t e = start_threads(s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (e != OK)
    http_server_stop(s, 0);
  return e;
}

unsigned http_server_port(const struct http_server *s, size_t listener) {
  return s->listeners[listener].port;
}

void http_server_reload(struct http_server *s, struct tls *tls) {
  pthread_mutex_lock(&s->tls_lock);
  struct tls *old = s->tls;
  s->tls = tls_ref(tls);
  pthread_mutex_unlock(&s->tls_lock);
  tls_free(old);
}

void http_server_stop(struct http_server *s, unsigned grace_ms) {
  s->stop_at_ms = clock_mono_us() / 1000 + grace_ms;
  atomic_store(&s->stopping, true);
  if (!s->loops[0].started)
    atomic_store(&s->accepting, false); /* it never did */
  for (unsigned i = 0; i < s->loop_count; i++)
    loop_wake(&s->loops[i]);
  for (unsigned i = 0; i < s->loop_count; i++)
    if (s->loops[i].started) {
      pthread_join(s->loops[i].thread, NULL);
      s->loops[i].started = false;
    }
  workers_stop(TAKE(s->workers));
}

void http_server_free(struct http_server *s) {
  if (!s)
    return;
  if (s->workers)
    http_server_stop(s, 0);
  for (size_t i = 0; i < s->listener_count; i++)
    if (s->listeners[i].fd >= 0)
      close(s->listeners[i].fd);
  for (unsigned i = 0; i < s->loop_count; i++)
    loop_close(&s->loops[i]);
  pthread_mutex_destroy(&s->tls_lock);
  tls_free(s->tls);
  mem_free(s->listeners);
  mem_free(s->loops);
  mem_free(s);
}

void http_server_stats(const struct http_server *s, struct http_server_stats *out) {
  *out = (struct http_server_stats){ .connections = atomic_load(&s->connections) };
  for (unsigned i = 0; i < s->loop_count; i++) {
    const struct loop *l = &s->loops[i];
    out->requests += atomic_load(&l->requests);
    out->refused += atomic_load(&l->refused);
    out->handshake_failures += atomic_load(&l->handshake_failures);
  }
}
