/*
 * Where connections go and who may use them: a proxy's routes, copied from its options and checked.
 * Constant once they are made; any thread.
 */
#ifndef TRANSIT_PROXY_ROUTE_H
#define TRANSIT_PROXY_ROUTE_H

#include "transit/proxy/proxy.h"
#include "transit/proxy/resolve.h"

struct route {
  char *name;
  unsigned target; /* the resolver's */
  char **patterns;
  size_t pattern_count;
  bool any;
  char *server_name; /* of a client proxy; NULL */
  bool spiffe;       /* server_name is a URI */
};

struct routes {
  struct route *items;
  size_t count;
};
/* Backends become targets of the resolver. ERR_CONFIG, FAILed. */
err_t routes_make(const struct proxy_options *o, struct resolver *r, struct routes *out);
void routes_free(struct routes *r); /* zeroed ones are fine */
/* That of the name which a client asks for; name NULL: it asks for none. NULL: there is none. */
const struct route *routes_find(const struct routes *r, const char *name);

#endif
