/*
 * Whether a peer's certificate, which TLS found valid, is one of those that a route admits, and
 * what it is called in logs. Peers connect again and again with the same certificate: what was
 * found is kept under its hash, because reading a certificate costs as much as a part of the
 * handshake. One thread on a cache.
 */
#ifndef TRANSIT_PROXY_PEER_H
#define TRANSIT_PROXY_PEER_H

#include "transit/proxy/route.h"

#define PEER_IDENTITY_MAX 200 /* longer ones are cut in logs */
#define PEER_SLOTS 64

struct peer_verdict {
  uint8_t sha256[SHA256_SIZE];
  const struct route *route; /* NULL: an empty slot */
  bool admitted;
  char identity[PEER_IDENTITY_MAX + 1];
};
struct peer_cache {
  struct peer_verdict slots[PEER_SLOTS];
};

/* The verdict stays until the next call. NULL: the certificate can't be read, or out of memory. */
const struct peer_verdict *peer_judge(struct peer_cache *cache, const struct route *route,
                                      struct bytes der);

#endif
