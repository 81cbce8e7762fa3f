/* One request and what its answer means: shared by calls and by the token request. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include "client/client.h"
#include "net/client.h"

struct request {
  enum http_method method;
  const char *target;         /* path and query */
  struct bytes headers, body; /* lines as for http_client_request() */
};

/* What there is to know beyond the error. */
struct answer_hint {
  int status;           /* 0: no answer */
  unsigned retry_after; /* seconds; 0 where the server did not say */
};

/* OK with the answer for status 2xx; else the error that client.h names. The body may hold secrets:
 * out wipes it. */
err_t answer_ask(struct http_client *http, const struct request *rq, struct http_reply *out,
                 struct answer_hint *hint);
/* Nothing was heard, for a reason that lies with the server or on the way to it: ERR_AWAY. Other
 * errors, and OK, are passed on. */
err_t answer_none(err_t e);
/* This thread's last error, e or another one, with more words; what the server answered stays with
 * it. */
err_t answer_retell(err_t e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The error that a reply with another status means. */
err_t answer_check(const struct http_reply *reply);

/* The body as JSON; NULL when there is none. */
err_t answer_parse(const struct http_reply *reply, struct client_answer *out);

#endif
