/*
 * Connections to one server that several threads share: who needs one takes it and gives it back.
 * As many are made as are needed at a time; POOL_KEPT of those that are idle are kept open. Any
 * thread.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include "net/client.h"

#define POOL_KEPT 16

struct pool;
/* url and tls as for http_client_new(). Connects to nothing yet. */
err_t pool_new(const char *url, struct tls *tls, struct pool **out);
void pool_free(struct pool *p); /* when all were given back */
CLEANUP(pool, struct pool *, pool_free)

err_t pool_take(struct pool *p, struct http_client **out);
void pool_give(struct pool *p, struct http_client *http);

#endif
