/*
 * A whole hub in this process without its sockets: requests go straight to the application's head
 * and handle functions, as the server would call them. For unit tests, fault injection and fuzzing.
 * One thread.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "vault/hub_internal.h"

struct fixture {
  char dir[64];
  struct conf *conf;
  struct hub *hub;
  char oid[GUID_SIZE + 1], app_id[GUID_SIZE + 1]; /* the owner */
  struct buf authorization;                       /* "Bearer .." of the owner */
  const char *host;                               /* of requests; NULL: "localhost:8443" */
  const char *content_type;                       /* of the next bodies; NULL: none is sent */
};
/* options: "name=value" of hub_keys, NULL-terminated; may be NULL. Aborts when it can't (a test
 * can't go on). */
void fixture_open(struct fixture *f, const char *const *options);
void fixture_reopen(struct fixture *f); /* closes the hub and opens it again on the same data */
void fixture_close(struct fixture *f);  /* removes the data */

/* A bearer header for an identity (made by the caller). */
void fixture_authorize(struct fixture *f, const char *app_id, struct buf *out);

struct answer {
  int status;
  struct buf body, headers;
  json_t *json; /* of the body; NULL when it is not an object */
};
void answer_free(struct answer *a);
#define AUTO_ANSWER __attribute__((cleanup(answer_free))) struct answer
/* target: path and query. authorization: the header's value, "" for none. body NULL: none. */
void fixture_call(struct fixture *f, struct bytes authorization, enum http_method method,
                  const char *target, struct bytes body, struct answer *out);
/* As the owner, api-version added, a printf-made body ("" for none); the status. */
int fixture_do(struct fixture *f, struct answer *out, enum http_method method, const char *path,
               const char *body, ...) __attribute__((format(printf, 5, 6)));
/* A string member of the answer by a path such as "key.kid"; "" when absent. */
const char *answer_str(const struct answer *a, const char *path);

#endif
