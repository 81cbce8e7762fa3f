/* What the files of the ACME server share. */
#ifndef VAULT_ACME_STATE_H
#define VAULT_ACME_STATE_H

#include "crypto/x509.h"
#include "identity/guid_map.h"
#include "vault/acme/acme.h"
#include "vault/acme/jws.h"

#include <pthread.h>

/* Bounds. */
#define ACME_KEYS_MAX 1000
#define ACME_ACCOUNTS_MAX 10000
#define ACME_ORDERS_MAX 20000
#define ACME_NAMES_MAX 50      /* of an order */
#define ACME_KEY_ACCOUNTS 100  /* accounts of one binding key */
#define ACME_CONTACTS_MAX 5    /* of an account */
#define ACME_CONTACT_SIZE 256  /* bytes of one */
#define ACME_ORDERS_HOURLY 300 /* new ones of an account */
#define ACME_ORDERS_OPEN 100   /* of an account, neither valid nor invalid nor expired */
#define ACME_ORDERS_KEPT 1000  /* of an account, in all */
#define ACME_FAILURES_HOURLY 5 /* failed validations of a name by an account */
#define ACME_FAILURES_KEPT 1024
#define ACME_JOBS_MAX 1000 /* validations that wait */
#define ACME_ORDER_SECONDS 86400
#define ACME_BATCH 256          /* forgotten at once; between batches others get the lock */
#define ACME_OVER_SECONDS 86400 /* what is over is still shown for this time */

#define ACME_SECRET_SIZE 32
#define ACME_TOKEN_SIZE 43
#define ACME_NAME_SIZE 254
#define ACME_CERT_ID_MAX 120

