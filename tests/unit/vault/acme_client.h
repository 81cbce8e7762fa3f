/* A small ACME client, which can also do everything wrong, over a fixture's hub. */
#ifndef TESTS_ACME_CLIENT_H
#define TESTS_ACME_CLIENT_H

#include "fixture.h"
#include "vault/acme/state.h"

#define ACME_BASE "https://localhost:8443/acme/"

struct acme_client {
  struct fixture *f;
  struct key *key;
  const char *alg;
  char account[128]; /* its URL: signed with as kid; "": with the key itself */
  /* The next request is wrong in that these are so; each is forgotten afterwards. */
  const char *nonce, *url, *extra; /* extra: members of the header, with a comma at the end */
  const struct key *sign_with;
  struct answer a; /* of the last request */
};
void client_begin(struct acme_client *c, struct fixture *f, enum key_type type);
void client_end(struct acme_client *c);

/* POST to a path below /acme/, or a whole URL; the status. payload "": POST-as-GET. */
int client_post(struct acme_client *c, const char *path, const char *payload, ...)
  __attribute__((format(printf, 3, 4)));
/* What is sent as it is. */
int client_raw(struct acme_client *c, const char *path, struct bytes body);
/* Signs with key: {"protected","payload","signature"}. */
void client_jws(const struct key *key, const char *alg, const char *protected_header,
                const char *payload, struct buf *out);
void client_jwk(const struct key *key, struct buf *out);
/* A header's value in the last answer; "" when absent. Valid until the next call. */
const char *client_header(const struct acme_client *c, const char *name);
/* "malformed" and so on, of the last answer. */
const char *client_problem(const struct acme_client *c);
/* A binding of the client's key: {"protected","payload","signature"}. */
void client_binding(const struct acme_client *c, const char *kid, struct bytes mac_key,
                    const char *alg, const char *url, struct buf *out);
/* An identity "web" that may have these names, and a binding key for it. */
struct acme_identity {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], kid[GUID_SIZE + 1];
  char assignment[GUID_SIZE + 1]; /* of the role that it needs */
  struct secret key;
};
void client_identity(struct fixture *f, const char *const *names, size_t count,
                     struct acme_identity *out);
/* Makes the account, which must work. */
void client_register(struct acme_client *c, const char *kid, struct bytes mac_key);
/* A certificate request in base64url. */
void client_csr(const struct key *key, const struct cert_profile *says, struct buf *out);

#endif
