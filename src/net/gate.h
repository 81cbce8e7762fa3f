/*
 * The gate's inner side: loops that hold answers, and workers that wait in it.
 */
#ifndef NET_GATE_H
#define NET_GATE_H

#include "net/list.h"
#include "net/server.h"

#include <stdatomic.h>

/* One who wants to be woken when the lowest number that he holds is settled. */
struct gate_waiter {
  struct list link;
  _Atomic uint64_t lowest; /* UINT64_MAX: holds nothing */
  void (*wake)(struct gate_waiter *w);
};
void gate_join(struct http_gate *g, struct gate_waiter *w);
void gate_leave(struct http_gate *g, struct gate_waiter *w);

/* Sets lowest. Only after this look at gate_check(): what is settled later wakes. */
void gate_hold(struct gate_waiter *w, uint64_t lowest);
/* *passed, or not yet, or the error that this number failed with. */
err_t gate_check(struct http_gate *g, uint64_t number, bool *passed);
/* Waits for it; ERR_TIMEOUT, or the error that this number failed with. */
err_t gate_wait(struct http_gate *g, uint64_t number, unsigned timeout_ms);

#endif
