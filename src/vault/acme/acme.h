/*
 * The ACME server (RFC 8555): any of its clients gets certificates of the hub's authority. IP
 * addresses by RFC 8738, tls-alpn-01 by RFC 8737, renewal information by RFC 9773.
 *
 * An account is bound to an identity of the directory, by an external account binding whose key an
 * owner made for that identity. It acts as that identity: the names that it may order are the
 * identity's, asked at each order and again at its finalization, and it stops when the identity is
 * disabled or deleted, or when its binding key is deleted.
 *
 * Everything is in memory (records of the store, loaded at start) behind one mutex, which is held
 * across commits and not while a certificate is issued. Validations run on threads of their own.
 * Accounts, orders, keys and whatever waits are bounded in number. Any thread.
 */
#ifndef VAULT_ACME_ACME_H
#define VAULT_ACME_ACME_H

#include "identity/identity.h"
#include "vault/ca/ca.h"

struct acme;

/* The authority's functions of vault/ca/ca.h, and whose they are. */
struct acme_authority {
  struct ca *ca;
  err_t (*issue)(struct ca *ca, const struct ca_request *rq, struct cert_chain *out);
  err_t (*check)(struct ca *ca, const char *oid, enum ca_profile profile,
                 const struct cert_profile *says);
  err_t (*revoke)(struct ca *ca, const char *serial, unsigned reason, const char *oid);
  bool (*knows)(struct ca *ca, struct bytes der, int64_t now);
};

struct acme_conf {
  struct acme_authority authority;
  bool enabled; /* else nothing is validated, and nothing connects anywhere */
  unsigned http_port, tls_port;
  const char *resolver; /* "": the system's */
  /* Whether an identity has the role that certificates need; its names are asked of the authority.
   */
  bool (*may_request)(void *ctx, const char *oid);
  /* Puts what happened without a request into the audit log, before it is visible. May be NULL. */
  err_t (*record)(void *ctx, const char *operation, const char *object, const char *oid, err_t e);
  void *ctx;
};

err_t acme_new(struct store *s, struct identity *id, struct acme **out);
void acme_free(struct acme *a); /* ends the validations first */
CLEANUP(acme, struct acme *, acme_free)
bool acme_owns(struct bytes place); /* "acme/.." */
err_t acme_load(struct acme *a, struct bytes place, struct bytes body);
/* After the records: begins the validations that were under way. */
err_t acme_ready(struct acme *a, const struct acme_conf *conf);
bool acme_enabled(const struct acme *a);
/* Forgets what is over: orders, and accounts that nothing can use any more. */
err_t acme_carry_out_due(struct acme *a);

/* Binding keys. kid is a GUID; key is 32 random bytes, shown once. JSON of a list:
 * {"value":[{"kid","identity","objectId","created","accounts"}]}. */
err_t acme_key_create(struct acme *a, const char *oid, char kid[static GUID_SIZE + 1],
                      struct secret *key);
err_t acme_key_delete(struct acme *a, const char *kid); /* and its accounts stop */
err_t acme_write_keys(struct acme *a, struct buf *json);
/* {"value":[{"id","kid","identity","objectId","status","created","contact":[],"orders"}]} */
err_t acme_write_accounts(struct acme *a, struct buf *json);

/* A nonce for a client (RFC 8555, 6.5). */
#define ACME_NONCE_MAX 64
err_t acme_nonce(struct acme *a, char out[static ACME_NONCE_MAX]);

/*
 * One request. What it answers with is left in it; when it fails, problem is the type of the
 * problem document (NULL: what fits the error) and more its further members, as JSON after a comma.
 */
struct acme_jws;
struct acme_request {
  struct acme *acme;
  struct bytes host; /* of the request: part of every URL */
  char url[600];     /* the request's own */
  struct acme_jws *jws;
  char account[GUID_SIZE + 1]; /* who signed; "" when it was a key of no account */
  char oid[GUID_SIZE + 1];     /* whom that account acts for */
  char thumbprint[44];         /* of the key that signed */

  const char *problem;
  struct buf more;

  int status;
  struct buf *body;
  const char *content_type; /* NULL: JSON */
  char location[360], up[360];
  unsigned retry_after; /* seconds; 0: none */
  char object[200];     /* for the audit log */
};
void acme_request_free(struct acme_request *r);
#define AUTO_ACME_REQUEST __attribute__((cleanup(acme_request_free))) struct acme_request

/* Who may sign. */
enum acme_signer { ACME_BY_ACCOUNT = 1, ACME_BY_KEY = 2 };
/* Reads the JWS of a POST, uses its nonce up, checks address and signature and finds the account.
 */
err_t acme_admit(struct acme_request *r, struct bytes body, unsigned signers);

/* The resources. Those with an id are of the account that signed. */
err_t acme_directory(struct acme_request *r);
err_t acme_new_account(struct acme_request *r);
err_t acme_account(struct acme_request *r, const char *id);
err_t acme_orders(struct acme_request *r, const char *id);
err_t acme_key_change(struct acme_request *r);
err_t acme_new_order(struct acme_request *r);
err_t acme_order(struct acme_request *r, const char *id);
err_t acme_finalize(struct acme_request *r, const char *id);
err_t acme_authz(struct acme_request *r, const char *id);
err_t acme_challenge(struct acme_request *r, const char *id);
err_t acme_certificate(struct acme_request *r, const char *id);
err_t acme_revoke(struct acme_request *r);
err_t acme_renewal_info(struct acme_request *r, const char *id); /* GET, not signed */

#endif
