/*
 * Group commit. Callers queue their writes and sleep; the first of the queue leads: it applies all
 * that is queued in one transaction, wakes its callers and hands the lead to the first one that
 * came in the meantime. So one fsync serves everybody who waited for the one before, and a lone
 * caller waits for nobody. Any thread.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "store/engine.h"

#include <pthread.h>

struct commit_queue {
  struct engine *engine;                 /* borrowed */
  const struct engine_watch *watch;      /* of every transaction; borrowed; NULL: none */
  void (*applied)(void *ctx, bool done); /* after each; watch->ctx. One thread at a time */
  pthread_mutex_t lock;
  bool led; /* somebody leads, or was told to */
  struct commit_waiter *first, **last;
};

void commit_init(struct commit_queue *q, struct engine *engine);
void commit_fini(struct commit_queue *q);

/* Returns when the writes are durable, or with the error of the transaction that they were in. */
err_t commit_run(struct commit_queue *q, const struct engine_write *writes, size_t count);

#endif
