/*
 * What the proxy tells those who run it, over HTTP: /metrics for Prometheus, /healthz (it answers,
 * so it is alive), /readyz (it can serve) and /status (JSON, of what it is). No sockets: a
 * request's bytes in, a response's bytes out, one request on a connection. The parser is the strict
 * one of net/.
 *
 * It has no secrets and takes no commands; who may ask is decided by where it listens. Any thread,
 * as far as the callbacks allow it.
 */
#ifndef TRANSIT_PROXY_ADMIN_H
#define TRANSIT_PROXY_ADMIN_H

#include "base/bytes.h"

#define ADMIN_REQUEST_MAX 2048 /* bytes of a request */

struct admin {
  void (*metrics)(void *ctx, struct buf *out); /* text of /metrics (metrics.h) */
  /* False: it can't serve now, and why, in a line without its end. */
  bool (*ready)(void *ctx, struct buf *why);
  void (*status)(void *ctx, struct buf *out); /* JSON */
  void *ctx;
};
/* Shown all of a request that has come so far. Nothing is appended when more has to come; otherwise
 * the whole response, after which the connection is to be closed. ERR_NOMEM only: what is wrong
 * with a request is said in the response. */
err_t admin_answer(const struct admin *a, struct bytes request, struct buf *response);

#endif
