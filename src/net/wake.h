/*
 * Waking a thread that sleeps in epoll_wait(). Any thread may call wake_up(); however often it is
 * called before the sleeper looks, the descriptor is written once.
 */
#ifndef NET_WAKE_H
#define NET_WAKE_H

#include "base/err.h"

#include <stdatomic.h>

struct wake {
  int fd; /* an eventfd: readable when woken */
  _Atomic bool woken;
};

err_t wake_open(struct wake *w);
void wake_close(struct wake *w);
void wake_up(struct wake *w);
/* By the one that was woken, before it looks at what it was for. */
void wake_quiet(struct wake *w);

#endif
