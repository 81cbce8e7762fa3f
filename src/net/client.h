/*
 * A small blocking HTTPS client: one kept connection, one request at a time. For the verbs of the
 * command line, tests and benchmarks. One thread at a time on one client. It reconnects by itself
 * when the kept connection was closed: always when it knows so before it sends; after that only
 * where doing the request twice is the same as once (not POST and PATCH).
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "net/http.h"
#include "net/tls.h"

struct http_client;
/* url: "https://host[:port]" (nothing after it but an optional '/'). timeout_ms: what a request may
 * wait for the server in all, connecting included. */
err_t http_client_new(const char *url, struct tls *tls, unsigned timeout_ms,
                      struct http_client **out);
void http_client_free(struct http_client *c);
void http_client_set_timeout(struct http_client *c,
                             unsigned timeout_ms); /* from the next request */
CLEANUP(http_client, struct http_client *, http_client_free)

struct http_reply {
  int status;
  struct buf headers; /* "name: value\r\n" lines as received, names in lower case */
  struct buf body;
};
void http_reply_free(struct http_reply *r);
#define AUTO_HTTP_REPLY __attribute__((cleanup(http_reply_free))) struct http_reply
struct bytes http_reply_header(const struct http_reply *r,
                               const char *name); /* data NULL when absent */

/* headers: "Name: value\r\n" lines beyond Host and Content-Length. ERR_IO (FAILed with a reason for
 * people: refused, certificate not trusted, name not covered, timed out) when there is no answer.
 * Bodies of at most 64 MiB. */
err_t http_client_request(struct http_client *c, enum http_method method,
                          const char *path_and_query, struct bytes headers, struct bytes body,
                          struct http_reply *out);

#endif
