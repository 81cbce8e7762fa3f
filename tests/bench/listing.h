/* A list of many objects from its first page to its last: what pages cost, and whether memory
 * grows.
 */
#ifndef BENCH_LISTING_H
#define BENCH_LISTING_H

#include "server.h"

/* collection: "keys" or "secrets"; it must have count objects. */
err_t listing_report(struct server *s, const char *collection, size_t count);

#endif
