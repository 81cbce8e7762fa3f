/*
 * What the files of identity/ share.
 *
 * Locks, in the order in which they are taken: changing (one change at a time, held across its
 * commit), lock (all that is in memory; written only by who holds changing as well, so a writer may
 * read without it), then the short ones of the token cache's sets and of the replay lists.
 *
 * A change goes: build the new object; make room for it; commit; put it in place under the write
 * lock. Nothing can fail after the commit.
 */
#ifndef IDENTITY_INTERNAL_H
#define IDENTITY_INTERNAL_H

#include "base/clock.h"
#include "base/pack.h"
#include "base/write.h"
#include "crypto/jws.h"
#include "crypto/x509.h"
#include "identity/guid_map.h"
#include "identity/role.h"

#include <pthread.h>
#include <stdatomic.h>

#define CLOCK_SKEW 300 /* seconds that a client's clock may be wrong */

/* For hashes of what the caller sent or knows. A client secret's is compared by crypto_equal(). */
static inline bool digest_equal(const uint8_t a[static SHA256_SIZE],
                                const uint8_t b[static SHA256_SIZE]) {
  return memcmp(a, b, SHA256_SIZE) == 0; /* not secret */
}

/* Credentials and applications. */

#define APP_CREDENTIALS_MAX 16
#define APP_NAME_BYTES (4 * IDENTITY_NAME_MAX)

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_SECRET, CREDENTIAL_CERTIFICATE };

struct credential {
  enum credential_kind kind;
  char id[GUID_SIZE + 1];
  int64_t created, not_before, expires; /* expires 0: no end */
  uint8_t digest[SHA256_SIZE];          /* of the secret's text, or of the certificate */
  uint8_t name[SHA1_SIZE];              /* what some clients call the certificate by */
  struct buf der;                       /* the certificate */
  struct key *public_key;
};
static inline bool credential_is_valid(const struct credential *c, int64_t now) {
  return c->not_before <= now && (c->expires == 0 || now < c->expires);
}

struct replay { /* the ids of client assertions that were used and have not expired */
  struct replay_seen *seen;
  size_t count, room;
};

struct holder;
struct app {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], name[APP_NAME_BYTES + 1];
  int64_t created;
  bool enabled;
  struct credential credentials[APP_CREDENTIALS_MAX];
  size_t credential_count;
  struct holder *holders; /* a list through holder.next */
  struct replay replay;   /* under identity.replay_lock */
};

struct role {
  char guid[GUID_SIZE + 1];
  char name[128];
  bool is_builtin;
  bool is_data_role; /* what a Key Vault Data Access Administrator may assign */
  action_set allowed;
  char scopes[8][SCOPE_MAX + 1]; /* assignableScopes */
  size_t scope_count;
  struct buf shown; /* the definition as JSON, as the API shows it and as it is stored */
};

struct assignment {
  char guid[GUID_SIZE + 1];
  char scope[SCOPE_MAX + 1];
  struct holder *holder;
  struct role *role;
  struct assignment *next; /* of the same holder */
};

/* An application that has assignments in a vault. */
struct holder {
  struct app *app;
  struct roles *roles;
  struct assignment *assignments; /* a list through assignment.next; not empty */
  struct holder *next;            /* of the same application, in another vault */
};

/* The roles of one vault. All of it is under the directory's locks: changes are rare, and some
 * concern several vaults. */
struct roles {
  struct identity *id;
  struct partition *part;
  char vault[ROLES_VAULT_MAX + 1]; /* its name; "": the hub's own */
  bool retired;                    /* the vault is no more */
  struct guid_map custom;          /* role definitions, beside the built-in ones of all vaults */
  struct guid_map assignments;     /* own the assignments */
  struct guid_map holders;         /* by object id */
  struct pending *pending; /* assignments read before what they point to; until roles_ready() */
};

/* Token keys. */

#define TOKEN_KEYS_MAX 8
#define TOKEN_KID_SIZE 43

