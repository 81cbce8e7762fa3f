/*
 * HTTP/1.1 as the server sees it: one request, one response, and what an application must provide.
 *
 * A request's way: the loop reads the head and calls app->head(), which names the lane, the body
 * limit, or answers at once (the body is then never looked at). When the body is in (small bodies
 * are read by the loop, so that a slow client holds no thread) it calls app->handle(): on the loop
 * for the fast lane, on a worker for the slow lane. Streaming handlers run on a worker as soon as
 * the head is in and pull the body with http_read() and push the answer with http_write(), which
 * block and give back-pressure.
 *
 * A response may be held: it is written to the client only when the gate has passed response.hold.
 * So a handler on the fast lane need not wait for the audit log's disk; the loop parks the finished
 * answer and goes on.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/bytes.h"

enum http_method {
  HTTP_GET,
  HTTP_HEAD,
  HTTP_POST,
  HTTP_PUT,
  HTTP_PATCH,
  HTTP_DELETE,
  HTTP_OPTIONS,
  HTTP_METHOD_COUNT
};
const char *http_method_name(enum http_method m);

enum http_lane {
  HTTP_ANSWERED, /* the response is complete: do not read the body */
  HTTP_FAST,     /* handle() on the loop: must not block */
  HTTP_SLOW,     /* handle() on a worker, body in memory */
  HTTP_STREAM,   /* handle() on a worker, body by http_read() */
};

struct http_header {
  struct bytes name, value; /* as sent; the value without white space around it */
};
#define HTTP_HEADERS_MAX 100

struct http_request {
  enum http_method method;
  struct bytes path;  /* as sent, still percent-encoded; starts with '/' */
  struct bytes query; /* without '?'; empty when there is none */
  struct bytes
    host; /* "name" or "name:port", checked: no user part, no white space, no control bytes */
  struct http_header headers[HTTP_HEADERS_MAX];
  size_t header_count;
  struct bytes body;
  char peer[64]; /* the client's address, "192.0.2.1" or "2001:db8::1" */
};
/* The first header of that name (case-insensitive), or a view with data NULL. */
struct bytes http_header(const struct http_request *r, const char *name);

struct http_response {
  int status;
  struct buf headers; /* "Name: value\r\n" lines beyond Content-Length, Date and Connection, which
                         the server writes */
  struct buf body;
  uint64_t hold;   /* wait for the gate to settle this number; 0: do not wait */
  uint64_t length; /* of a streamed body, or of the one that HEAD does not send */
  bool has_length; /* length was set, by http_response_header() */
  bool close;      /* close the connection after this answer */
  bool broken;     /* set by a streaming handler that cannot go on after its first http_write(): the
                      answer is cut off, so that the client does not take it for complete */
};
/* Names and values must hold no CR, LF or NUL: such a header is dropped (a defect of the caller,
 * logged). "Content-Length" sets length. */
void http_response_header(struct http_response *r, const char *name, struct bytes value);

struct http_exchange {
  struct http_request req;
  struct http_response res;
  enum http_lane lane;
  size_t body_max; /* set by head(); a longer body is answered 413 */
  void *user;      /* the application's own state for this request */
  struct http_conn *conn;
};

struct http_app {
  void *ctx;
  enum http_lane (*head)(void *ctx, struct http_exchange *x);
  void (*handle)(void *ctx, struct http_exchange *x);
  /* Fills in the response for an error that the server itself found (malformed request, timeout,
   * too large, too busy, gate failed): status, body and all headers, Retry-After too. */
  void (*refuse)(void *ctx, struct http_exchange *x, err_t e);
  /* The exchange is over (answered or broken off): release user. Called exactly once after head().
   */
  void (*done)(void *ctx, struct http_exchange *x);
};

/* HTTP_STREAM handlers only; block up to the server's body and write deadlines. *n is 0 at the end
 * of the body. */
err_t http_read(struct http_exchange *x, void *out, size_t room, size_t *n);
/* First call sends status and headers (chunked unless length is known: set with
 * http_response_header "Content-Length"). */
err_t http_write(struct http_exchange *x, struct bytes data);

/* Query strings: finds a parameter by its decoded name ("api%2Dversion" is "api-version"), decodes
 * its value into out. *found false when absent; ERR_BAD_PARAMETER for bad escapes or NUL. '+' is
 * left as it is. */
err_t http_query_get(struct bytes query, const char *name, char *out, size_t size, bool *found);
/* The same over an application/x-www-form-urlencoded body, where '+' is a blank. */
err_t http_form_get(struct bytes body, const char *name, char *out, size_t size, bool *found);
/* Decodes %XX. ERR_BAD_PARAMETER for bad escapes, NUL, or too little room. */
err_t http_unescape(struct bytes text, char *out, size_t size);

#endif
