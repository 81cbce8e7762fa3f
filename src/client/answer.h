/* One request and what its answer means: shared by calls and by the token request. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include "client/client.h"
#include "net/client.h"

/* OK with the answer for status 2xx; else the error that client.h names. */
err_t answer_fetch(struct http_client *http, enum http_method method, const char *target,
                   struct bytes headers, struct bytes body, struct client_answer *out);

/* A public file that is no JSON, without a token. */
err_t answer_download(struct http_client *http, const char *target, struct buf *out);

#endif
