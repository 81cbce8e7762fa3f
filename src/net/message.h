/*
 * Writing heads of responses. Any thread.
 */
#ifndef NET_MESSAGE_H
#define NET_MESSAGE_H

#include "net/http.h"

enum http_framing { HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_NONE };

/* True for answers that never have a body: 1xx, 204, 304. */
bool http_bodyless(int status);
/* Appends status line, headers and the empty line. length is for HTTP_BODY_LENGTH. */
void http_put_head(struct buf *out, const struct http_response *r, enum http_framing framing,
                   uint64_t length, bool close);

#endif