struct acme_key {
  char kid[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  int64_t created;
  struct buf sealed; /* the secret, under acme.sealing */
  unsigned accounts;
};

/* How often something happened in the hour that began at start. */
struct hourly {
  int64_t start;
  unsigned count;
};

struct acme_account {
  char id[GUID_SIZE + 1], kid[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  char thumbprint[44];
  char by_key[GUID_SIZE + 1]; /* in that index */
  struct key *key;
  bool deactivated;
  int64_t created;
  char *contacts[ACME_CONTACTS_MAX];
  size_t contact_count;
  struct hourly orders;
  unsigned open; /* orders that are neither valid nor invalid nor expired */
  unsigned kept; /* orders in all */
};

enum challenge { CHALLENGE_NONE, CHALLENGE_HTTP, CHALLENGE_DNS, CHALLENGE_ALPN };

/* Why a validation or an order failed; type "" when it did not. */
struct failure {
  char type[32];
  char detail[256];
};

enum authz_state { AUTHZ_PENDING, AUTHZ_VALID, AUTHZ_INVALID, AUTHZ_DEACTIVATED };
struct acme_authz {
  char
    name[ACME_NAME_SIZE + 1]; /* without the "*." of a wildcard; lower case; an address as text */
  bool address, wildcard;
  enum authz_state state;
  enum challenge tried; /* the one that the client asked to be validated */
  char token[ACME_TOKEN_SIZE + 1];
  int64_t validated;
  struct failure failure;
};

/* Kept: whether it is open, valid (with its certificate) or invalid. The rest of what RFC 8555
 * calls its status follows from the authorizations and the time. */
enum order_state { ORDER_OPEN, ORDER_VALID, ORDER_INVALID };
struct acme_order {
  char id[GUID_SIZE + 1], account[GUID_SIZE + 1];
  enum order_state state;
  bool busy;    /* its certificate is being issued, by someone who has let go of the lock */
  bool counted; /* among the open ones of its account */
  int64_t created, expires, not_before, not_after;
  char replaces[ACME_CERT_ID_MAX + 1];
  struct failure failure;
  struct acme_authz *authzs;
  size_t count;
  struct cert_chain chain;
  char cert_id[ACME_CERT_ID_MAX + 1], serial[2 * CERT_SERIAL_MAX + 1];
  int64_t cert_from, cert_until;
  char by_cert[GUID_SIZE + 1], by_replaced[GUID_SIZE + 1]; /* in those indexes; "": in none */
};

struct nonces;
struct validators;
struct acme {
  struct store *store;
  struct identity *identity;
  struct acme_conf conf;
  struct secret sealing;
  struct nonces *nonces;
  pthread_mutex_t lock; /* of all that follows */
  struct guid_map keys, accounts, orders;
  /* Accounts by the thumbprint of their key; valid orders by their certificate, and by the one that
   * they replace. */
  struct guid_map by_key, by_cert, by_replaced;
  struct failed {
    uint8_t what[SHA256_SIZE]; /* account and name */
    struct hourly hour;
  } failed[ACME_FAILURES_KEPT];
  struct validators *validators;
};

static inline void acme_unlock(pthread_mutex_t **l) {
  pthread_mutex_unlock(*l);
}
/* Until the end of the scope. */
#define ACME_LOCKED(a) \
  __attribute__((cleanup(acme_unlock), unused)) pthread_mutex_t *acme_locked_ = &(a)->lock; \
  pthread_mutex_lock(acme_locked_)

/* Fails with a problem of that type. */
#define PROBLEM(r, error, kind, ...) \
  do { \
    (r)->problem = (kind); \
    REFUSE((error), __VA_ARGS__); \
  } while (0)

/* state.c */
void acme_key_free(struct acme_key *k);
void acme_account_free(struct acme_account *a);
void acme_order_free(struct acme_order *o);
CLEANUP(acme_key, struct acme_key *, acme_key_free)
CLEANUP(acme_account, struct acme_account *, acme_account_free)
CLEANUP(acme_order, struct acme_order *, acme_order_free)
/* Whether an account may do anything: it is not deactivated, its binding key and its identity are
 * there, and that is enabled. */
bool acme_account_works(const struct acme *a, const struct acme_account *account);
/* The signing account of a request, again, under the lock. */
err_t acme_signer(struct acme_request *r, struct acme_account **out);
/* The order of the signing account; one of another account is refused as unauthorized. */
err_t acme_order_find(struct acme_request *r, const char *id, struct acme_order **out);

/* index.c. Under the lock, except while it is loaded. */
struct acme_account *acme_account_by_key(const struct acme *a, const char *thumbprint);
struct acme_order *acme_order_by_cert(const struct acme *a, const char *cert_id);
bool acme_is_replaced(const struct acme *a, const char *cert_id);
/* Room for one more, before what is to be found is committed. */
err_t acme_index_reserve(struct acme *a);
void acme_index_account(struct acme *a, struct acme_account *account); /* again: its key changed */
void acme_index_order(struct acme *a, struct acme_order *o);           /* once it is valid */
/* Before they are released. */
void acme_unindex_account(struct acme *a, struct acme_account *account);
void acme_unindex_order(struct acme *a, struct acme_order *o);

/* due.c, under the lock. An order is no longer one of its account's open ones. */
void acme_not_open(struct acme *a, struct acme_order *o);
/* Forgets the account's oldest order that is over. ERR_THROTTLED when there is none. */
err_t acme_make_room(struct acme *a, const struct acme_account *account);

/* record.c */
err_t acme_commit_key(struct acme *a, const struct acme_key *k);
err_t acme_commit_account(struct acme *a, const struct acme_account *account);
err_t acme_commit_order(struct acme *a, const struct acme_order *o);
/* Removes their records together. */
err_t acme_forget(struct acme *a, const char *kind, const char *const *ids, size_t count);
err_t acme_read_key(struct acme *a, const char *kid, struct bytes body, struct acme_key **out);
err_t acme_read_account(const char *id, struct bytes body, struct acme_account **out);
err_t acme_read_order(const char *id, struct bytes body, struct acme_order **out);

/* limit.c: counts one more, if there may be one; *wait is in how many seconds there may. */
bool hourly_take(struct hourly *h, unsigned max, int64_t now, unsigned *wait);
/* Failed validations of a name by an account. */
bool acme_may_try(struct acme *a, const char *account, const char *name, unsigned *wait);
void acme_count_failure(struct acme *a, const char *account, const char *name);
err_t acme_limited(struct acme_request *r, unsigned wait, const char *what);

/* name.c: identifiers. REFUSEd with the reason; problem is set. */
err_t acme_read_identifiers(struct acme_request *r, json_t *list, struct acme_order *o);
/* The name as certificates say it, "*." included. */
void acme_full_name(const struct acme_authz *z, char out[static ACME_NAME_SIZE + 3]);
/* A certificate's names, in room which is to live as long. */
struct acme_names {
  char text[ACME_NAMES_MAX][ACME_NAME_SIZE + 3];
  const char *dns[ACME_NAMES_MAX], *address[ACME_NAMES_MAX];
  char subject[80];
};
void acme_profile(const struct acme_order *o, struct acme_names *room, struct cert_profile *out);
/* Refused, with a subproblem for each name that the identity may not have. */
err_t acme_check_names(struct acme_request *r, const struct acme_order *o);

/* account_write.c, order_write.c */
enum order_status { STATUS_PENDING, STATUS_READY, STATUS_PROCESSING, STATUS_VALID, STATUS_INVALID };
enum order_status acme_order_status(const struct acme_order *o, int64_t now);
void acme_write_order(struct acme_request *r, const struct acme_order *o);
void acme_write_authz(struct acme_request *r, const struct acme_order *o, size_t index);
void acme_write_challenge(struct acme_request *r, const struct acme_order *o, size_t index,
                          enum challenge c, struct buf *b);
bool acme_offers(const struct acme_authz *z, enum challenge c);
const char *challenge_name(enum challenge c);
void acme_write_account(struct acme_request *r, const struct acme_account *account);
void acme_write_time(struct buf *b, const char *key, int64_t seconds);
void acme_put_url(const struct acme_request *r, struct buf *b, const char *format, ...)
  __attribute__((format(printf, 3, 4)));
void acme_write_url(const struct acme_request *r, struct buf *b, const char *key,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* binding.c: the key that binds a new account, of an enabled identity. */
err_t acme_check_binding(struct acme_request *r, json_t *binding, struct acme_key **out);

/* cert_id.c: what RFC 9773 calls a certificate by, and its serial in hexadecimal. */
err_t acme_cert_id(struct bytes der, char id[static ACME_CERT_ID_MAX + 1],
                   char serial[static 2 * CERT_SERIAL_MAX + 1]);

/* validate.c */
err_t acme_validators_start(struct acme *a);
void acme_validators_stop(struct acme *a);
/* Under the lock. False when too many wait. */
bool acme_validate(struct acme *a, const struct acme_order *o, size_t index);
bool acme_validators_full(const struct acme *a, const char *oid); /* for that identity */

/* probe.c: OK when the client has shown that it holds the name; else *why says why not. */
struct probe {
  const struct acme_conf *conf;
  enum challenge challenge;
  const char *name; /* or address */
  bool address;
  const char *token, *authorization; /* of the key: token.thumbprint */
};
err_t acme_probe(const struct probe *p, struct failure *why);

#endif
