/*
 * The strict HTTP/1.1 parser (RFC 9112), which takes HTTP/1.0 for one request on a connection:
 * bytes in, verdict out; no sockets, no allocation, no state but what the caller holds. It takes
 * only what the grammar allows and refuses every liberty that the RFC leaves to a server, because
 * two parties that read a lenient message differently are how requests are smuggled. Any thread.
 */
#ifndef NET_PARSE_H
#define NET_PARSE_H

#include "net/http.h"

/* How far the search for a head's end has come. Zeroed at the start of each message. */
struct http_scan {
  size_t at;   /* everything before it was looked at */
  size_t line; /* where the present line starts */
  unsigned lines;
  bool skipped; /* the one empty line that may come before the first line */
};

/*
 * Looks for the end of a request's head (its empty line) in what has come so far; the same bytes
 * are given again with more after them. *size is 0 until the head is complete. Refuses what can be
 * refused early: ERR_HTTP for a bare CR or LF, ERR_HTTP_VERSION, ERR_HEAD_TOO_LARGE over max bytes.
 */
err_t http_scan_head(struct http_scan *s, struct bytes in, size_t max, size_t *size);
/* The same for a response's head: the first line is not looked at. */
err_t http_scan_reply(struct http_scan *s, struct bytes in, size_t max, size_t *size);

/* Takes a line off a complete head, without its CRLF. */
struct bytes http_next_line(struct bytes *rest);

/* What the head says of the body and the connection. */
struct http_frame {
  uint64_t length; /* Content-Length; 0 when there is none */
  bool chunked;
  bool expect; /* Expect: 100-continue */
  bool close;  /* Connection: close */
};

/* Parses a complete head as http_scan_head() found it, views into it. Sets all of r but body and
 * peer. */
err_t http_parse_head(struct bytes head, struct http_request *r, struct http_frame *f);
/* One "name: value" line without its CRLF. */
err_t http_parse_field(struct bytes line, struct http_header *h);
/* Content-Length, Transfer-Encoding and Connection of a list of fields; ERR_HTTP where they are
 * malformed or contradict each other. *framed says whether there was one of the first two. */
err_t http_parse_frame(const struct http_header *headers, size_t count, struct http_frame *f,
                       bool *framed);

/* A body as it comes in, of known length or chunked. */
struct http_body {
  uint64_t left; /* of the body, or of the present chunk */
  unsigned char step, digits;
  bool chunked, done;
};
void http_body_init(struct http_body *b, const struct http_frame *f);
/* Takes bytes of the body from the front of *in and sets *data to a piece of content among them
 * (may be empty). ERR_HTTP for malformed chunks, chunk extensions and trailers. */
err_t http_body_next(struct http_body *b, struct bytes *in, struct bytes *data);

#endif
