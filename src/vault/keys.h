/*
 * The vault's keys: what the API's key operations do, without HTTP and JSON of requests.
 *
 * Everything that an answer needs is in memory: an ordered index of entries (a name and its
 * versions), each version an immutable, counted snapshot. Reading takes a share of the snapshot
 * under a read lock and works on it outside. A change is serialised by name, durable in the store
 * first and visible second. Private parts stay sealed in memory too (as OpenSSH keeps idle keys):
 * they are opened onto the secure heap when a key is used and a bounded number of opened keys is
 * kept (live.c).
 *
 * Any thread, after vault_ready(). Functions that commit may block on the disk: they belong to the
 * slow lane. keys_use() does not block (but RSA over 2048 bits takes milliseconds: keys_is_slow()).
 */
#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "crypto/alg.h"
#include "store/store.h"

#include <stdatomic.h>

#define KEY_NAME_MAX 127
#define KEY_VERSION_SIZE 32 /* lower-case hexadecimal digits */
#define KEY_TAGS_MAX 15
#define KEY_TIME_MAX 253402300799 /* of nbf and exp: the end of the year 9999 */
#define KEY_VERSIONS_MAX 500      /* of one key, as the service's backup allows */

/* Bytes of a version's JSON texts, and of a whole backup: what is made can be restored. 4096 bytes
 * hold the largest key, sealed, with its public part and its attributes. */
#define KEY_TAGS_SIZE_MAX 16384
#define KEY_RELEASE_SIZE_MAX 24576
#define KEY_BACKUP_MAX (KEY_VERSIONS_MAX * (KEY_TAGS_SIZE_MAX + KEY_RELEASE_SIZE_MAX + 4096) + 4096)

struct vault;

struct vault_conf {
  unsigned retention_days;  /* 7 to 90 */
  bool purge_protection;    /* deleted objects can't be purged before their time */
  unsigned async_delete_ms; /* tests: deleting and recovering take so long to be seen, as in the
                               real service */
  unsigned live_keys;       /* opened keys kept on the secure heap */
};

/* An empty vault over an unsealed store; then every record of vault_owns() places; then ready. */
err_t vault_new(struct store *s, const struct vault_conf *conf, struct vault **out);
void vault_free(struct vault *v);
CLEANUP(vault, struct vault *, vault_free)
bool vault_owns(struct bytes place); /* "key/..", "keyversion/.." */
err_t vault_load(struct vault *v, struct bytes place, struct bytes body);
err_t vault_ready(struct vault *v);

struct vault_counts {
  uint64_t keys, versions, deleted;
};
void vault_counts(struct vault *v, struct vault_counts *out);

/* Key operations, in the order in which the service lists them. */
enum key_op {
  OP_ENCRYPT,
  OP_DECRYPT,
  OP_SIGN,
  OP_VERIFY,
  OP_WRAP,
  OP_UNWRAP,
  OP_IMPORT,
  OP_EXPORT,
  OP_COUNT
};
const char *key_op_name(enum key_op op);                /* "wrapKey" */
bool key_op_parse(struct bytes text, enum key_op *out); /* exact */

/* A vault's name rule: ^[0-9a-zA-Z-]{1,127}$ */
bool key_name_valid(struct bytes name);

struct key_material; /* sealed private part and public part; internal.h */

struct key_attributes {
  bool enabled, has_nbf, has_exp, has_exportable, exportable;
  int64_t nbf, exp, created, updated; /* Unix seconds */
};

/* One version as it was at one moment: immutable, counted. */
struct key_version {
  _Atomic unsigned refs;
  char name[KEY_NAME_MAX + 1]; /* as first given */
  char id[KEY_VERSION_SIZE + 1];
  struct key_material *material;
  struct key_spec spec;
  bool hsm;     /* kty is shown with "-HSM" */
  unsigned ops; /* bits 1 << enum key_op */
  struct key_attributes attributes;
  struct buf tags;    /* JSON object text, or empty */
  struct buf release; /* JSON object text of the release policy, or empty */
  bool release_immutable;
  uint64_t order; /* of creation in this vault: the greatest of a key is its latest */
};
void key_version_free(struct key_version *kv); /* gives a share back */
CLEANUP(key_version, struct key_version *, key_version_free)
struct bytes
key_version_public(const struct key_version *kv); /* JSON members: see key_public_members() */

