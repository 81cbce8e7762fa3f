/*
 * How much one source may have: connections at once, and new ones a second (a bucket that fills at
 * that rate). A source is an IPv4 address or an IPv6 /64, which one customer has as a rule. Sources
 * are known while they have connections or a bucket that is not full again; a bounded number of
 * those that have none. Any thread.
 */
#ifndef TRANSIT_PROXY_LIMIT_H
#define TRANSIT_PROXY_LIMIT_H

#include "net/dial.h"

struct limit_options {
  unsigned per_source, per_second, burst; /* 0: no limit; burst 0: per_second */
};

enum limit_verdict { LIMIT_OK, LIMIT_COUNT, LIMIT_RATE };

struct limit;
struct limit_source;
err_t limit_new(const struct limit_options *o, struct limit **out);
void limit_free(struct limit *l); /* after all sources were given back */
CLEANUP(limit, struct limit *, limit_free)
/* A new connection of that address at that time. *source is its share, to be given back; NULL when
 * it was refused, for families without limits, and without memory: that is no reason to refuse. */
enum limit_verdict limit_take(struct limit *l, const struct net_address *from, uint64_t now_ms,
                              struct limit_source **source);
void limit_give(struct limit *l, struct limit_source *source); /* NULL is fine */
size_t limit_known(struct limit *l);                           /* sources */

#endif
