#include "store/commit.h"

#include <assert.h>

/* One caller; lives on its stack. */
struct commit_waiter {
  struct engine_batch batch;
  struct commit_waiter *next;
  pthread_cond_t turn; /* done or leads was set */
  bool done, leads;
  err_t result;
  char why[sizeof((struct err_last *)0)->why]; /* the leader's reason, for this thread too */
};

void commit_init(struct commit_queue *q, struct engine *engine) {
  *q = (struct commit_queue){ .engine = engine };
  pthread_mutex_init(&q->lock, NULL);
  q->last = &q->first;
}

void commit_fini(struct commit_queue *q) {
  assert(!q->led && !q->first);
  pthread_mutex_destroy(&q->lock);
}

static void finish(struct commit_waiter *w, err_t result) {
  w->result = result;
  if (result != OK)
    memcpy(w->why, err_last()->why, sizeof w->why);
  w->done = true;
  pthread_cond_signal(&w->turn); /* under the lock: w is gone once its thread sees done */
}

/* Applies all that is queued. The lock is held at both ends, not in between. */
static void lead(struct commit_queue *q) {
  struct commit_waiter *group = q->first, *next;
  q->first = NULL;
  q->last = &q->first;
  for (struct commit_waiter *w = group; w; w = w->next)
    w->batch.next = w->next ? &w->next->batch : NULL;

  pthread_mutex_unlock(&q->lock);
  err_t result = q->engine->type->apply(q->engine, &group->batch, q->watch);
  if (q->watch)
    q->applied(q->watch->ctx, result == OK);
  pthread_mutex_lock(&q->lock);

  for (struct commit_waiter *w = group; w; w = next) {
    next = w->next;
    finish(w, result);
  }
  q->led = q->first != NULL;
  if (q->first) {
    q->first->leads = true;
    pthread_cond_signal(&q->first->turn);
  }
}

err_t commit_run(struct commit_queue *q, const struct engine_write *writes, size_t count) {
  struct commit_waiter w = { .batch = { writes, count, NULL } };
  pthread_cond_init(&w.turn, NULL);
  pthread_mutex_lock(&q->lock);
  *q->last = &w;
  q->last = &w.next;
  if (!q->led)
    q->led = w.leads = true;
  while (!w.done && !w.leads)
    pthread_cond_wait(&w.turn, &q->lock);
  if (!w.done)
    lead(q);
  pthread_mutex_unlock(&q->lock);
  pthread_cond_destroy(&w.turn);
  if (w.result != OK)
    FAIL(w.result, "%s", w.why);
  return OK;
}
