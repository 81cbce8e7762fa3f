/*
 * Deadlines: a hashed wheel of coarse ticks, one a loop. Setting, moving and stopping a timer are a
 * few instructions; a deadline that moves later (they nearly all do, with each request) is not even
 * relinked. A timer never fires early, and at most two ticks late. One thread.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "net/list.h"

#include <stdint.h>

#define TIMER_TICK_MS 100
#define TIMER_SLOTS 256

struct timer {
  struct list link;
  uint64_t due;  /* tick at which it fires */
  uint64_t slot; /* tick of the slot that it is in: never after due */
};

struct timer_wheel {
  uint64_t tick;
  size_t count; /* timers set */
  struct list slots[TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w);
void timer_init(struct timer *t);
void timer_set(struct timer_wheel *w, struct timer *t, uint64_t now_ms, unsigned ms);
void timer_stop(struct timer_wheel *w, struct timer *t);
/* Fires what is due; a timer is stopped before it fires. fire() may set and stop any timer. */
void timer_run(struct timer_wheel *w, uint64_t now_ms, void (*fire)(struct timer *t));

#endif
