/* What the tests of identity/ share: a directory over a real store in a directory of its own. */
#ifndef TEST_IDENTITY_HUB_H
#define TEST_IDENTITY_HUB_H

#include "../asserts.h"
#include "identity/internal.h"

/* The error and its text for the client. */
#define assert_refused(call, code, text) \
  do { \
    assert_err(call, code); \
    assert_string_equal(err_text(code), text); \
  } while (0)

#define AUDIENCE "https://vault.example"
#define ENDPOINT "https://login.example:8443/t/oauth2/v2.0/token"

/* So many RSA keys that are generated one after the other differ. */
#define HUB_RSA_KEYS 10

struct hub {
  char dir[64];
  struct root *root;
  struct store *store;
  struct identity *id;
  struct partition part;
  struct roles *roles; /* of the store's main part */
};
int hub_start(void **state); /* *state is the hub */
int hub_stop(void **state);
void hub_reopen(struct hub *h); /* as after a restart */

struct client {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  char secret[64], secret_id[GUID_SIZE + 1];
};
/* An application with a client secret. */
void hub_client(struct hub *h, const char *name, struct client *out);
/* Assigns a role by name; guid (may be NULL) gets the assignment's name. */
void hub_assign(struct hub *h, const char *role, const struct client *c, const char *scope,
                char guid[GUID_SIZE + 1]);
bool hub_allows(struct hub *h, const struct client *c, enum action a, const char *scope);

/* Posts the form to the token endpoint; only AUDIENCE is served. */
err_t hub_issue(struct hub *h, const char *form, struct token_grant *g);
/* "Bearer <token>" for the client, to be released by buf_free(). */
struct buf hub_bearer(struct hub *h, const struct client *c);
err_t hub_check(struct hub *h, const struct buf *authorization, struct caller *out);

/* Appends header.claims.signature over any JSON texts; k NULL: an empty signature. */
void put_jwt(struct buf *out, const char *header, const char *claims, const struct key *k,
             const char *alg);
/* The JSON text of o. */
char *text_of(json_t *o);

#endif
