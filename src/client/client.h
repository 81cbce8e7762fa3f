/*
 * The hub as its clients see it: an identity's credentials, a token that is got when needed and
 * kept while it is good, and calls that take and give JSON.
 *
 * A client is set up from the environment that Azure's SDKs use (settings.h has the names) or from
 * a data directory's file "env", which holds the same names. What is the hub's ("/hub/..") is asked
 * at the authority's address, all else at the vault's, which may be another vault of that hub. Any
 * number of threads at a time on one client: each call has a connection to itself, up to 16 idle
 * ones are kept, and one thread gets a new token while the others still use the old one.
 *
 * What the hub refuses comes back as an error whose err_text() is the hub's own message with its
 * code: ERR_NOT_FOUND (404), ERR_UNAUTHORIZED (401, and a refused token request), ERR_FORBIDDEN
 * (403), ERR_CONFLICT (409), ERR_SEALED (a sealed vault), ERR_BUSY (429, 502, 503, 504),
 * ERR_BAD_PARAMETER (other 4xx), ERR_INTERNAL (the rest). ERR_AWAY is no answer at all, ERR_CONFIG
 * a set-up that is not complete.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/json.h"
#include "net/http.h"

struct client;
/* data_dir NULL: from the environment. Connects to nothing yet. */
err_t client_new(const char *data_dir, struct client **out);
/* The same with settings from elsewhere, which are taken over, also on failure. */
struct settings;
err_t client_new_with(struct settings *s, struct client **out);
void client_free(struct client *c);
CLEANUP(client, struct client *, client_free)
/* The vault's address, as the settings have it; the client's own. */
const char *client_url(const struct client *c);

/*
 * How long a call goes on trying. Tried again, with pauses that double, is what had no answer or
 * found the hub busy (503), if doing it twice is as good as once: reading, and using keys. What
 * was turned away for there being too many requests (429) was not begun and is always tried again.
 * A call that needs a token first has the same for that.
 */
struct client_patience {
  unsigned attempts;   /* at most; 1: never again */
  unsigned budget_ms;  /* no attempt begins later than this */
  unsigned timeout_ms; /* of each attempt, connecting included */
};
/* Before the client is shared. It has PATIENCE_PERSON with client_new(), where somebody waits at
 * the terminal, and PATIENCE_SERVICE with client_new_with(). */
void client_set_patience(struct client *c, const struct client_patience *p);
extern const struct client_patience PATIENCE_PERSON, PATIENCE_SERVICE;

/* An access token that is good now, and for a while if the token service is not away. */
struct secret;
err_t client_get_token(struct client *c, struct secret *out);

struct client_answer {
  int status;
  json_t *body; /* NULL when the hub sent none */
};
void client_answer_free(struct client_answer *a);
#define AUTO_ANSWER __attribute__((cleanup(client_answer_free))) struct client_answer

/* A path of segments, percent-encoded; the last argument is NULL: client_path("keys", name, NULL).
 * A query may be appended. */
struct buf client_path(const char *first, ...) __attribute__((sentinel));
void client_put_escaped(struct buf *b, struct bytes text);

/* api-version is added to the path. body: a JSON text, or NULL for none. A buf that ran out of
 * memory on the way here is reported. */
err_t client_call(struct client *c, enum http_method method, const struct buf *path,
                  const struct buf *body, struct client_answer *out);
/* The same without a token, for the few routes that need none. */
err_t client_call_open(struct client *c, enum http_method method, const struct buf *path,
                       const struct buf *body, struct client_answer *out);

/* What is at a path of the vault for everybody and is no JSON, appended. */
err_t client_download(struct client *c, const char *path, struct buf *out);
err_t client_download_with(struct client *c, const struct client_patience *p, const char *path,
                           struct buf *out);

/* Calls each for every item of a list's pages ("value" and "nextLink"), in order; stops at the
 * first error, which it returns. */
typedef err_t client_each(void *ctx, json_t *item);
err_t client_list(struct client *c, const struct buf *path, client_each *each, void *ctx);

#endif
