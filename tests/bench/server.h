/*
 * The server under test: `strongroom vault serve` on a free port of the loopback address with a
 * data directory of its own, and its owner's view of it. One thread.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "bench.h"
#include "child.h"
#include "client/client.h"
#include "client/credential.h"
#include "client/settings.h"

struct server {
  struct child child;
  char dir[512];
  struct settings settings;
  unsigned port;
  char authority[64]; /* "localhost:port" */
  struct client *client;
  struct http_client *http; /* for what the client does not do */
  struct token token;
  double ready_s; /* from exec to its word that it is ready */
};
/* Starts on b->dir/name, which is made when it is not there. */
err_t server_start(const struct bench *b, const char *name, struct server *out);
err_t server_stop(struct server *s);
void server_free(struct server *s); /* ends it if it still runs */
#define AUTO_SERVER __attribute__((cleanup(server_free))) struct server

/* Processor time that all its threads have used. */
err_t server_cpu_ns(const struct server *s, uint64_t *ns);
/* Memory that it has in RAM (VmRSS). */
err_t server_rss_kib(const struct server *s, uint64_t *kib);

/* One request as the owner, path with query but without api-version; body NULL for none. The answer
 * must be 2xx. */
err_t server_call(struct server *s, enum http_method method, const char *path, const char *body,
                  struct client_answer *out);
/* The JSON document at a path whose query is complete (a list's nextLink), as the owner. */
err_t server_get(struct server *s, const char *target, json_t **out);
/* A key; *path is "/keys/<name>/<version>". */
err_t server_make_key(struct server *s, const char *name, const char *body, struct buf *path);

/* A whole HTTP request with the headers that Azure's SDKs send. body NULL: none. */
err_t server_request(const struct server *s, const char *method, const char *target, bool as_owner,
                     const char *type, const char *body, struct buf *out);
/* The same for an operation of the vault as the owner, JSON, with api-version. */
err_t server_operation(const struct server *s, const char *method, const char *path,
                       const char *body, struct buf *out);

#endif
