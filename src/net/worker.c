/* The slow lane: threads that run handlers which may block or compute for long. */
#include "net/serve.h"

#include <sys/resource.h>
#include <unistd.h>

/* Below the loops: making a key must not delay those who only use one. */
#define WORKER_NICE 10

struct workers {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  struct list queue;
  unsigned waiting, max_waiting;
  bool stopping;
  unsigned count; /* of threads started */
  pthread_t threads[];
};

static void unqueue(struct workers *w, struct http_conn *c) {
  list_remove(&c->line);
  c->queued = false;
  w->waiting--;
}

static struct http_conn *take(struct workers *w) {
  pthread_mutex_lock(&w->lock);
  while (list_empty(&w->queue) && !w->stopping)
    pthread_cond_wait(&w->filled, &w->lock);
  struct http_conn *c = NULL;
  if (!list_empty(&w->queue)) {
    c = LIST_ITEM(w->queue.next, struct http_conn, line);
    unqueue(w, c);
  }
  pthread_mutex_unlock(&w->lock);
  return c;
}

static void run(struct http_conn *c) {
  struct http_app *app = &c->loop->server->app;
  if (atomic_load(&c->cut))
    return;
  if (c->x->pub.lane == HTTP_STREAM)
    stream_run(c);
  else
    app->handle(app->ctx, &c->x->pub);
}

static void *worker_main(void *arg) {
  struct workers *w = arg;
  setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
  pthread_setname_np(pthread_self(), "worker");
  for (;;) {
    struct http_conn *c = take(w);
    if (!c)
      return NULL;
    run(c);
    loop_post(c->loop, c);
  }
}

err_t workers_start(unsigned count, unsigned max_queue, struct workers **out) {
  struct workers *w = mem_zalloc(sizeof *w + count * sizeof w->threads[0]);
  if (!w)
    return ERR_NOMEM;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->filled, NULL);
  list_init(&w->queue);
  w->max_waiting = max_queue;
  for (; w->count < count; w->count++)
    if (pthread_create(&w->threads[w->count], NULL, worker_main, w) != 0) {
      workers_stop(w);
      FAIL(ERR_NOMEM, "cannot start worker threads");
    }
  *out = w;
  return OK;
}

void workers_stop(struct workers *w) {
  if (!w)
    return;
  pthread_mutex_lock(&w->lock);
  w->stopping = true;
  pthread_cond_broadcast(&w->filled);
  pthread_mutex_unlock(&w->lock);
  for (unsigned i = 0; i < w->count; i++)
    pthread_join(w->threads[i], NULL);
  pthread_cond_destroy(&w->filled);
  pthread_mutex_destroy(&w->lock);
  mem_free(w);
}

bool workers_put(struct workers *w, struct http_conn *c) {
  pthread_mutex_lock(&w->lock);
  bool room = w->waiting < w->max_waiting;
  if (room) {
    list_move_last(&c->line, &w->queue);
    c->queued = true;
    w->waiting++;
    pthread_cond_signal(&w->filled);
  }
  pthread_mutex_unlock(&w->lock);
  return room;
}

bool workers_take_back(struct workers *w, struct http_conn *c) {
  pthread_mutex_lock(&w->lock);
  bool queued = c->queued;
  if (queued)
    unqueue(w, c);
  pthread_mutex_unlock(&w->lock);
  return queued;
}
