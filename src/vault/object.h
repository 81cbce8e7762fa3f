/*
 * What keys, secrets and certificates have in common: named objects of versions, soft deletion,
 * attributes, tags, listings, backups. A kind adds what its versions hold (kind.h).
 *
 * Everything that an answer needs is in memory: an ordered index of entries (a name and its
 * versions), each version an immutable, counted snapshot. Reading takes a share of the snapshot
 * under a read lock and works on it outside. A change is serialised by name, durable in the store
 * first and visible second.
 *
 * Names: any case, valid; they compare without case. version: "" is the latest. Shares that are
 * handed out are the caller's. Any thread, after vault_ready(); what changes something blocks on
 * the disk and belongs to the slow lane.
 */
#ifndef VAULT_OBJECT_H
#define VAULT_OBJECT_H

#include "store/partition.h"

#include <stdatomic.h>

#define OBJECT_NAME_MAX 127
#define OBJECT_VERSION_SIZE 32 /* lower-case hexadecimal digits */
#define OBJECT_TAGS_MAX 15
#define OBJECT_TAGS_SIZE_MAX 16384   /* bytes of their JSON text */
#define OBJECT_TIME_MAX 253402300799 /* of nbf and exp: the end of the year 9999 */
#define OBJECT_VERSIONS_MAX 500      /* of one object, as the service's backup allows */

struct vault;
enum kind_id { KIND_KEY, KIND_SECRET, KIND_CERTIFICATE, KINDS };

struct vault_conf {
  unsigned retention_days;  /* 7 to 90 */
  bool purge_protection;    /* deleted objects can't be purged before their time */
  unsigned async_delete_ms; /* tests: deleting and recovering take so long to be seen, as in the
                               real service */
  unsigned live_keys;       /* opened keys kept on the secure heap */
  struct vault *live_of;    /* opened keys are kept among those of this vault, which is freed later;
                               NULL: this one has room of its own */
};

/* An empty vault over a part of an unsealed store, borrowed; then every record of vault_owns()
 * places; then ready. */
err_t vault_new(struct partition *p, const struct vault_conf *conf, struct vault **out);
void vault_free(struct vault *v);
CLEANUP(vault, struct vault *, vault_free)
bool vault_owns(struct bytes place);
err_t vault_load(struct vault *v, struct bytes place, struct bytes body);
err_t vault_ready(struct vault *v);
/* Closes all keys that are kept open, and keeps none open until they are reopened: requests under
 * way open them for themselves. */
void vault_close_keys(struct vault *v);
void vault_reopen_keys(struct vault *v);
/* Calls each for the place of every record; stops at the first error, which it returns. No changes
 * meanwhile. */
typedef err_t vault_place(void *ctx, const char *place);
err_t vault_each_place(struct vault *v, vault_place *each, void *ctx);

struct vault_counts {
  uint64_t objects, versions, deleted;
};
void vault_counts(struct vault *v, enum kind_id kind, struct vault_counts *out);

/* "Recoverable+Purgeable" and its like, and the retention in days. */
const char *vault_recovery_level(const struct vault *v);
unsigned vault_retention_days(const struct vault *v);

const char *object_collection(enum kind_id kind); /* "keys": of ids and scopes */
/* A vault's name rule: ^[0-9a-zA-Z-]{1,127}$ */
bool object_name_valid(struct bytes name);

struct attributes {
  bool enabled, has_nbf, has_exp;
  int64_t nbf, exp, created, updated; /* Unix seconds */
};

/* One version as it was at one moment: immutable, counted. First member of what a kind makes of it.
 */
struct version {
  _Atomic unsigned refs;
  enum kind_id kind;
  char name[OBJECT_NAME_MAX + 1]; /* as first given */
  char id[OBJECT_VERSION_SIZE + 1];
  struct attributes attributes;
  bool managed;             /* it belongs to a certificate and changes with that only */
  struct buf tags;          /* JSON object text, or empty */
  uint64_t order;           /* of creation in this vault: the greatest of an object is its latest */
  _Atomic int64_t retry_at; /* what was due failed: not again before */
};
struct version *version_ref(struct version *v);
void version_free(struct version *v); /* gives a share back */
CLEANUP(version, struct version *, version_free)

/* What a client asked for, of what all kinds have; absent fields keep their default (a new version)
 * or their value (update). */
struct object_request {
  bool has_enabled, has_nbf, has_exp, has_tags;
  bool enabled;
  int64_t nbf, exp;
  struct bytes tags; /* JSON object text */
};

err_t object_get(struct vault *v, enum kind_id kind, const char *name, const char *version,
                 struct version **out);

/* Pages in order: objects by name without case, versions by id. marker: the last one of the page
 * before, "" for the first page. *more says whether another page follows. The versions of a missing
 * object are an empty page. */
err_t object_list(struct vault *v, enum kind_id kind, const char *marker, struct version **page,
                  size_t room, size_t *count, bool *more);
err_t object_list_versions(struct vault *v, enum kind_id kind, const char *name, const char *marker,
                           struct version **page, size_t room, size_t *count, bool *more);

struct deleted {
  struct version *latest; /* a share */
  int64_t deleted, purge; /* Unix seconds */
};
err_t object_delete(struct vault *v, enum kind_id kind, const char *name, struct deleted *out);
err_t object_get_deleted(struct vault *v, enum kind_id kind, const char *name, struct deleted *out);
err_t object_list_deleted(struct vault *v, enum kind_id kind, const char *marker,
                          struct deleted *page, size_t room, size_t *count, bool *more);
err_t object_recover(struct vault *v, enum kind_id kind, const char *name, struct version **out);
err_t object_purge(struct vault *v, enum kind_id kind, const char *name);

/* All versions in one sealed blob that only a vault with the same master key opens. host is for the
 * text of the conflict. */
err_t object_backup(struct vault *v, enum kind_id kind, const char *name, struct buf *blob);
err_t object_restore(struct vault *v, enum kind_id kind, struct bytes blob, const char *host,
                     struct version **out);

/*
 * What is due at a moment: rotations by policy and purges after retention. Calls done for each one
 * carried out or failed with e; an error of done ends it. One thread (the scheduler's).
 */
typedef err_t due_done(void *ctx, const char *operation, const struct version *version, err_t e);
err_t vault_carry_out_due(struct vault *v, due_done *done, void *ctx);

#endif
