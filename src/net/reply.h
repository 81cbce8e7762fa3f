/*
 * Parsing responses, as strictly as requests. Any thread.
 */
#ifndef NET_REPLY_H
#define NET_REPLY_H

#include "net/client.h"
#include "net/parse.h"

/* Parses a complete head as http_scan_reply() found it: sets status and headers of out (names in
 * lower case). ERR_HTTP unless the body is framed by a length or by chunks: an end that is told by
 * closing cannot be told from a broken connection. method is the request's. */
err_t http_parse_reply(struct bytes head, enum http_method method, struct http_reply *out,
                       struct http_frame *frame);

#endif
