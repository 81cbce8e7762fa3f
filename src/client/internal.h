/* What the files of a client share. */
#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

#include "client/answer.h"
#include "client/pool.h"
#include "client/settings.h"
#include "client/token.h"
#include "client/use.h"

struct client {
  struct settings settings;
  struct client_patience patience;
  struct tls *tls;
  struct pool *vault, *authority; /* the same one when they are at one address */
  struct token_keeper *token;
  struct wrap_algs *algs;
};

/* A call whose answer is not for JSON's reader: because there is a secret in it. */
struct client_request {
  enum http_method method;
  const struct buf *path;                 /* api-version is added */
  const struct buf *body;                 /* NULL: none */
  bool open;                              /* without a token */
  bool repeatable;                        /* twice is as good as once */
  const struct client_patience *patience; /* NULL: the client's */
};
err_t client_ask(struct client *c, const struct client_request *rq, struct http_reply *out);

/* As without "with", but for the patience; NULL: the client's. */
err_t client_wrap_with(struct client *c, const struct client_patience *p, const char *key,
                       struct bytes plain, struct wrapped *out);
err_t client_unwrap_with(struct client *c, const struct client_patience *p, const struct wrapped *w,
                         struct secret *out);

#endif
