/*
 * Where backends are: addresses that are known from the start, and names that are asked for again
 * and again, so that a loop never waits for a resolver. Names are looked up by a thread of their
 * own, with the system's resolver (/etc/hosts, DNS, ..), every 30 seconds; while there is no
 * answer, the last good one serves. Any thread may call anything here.
 */
#ifndef TRANSIT_PROXY_RESOLVE_H
#define TRANSIT_PROXY_RESOLVE_H

#include "net/dial.h"

#include <stdatomic.h>

#define ADDRESSES_MAX 16

/* Counted, and constant but for good. */
struct addresses {
  _Atomic unsigned refs;
  _Atomic unsigned good; /* the one that took a connection last */
  size_t count;
  struct net_address items[ADDRESSES_MAX];
};
void addresses_free(struct addresses *a);
CLEANUP(addresses, struct addresses *, addresses_free)

/* Whether an address is one that only this machine reaches: loopback, or a Unix socket. */
bool address_is_local(const struct net_address *a);

struct resolver;
err_t resolver_new(struct resolver **out);
/* texts: "/run/a.sock", "127.0.0.1:80", "localhost:80" (which needs no resolver), "a.example:80".
 * *target is its number. ERR_CONFIG (FAILed) for what is none of these, or none on this machine if
 * local_only. Before resolver_start(). */
err_t resolver_add(struct resolver *r, const char *const *texts, size_t count, bool local_only,
                   unsigned *target);
/* changed() is called by the thread when there are answers that were missed. */
err_t resolver_start(struct resolver *r, void (*changed)(void *ctx), void *ctx);
/* A share of the target's addresses; NULL: there is no answer yet. */
struct addresses *resolver_get(struct resolver *r, unsigned target);
/* Does not wait for a look-up that is under way; changed() is not called any more. */
void resolver_free(struct resolver *r);
CLEANUP(resolver, struct resolver *, resolver_free)

#endif
