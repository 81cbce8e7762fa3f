/*
 * Keys: what the API's key operations do beyond what all objects do (object.h), without HTTP and
 * JSON of requests.
 *
 * Private parts stay sealed in memory too (as OpenSSH keeps idle keys): they are opened onto the
 * secure heap when a key is used and a bounded number of opened keys is kept (key_live.c).
 *
 * Any thread, after vault_ready(). Functions that commit belong to the slow lane. keys_use() does
 * not block (but RSA over 2048 bits takes milliseconds: keys_is_slow()).
 */
#ifndef VAULT_KEYS_H
#define VAULT_KEYS_H

#include "crypto/alg.h"
#include "vault/object.h"

/* Bytes of a version's JSON text, and of a whole backup: what is made can be restored. 4096 bytes
 * hold the largest key, sealed, with its public part and its attributes. */
#define KEY_RELEASE_SIZE_MAX 24576
#define KEY_BACKUP_MAX \
  (OBJECT_VERSIONS_MAX * (OBJECT_TAGS_SIZE_MAX + KEY_RELEASE_SIZE_MAX + 4096) + 4096)

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

struct key_material; /* sealed private part and public part; key_internal.h */

struct key_version {
  struct version base;
  struct key_material *material;
  struct key_spec spec;
  bool hsm;     /* kty is shown with "-HSM" */
  unsigned ops; /* bits 1 << enum key_op */
  bool has_exportable, exportable;
  struct buf release; /* JSON object text of the release policy, or empty */
  bool release_immutable;
};
static inline struct key_version *key_version_of(const struct version *v) {
  return (struct key_version *)v;
}
static inline void key_version_free(struct key_version *kv) { /* gives a share back */
  version_free(&kv->base);
}
CLEANUP(key_version, struct key_version *, key_version_free)
/* JSON members: see key_public_members() */
struct bytes key_version_public(const struct key_version *kv);

/* What a client asked for; absent fields keep their default (create) or their value (update). */
struct key_request {
  struct object_request base;
  struct key_spec spec; /* create */
  bool hsm;
  bool has_ops, has_exportable, has_release;
  unsigned ops;
  bool exportable, release_immutable;
  struct bytes release; /* JSON object text */
};

err_t keys_create(struct vault *v, const char *name, const struct key_request *rq,
                  struct key_version **out);
err_t keys_import(struct vault *v, const char *name, struct key *key, const struct key_request *rq,
                  struct key_version **out);
err_t keys_rotate(struct vault *v, const char *name, struct key_version **out);
err_t keys_update(struct vault *v, const char *name, const char *version,
                  const struct key_request *rq, struct key_version **out);
err_t keys_get(struct vault *v, const char *name, const char *version, struct key_version **out);

/* Using a key. version_id is set, too, when the use was refused for what the key is (for the audit
 * log). */
struct key_use {
  enum key_op op;
  struct bytes alg;
  struct bytes value, digest, iv, aad, tag; /* digest: verify; value is the signature then */
  struct buf out;
  struct alg_io io; /* iv_out and tag_out of encrypt */
  bool valid;       /* verify */
  char version_id[OBJECT_VERSION_SIZE + 1], name[OBJECT_NAME_MAX + 1];
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

#endif