struct token_key {
  char kid[TOKEN_KID_SIZE + 1];
  struct key *key; /* public only, but for the one that signs */
  int64_t created;
  int64_t retires; /* from then on it verifies nothing; 0: it signs */
};

/* What a valid token says; the rest of it was checked when it was first seen. */
struct token_facts {
  struct caller caller;
  int64_t expires;
  char audience[TOKEN_AUDIENCE_MAX + 1];
};

#define ISSUER_SIZE 512

struct identity {
  struct store *store;
  char tenant[GUID_SIZE + 1];
  char issuer[ISSUER_SIZE];
  int64_t lifetime;

  pthread_mutex_t changing;
  pthread_rwlock_t lock;
  struct guid_map apps, apps_by_oid;           /* own the applications; the second one borrows */
  struct guid_map builtin;                     /* roles; constant */
  struct token_key token_keys[TOKEN_KEYS_MAX]; /* the one that signs first */
  size_t token_key_count;
  /* Counts changes of applications and token keys: what was validated before is stale. */
  _Atomic uint64_t generation;

  pthread_mutex_t replay_lock;
  struct token_cache *cache;
};

static inline void identity_unlock_rw(pthread_rwlock_t **l) {
  pthread_rwlock_unlock(*l);
}
static inline void identity_unlock_mutex(pthread_mutex_t **l) {
  pthread_mutex_unlock(*l);
}
/* Until the end of the scope. */
#define READ_LOCKED(id) \
  __attribute__((cleanup(identity_unlock_rw), unused)) pthread_rwlock_t *rw_locked_ = &(id)->lock; \
  pthread_rwlock_rdlock(rw_locked_)
#define WRITE_LOCKED(id) \
  __attribute__((cleanup(identity_unlock_rw), unused)) pthread_rwlock_t *rw_locked_ = &(id)->lock; \
  pthread_rwlock_wrlock(rw_locked_)
#define MUTEX_LOCKED(mutex) \
  __attribute__((cleanup(identity_unlock_mutex), unused)) pthread_mutex_t *mutex_locked_ = \
    (mutex); \
  pthread_mutex_lock(mutex_locked_)

/* directory.c */
/* Makes one record durable; body NULL removes it. */
err_t directory_commit(struct identity *id, const char *kind, const char *name,
                       const struct buf *body);
void directory_place(const char *kind, const char *name, char out[static STORE_PLACE_MAX + 1]);
static inline void directory_changed(struct identity *id) {
  atomic_fetch_add_explicit(&id->generation, 1, memory_order_release);
}

/* app.c */
void app_free(struct app *a);
CLEANUP(app, struct app *, app_free)
/* Ids, name, state and credentials; neither assignments nor replay list. */
err_t app_copy(const struct app *a, struct app **out);
/* Puts what may change of next in place and leaves the old in next. Under the write lock. */
void app_exchange(struct app *a, struct app *next);
err_t app_find(const struct identity *id, const char *app_id, struct app **out); /* locked */
bool app_name_valid(const char *name);
void app_write(const struct app *a, struct buf *json);
void credential_free(struct credential *c);
#define AUTO_CREDENTIAL __attribute__((cleanup(credential_free))) struct credential
/* The rest of a certificate credential from its DER, which it takes over. */
err_t credential_set_certificate(struct credential *c, struct buf *der);

/* app_record.c */
void app_pack(const struct app *a, struct buf *record);
err_t app_unpack(struct bytes record, struct app **out);

/* role.c */
bool scope_covers(const char *outer, const char *inner);
void role_free(struct role *r);
CLEANUP(role, struct role *, role_free)
struct role *role_named(const struct roles *r, const char *name); /* locked; NULL: none */
err_t role_lookup(const struct roles *r, const char *guid_or_name, struct role **out);

/* roles.c */
/* Makes one record of the vault durable; body NULL removes it. */
err_t roles_commit(struct roles *r, const char *kind, const char *name, const struct buf *body);
/* Joins the assignment, whose role is set, with its holder: fresh, of that application, where it
 * has none yet and there is room for one; what is used is taken. */
