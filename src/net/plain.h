/*
 * Plain sockets that do not block, and what is fetched without TLS: what a client of ACME puts
 * under its name to prove that it holds it (RFC 8555, 8.3), and the tokens that a service of this
 * machine hands out. Any thread; calls block within their budget, which is reduced by the time
 * waited.
 */
#ifndef NET_PLAIN_H
#define NET_PLAIN_H

#include "net/dial.h"

/* Until it can be read or written. ERR_TIMEOUT. */
err_t plain_wait(int fd, bool to_write, uint64_t *budget_us);
err_t plain_write(int fd, struct bytes data, uint64_t *budget_us);
/* Appends up to max bytes, less when the peer says that nothing more comes. */
err_t plain_read(int fd, size_t max, struct buf *out, uint64_t *budget_us);

#define PLAIN_ANSWER_MAX 8192 /* bytes, headers included; more is not read */

/* The status and the body of an answer that ends with its connection. ERR_HTTP. */
err_t plain_parse(struct bytes answer, int *status, struct bytes *body);
struct plain_get {
  const struct net_address *from;
  const char *host, *path; /* host: what the server is told; path may have a query */
  struct bytes headers;    /* "Name: value\r\n" lines more; may hold secrets */
};
/* GET, as HTTP/1.0, which has no chunks. Redirects are not followed. The body may be secret: body
 * wipes it. ERR_IO, ERR_TIMEOUT, ERR_HTTP, FAILed with reasons. */
err_t plain_get(const struct plain_get *rq, uint64_t *budget_us, int *status, struct buf *body);

#endif