/* What a client asked for; absent fields keep their default (create) or their value (update). */
struct key_request {
  struct key_spec spec; /* create */
  bool hsm;
  bool has_ops, has_enabled, has_nbf, has_exp, has_exportable, has_tags, has_release;
  unsigned ops;
  bool enabled, exportable, release_immutable;
  int64_t nbf, exp;
  struct bytes tags, release; /* JSON object texts */
};

/* name: valid, any case. version: "" is the latest. Shares in *out are the caller's. */
err_t keys_create(struct vault *v, const char *name, const struct key_request *rq,
                  struct key_version **out);
err_t keys_import(struct vault *v, const char *name, struct key *key, const struct key_request *rq,
                  struct key_version **out);
err_t keys_rotate(struct vault *v, const char *name, struct key_version **out);
err_t keys_update(struct vault *v, const char *name, const char *version,
                  const struct key_request *rq, struct key_version **out);
err_t keys_get(struct vault *v, const char *name, const char *version, struct key_version **out);

/* Pages in order: keys by name without case, versions by id. marker: the last one of the page
 * before, "" for the first page. *more says whether another page follows. The versions of a missing
 * key are an empty page. */
err_t keys_list(struct vault *v, const char *marker, struct key_version **page, size_t room,
                size_t *count, bool *more);
err_t keys_list_versions(struct vault *v, const char *name, const char *marker,
                         struct key_version **page, size_t room, size_t *count, bool *more);

struct key_deleted {
  struct key_version *latest; /* a share */
  int64_t deleted, purge;     /* Unix seconds */
};
err_t keys_delete(struct vault *v, const char *name, struct key_deleted *out);
err_t keys_get_deleted(struct vault *v, const char *name, struct key_deleted *out);
err_t keys_list_deleted(struct vault *v, const char *marker, struct key_deleted *page, size_t room,
                        size_t *count, bool *more);
err_t keys_recover(struct vault *v, const char *name, struct key_version **out);
err_t keys_purge(struct vault *v, const char *name);

/* All versions in one sealed blob that only a vault with the same master key opens. host is for the
 * text of the conflict. */
err_t keys_backup(struct vault *v, const char *name, struct buf *blob);
err_t keys_restore(struct vault *v, struct bytes blob, const char *host, struct key_version **out);

/* Using a key. version_id is set, too, when the use was refused for what the key is (for the audit
 * log). */
struct key_use {
  enum key_op op;
  struct bytes alg;
  struct bytes value, digest, iv, aad, tag; /* digest: verify; value is the signature then */
  struct buf out;
  struct alg_io io; /* iv_out and tag_out of encrypt */
  bool valid;       /* verify */
  char version_id[KEY_VERSION_SIZE + 1], name[KEY_NAME_MAX + 1];
};
void key_use_free(struct key_use *u);
err_t keys_use(struct vault *v, const char *name, const char *version, struct key_use *u);
/* True when private operations of that key take a millisecond or more; false for what does not
 * exist. */
bool keys_is_slow(struct vault *v, const char *name, const char *version);

/* Rotation policy. Durations are ISO 8601 ("P90D", "P18M", "P2Y", at most "P10000D"); "" where
 * there is none. */
#define DURATION_MAX 24
struct key_policy {
  char rotate_after[DURATION_MAX],
    rotate_before[DURATION_MAX]; /* timeAfterCreate or timeBeforeExpiry of Rotate */
  char notify_after[DURATION_MAX], notify_before[DURATION_MAX]; /* of Notify */
  char expiry[DURATION_MAX];                                    /* expiryTime */
  int64_t created, updated;                                     /* 0: the default, never set */
};
err_t keys_policy_get(struct vault *v, const char *name, struct key_policy *out);
/* REFUSEd with the reason: durations under 7 days, rotation without expiry where one is needed, ..
 */
err_t keys_policy_set(struct vault *v, const char *name, struct key_policy *policy);
/* Seconds from "from" on, by the calendar (months and years). false when the text is not a
 * duration or from is no time. */
bool duration_add(const char *iso, int sign, int64_t from, int64_t *out);

/*
 * What is due at a moment: rotations by policy and purges after retention. Calls done for each one
 * carried out or failed with e; an error of done ends it. One thread (the scheduler's).
 */
typedef err_t keys_due_done(void *ctx, const char *operation, const struct key_version *kv,
                            err_t e);
err_t keys_carry_out_due(struct vault *v, keys_due_done *done, void *ctx);

/* "Recoverable+Purgeable" and its like, and the retention in days. */
const char *vault_recovery_level(const struct vault *v);
unsigned vault_retention_days(const struct vault *v);

#endif