void assignment_attach(struct roles *r, struct assignment *a, struct holder **fresh);
void assignment_detach(struct assignment *a); /* its holder goes with its last one */

/* role_builtin.c */
#define ROLE_DATA_ACCESS_ADMINISTRATOR "8b54135c-b56d-4d72-a534-26097cfdc8d8"
size_t role_builtin_count(void);
err_t role_builtin_make(size_t index, struct role **out);
const char *role_builtin_guid(size_t index);

/* role_define.c */
#define ROLE_DEFINITION_ID "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"
enum role_list {
  ROLE_ACTIONS,
  ROLE_NOT_ACTIONS,
  ROLE_DATA_ACTIONS,
  ROLE_NOT_DATA_ACTIONS,
  ROLE_LISTS
};
extern const char *const role_list_names[ROLE_LISTS];
/* What one permission grants: actions are the hub's, data actions the vault's. */
action_set role_permission(const action_set lists[static ROLE_LISTS]);
void role_show_open(struct role *r, const char *description); /* up to "permissions":[ */
void role_show_close(struct role *r);
err_t role_unpack(const char *guid, struct bytes record, struct role **out);

/* role_assign.c */
/* Whether granter may give, take or change role at scope. changing is held. */
err_t check_granter(const struct roles *r, const struct caller *granter, enum action action,
                    const struct role *role, const char *scope);
err_t assignment_unpack(struct bytes record, struct assignment *a, struct assignment_ids *ids);
/* The assignment of that GUID at exactly that scope. */
err_t assignment_find(const struct roles *r, const char *guid, const char *scope,
                      struct assignment **out);
/* Refuses when a vault would be left without an enabled owner: without this assignment, or without
 * this application. changing is held. */
err_t owner_remains_without(const struct assignment *a);
err_t owners_remain_without(const struct app *app);

/* token_key.c */
void token_key_free(struct token_key *k);
err_t token_key_unpack(const char *kid, struct bytes record, struct token_key *out);
err_t token_keys_add(struct identity *id, struct token_key *k); /* while loading; takes it over */
/* Makes sure that one key signs, and forgets the retired. After loading. */
err_t token_keys_ready(struct identity *id);
/* A share of the public key that kid names; NULL when there is none at this time. */
struct key *token_key_find(struct identity *id, struct bytes kid, int64_t now);
/* A share of the key that signs, and its kid. */
struct key *token_key_signing(struct identity *id, char kid[static TOKEN_KID_SIZE + 1]);

/* token_cache.c */
err_t token_cache_new(struct token_cache **out);
void token_cache_free(struct token_cache *c);
bool token_cache_find(struct token_cache *c, const uint8_t digest[static SHA256_SIZE],
                      uint64_t generation, struct token_facts *out);
void token_cache_put(struct token_cache *c, const uint8_t digest[static SHA256_SIZE],
                     uint64_t generation, const struct token_facts *facts);

/* token_claim.c: a claim of that type; false when it is absent, of another type or too long. */
bool claim_str(const json_t *claims, const char *name, char *out, size_t size);
bool claim_time(const json_t *claims, const char *name, int64_t *out);

/* token_issue.c */
enum denial {
  DENY_MISSING, /* a parameter is */
  DENY_MALFORMED,
  DENY_GRANT_TYPE,
  DENY_SECRET,
  DENY_ASSERTION,
  DENY_SCOPE,
  DENY_RESOURCE
};
err_t token_deny(struct token_grant *g, enum denial why, const char *fmt, ...)
  __attribute__((format(printf, 3, 4)));

/* token_assertion.c: OK when the assertion authenticates that client; it is then used up. */
err_t token_assertion_check(struct identity *id, const struct token_request *rq,
                            const char *client_id, struct bytes assertion, struct token_grant *g);

/* token_replay.c */
void replay_free(struct replay *r);
/* Remembers jti until it expires. *fresh is false when it is there already or there is no room. */
err_t replay_use(struct replay *r, const char *jti, int64_t expires, int64_t now, bool *fresh);

#endif
