/*
 * The order of things that makes a wake-up impossible to miss: who holds first writes down what it
 * holds, then looks whether that has passed; who passes first writes down what has passed, then
 * looks who holds it. Both in sequentially consistent order: one of the two sees the other.
 */
#include "net/gate.h"

#include <pthread.h>
#include <time.h>

/* Failures are few and far between. Where one does not begin at the next number, or finds no slot,
 * it is made larger: too much is refused then, never too little. */
#define FAILURES_MAX 16

struct failure {
  uint64_t from;
  _Atomic uint64_t to;
  err_t error;
};

struct http_gate {
  _Atomic uint64_t passed; /* settled: passed, or in one of the failures */
  _Atomic unsigned failure_count;
  struct failure failures[FAILURES_MAX];
  pthread_mutex_t lock;
  pthread_cond_t moved;
  struct list waiters;
};

err_t http_gate_new(struct http_gate **out) {
  struct http_gate *g = mem_zalloc(sizeof *g);
  if (!g)
    return ERR_NOMEM;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&g->moved, &monotonic);
  pthread_condattr_destroy(&monotonic);
  pthread_mutex_init(&g->lock, NULL);
  list_init(&g->waiters);
  *out = g;
  return OK;
}

void http_gate_free(struct http_gate *g) {
  if (!g)
    return;
  pthread_cond_destroy(&g->moved);
  pthread_mutex_destroy(&g->lock);
  mem_free(g);
}

/* Wakes those who hold something up to number. Locked. */
static void wake_up_to(struct http_gate *g, uint64_t number) {
  for (struct list *l = g->waiters.next; l != &g->waiters; l = l->next) {
    struct gate_waiter *w = LIST_ITEM(l, struct gate_waiter, link);
    if (atomic_load(&w->lowest) <= number)
      w->wake(w);
  }
  pthread_cond_broadcast(&g->moved);
}

/* Locked. */
static void settle(struct http_gate *g, uint64_t number) {
  if (number > atomic_load(&g->passed)) {
    atomic_store(&g->passed, number);
    wake_up_to(g, number);
  }
}

void http_gate_pass(struct http_gate *g, uint64_t number) {
  pthread_mutex_lock(&g->lock);
  settle(g, number);
  pthread_mutex_unlock(&g->lock);
}

void http_gate_fail(struct http_gate *g, err_t e, uint64_t from, uint64_t to) {
  pthread_mutex_lock(&g->lock);
  unsigned n = atomic_load(&g->failure_count);
  uint64_t next = atomic_load(&g->passed) + 1;
  from = from < next ? from : next;
  if (n == FAILURES_MAX) {
    atomic_store(&g->failures[n - 1].to, to);
  } else {
    g->failures[n].from = from;
    g->failures[n].error = e;
    atomic_store(&g->failures[n].to, to);
    atomic_store(&g->failure_count, n + 1);
  }
  settle(g, to);
  pthread_mutex_unlock(&g->lock);
}

void gate_join(struct http_gate *g, struct gate_waiter *w) {
  atomic_store(&w->lowest, UINT64_MAX);
  pthread_mutex_lock(&g->lock);
  list_init(&w->link);
  list_move_last(&w->link, &g->waiters);
  pthread_mutex_unlock(&g->lock);
}

void gate_leave(struct http_gate *g, struct gate_waiter *w) {
  pthread_mutex_lock(&g->lock);
  list_remove(&w->link);
  pthread_mutex_unlock(&g->lock);
}

void gate_hold(struct gate_waiter *w, uint64_t lowest) {
  if (atomic_load_explicit(&w->lowest, memory_order_relaxed) != lowest)
    atomic_store(&w->lowest, lowest);
}

/* What failed was written down before it was settled: who sees it settled sees the failure. */
err_t gate_check(struct http_gate *g, uint64_t number, bool *passed) {
  *passed = number <= atomic_load(&g->passed);
  unsigned n = *passed ? atomic_load(&g->failure_count) : 0;
  for (unsigned i = 0; i < n; i++)
    if (number >= g->failures[i].from && number <= atomic_load(&g->failures[i].to))
      FAIL(g->failures[i].error, "the gate has failed");
  return OK;
}

static err_t wait_locked(struct http_gate *g, uint64_t number, const struct timespec *until) {
  for (;;) {
    bool passed = false;
    TRY(gate_check(g, number, &passed));
    if (passed)
      return OK;
    if (pthread_cond_timedwait(&g->moved, &g->lock, until) != 0)
      FAIL(ERR_TIMEOUT, "the gate did not pass in time");
  }
}

err_t gate_wait(struct http_gate *g, uint64_t number, unsigned timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&g->lock);
  err_t e = wait_locked(g, number, &until);
  pthread_mutex_unlock(&g->lock);
  return e;
}
