/*
 * What the files of vault/ share: entries, indexes, kinds. Locks are taken in this order: stripe
 * (by name), index, material, live.
 */
#ifndef VAULT_KIND_H
#define VAULT_KIND_H

#include "base/pack.h"
#include "vault/certificates.h"

#include <pthread.h>

/* A name and its versions. First member of what a kind makes of it. */
struct entry {
  const struct kind *kind;
  char name[OBJECT_NAME_MAX + 1], folded[OBJECT_NAME_MAX + 1];
  struct version **versions; /* by id */
  size_t count, room;
  struct version *latest; /* one of versions */
  bool deleted;
  int64_t deleted_at, purge_at;
  uint64_t settles_at_us; /* tests: monotonic time from which the last change is seen */
};

/* What a kind of object adds to all that is common. */
struct kind {
  enum kind_id id;
  const char *noun;                       /* "Key": of error texts */
  const char *collection;                 /* "keys": of ids */
  const char *before_version;             /* "/": of error texts */
  const char *head_place, *version_place; /* of its records: "key", "keyversion" */
  const char *backup_magic;
  size_t backup_max; /* bytes of a blob that is restored */
  err_t not_found;
  unsigned carries; /* bits 1 << kind: what of the same name lives and dies with it */
  size_t entry_size;
  /* Frees what the version holds, not the version. */
  void (*clear)(struct version *v);
  /* A copy of what copying the bytes of a version can't copy; on failure the copy is cleared. */
  err_t (*copy)(struct version *to, const struct version *from);
  size_t version_size;
  /* The kind's part of records. get() sets what clear() frees, also when it fails. */
  void (*put_head)(const struct entry *e, struct buf *out);
  err_t (*get_head)(struct unpack *u, struct entry *e);
  void (*put)(const struct version *v, struct buf *out);
  err_t (*get)(struct unpack *u, const char *folded, struct version *v);
  /* Its entry was deleted, recovered, or is about to be freed. NULL: nothing to do. */
  void (*close)(struct vault *v, struct version *version);
  void (*reopen)(struct version *version);
  /* Frees what the entry holds beside its versions. NULL: nothing. */
  void (*clear_entry)(struct entry *e);
  /* Which of the kind's actions is due for an active entry, and doing it for the one whose latest
   * version that was, if it still is. 0: none. NULL: it has no actions. */
  unsigned (*due)(const struct entry *e, int64_t now);
  err_t (*carry_out)(struct vault *v, struct version *latest, unsigned what, due_done *done,
                     void *ctx);
};
extern const struct kind kind_key, kind_secret, kind_certificate;

struct index {
  struct entry **entries; /* by folded name */
  size_t count, room;
  size_t reserved; /* places promised to changes that are being committed */
};

/* All objects of a kind. */
struct shelf {
  const struct kind *kind;
  struct index active, deleted;
  struct secret backup_key;
  _Atomic uint64_t version_count;
  struct loading *loading; /* between vault_new() and vault_ready() */
};

#define STRIPES 64

struct live {
  pthread_mutex_t lock;
  struct key_material **slots;
  size_t room, hand;
};

struct vault {
  struct partition *part;
  struct vault_conf conf;
  struct shelf shelves[KINDS];
  struct secret material_key, secret_key;
  struct cert_authority authority;
  pthread_rwlock_t lock; /* the indexes and what their entries point to */
  pthread_mutex_t stripes[STRIPES];
  _Atomic uint64_t order;
  struct live *live; /* own_live, or another vault's */
  struct live own_live;
  struct issuers *issuers;
};

const struct kind *kind_of(enum kind_id kind);

/* A name's stripe is held while a change of that name is decided, committed and made visible. */
struct stripe {
  pthread_mutex_t *mutex;
};
struct stripe stripe_lock(struct vault *v, const char *folded);
void stripe_unlock(struct stripe *s);
#define AUTO_STRIPE __attribute__((cleanup(stripe_unlock), unused)) struct stripe
static inline void read_unlock(pthread_rwlock_t **l) {
  pthread_rwlock_unlock(*l);
}
/* Read lock until the end of the scope. */
#define READ_LOCKED(v) \
  __attribute__((cleanup(read_unlock), unused)) pthread_rwlock_t *read_locked_ = &(v)->lock; \
  pthread_rwlock_rdlock(read_locked_)

void name_fold(const char *name, char folded[static OBJECT_NAME_MAX + 1]);
/* REFUSE with the service's texts. */
err_t object_not_found(enum kind_id kind, const char *name, const char *version);
err_t object_deleted_not_found(enum kind_id kind, const char *name);

/* index.c: sorted arrays; pos is where the name is or would be. A change reserves its place before
 * it commits, so that making it visible afterwards can't fail; index_reserve() is undone by one
 * index_insert() or index_unreserve(). */
bool index_find(const struct index *x, const char *folded, size_t *pos);
bool index_reserve(struct index *x);
void index_unreserve(struct index *x);
void index_insert(struct index *x, struct entry *e);
struct entry *index_remove(struct index *x, const char *folded); /* NULL when absent */
struct entry *entry_new(enum kind_id kind, const char *name);
void entry_free(struct entry *e);
CLEANUP(entry, struct entry *, entry_free)
bool entry_reserve(struct entry *e);
void entry_add(struct entry *e, struct version *v); /* takes the share; after entry_reserve() */
/* "" is the latest; NULL when absent */
struct version *entry_version(const struct entry *e, const char *id);

/* version.c: snapshots. version_make(): a new one, enabled, of this moment, with a fresh id. */
err_t version_alloc(enum kind_id kind, struct version **out);
err_t version_make(enum kind_id kind, const char *name, struct version **out);
err_t version_copy(const struct version *from, struct version **out);
err_t version_apply(struct version *v, const struct object_request *rq);

/* record.c: entries and versions as the store keeps them. Places are freshly made in
 * place[STORE_PLACE_MAX + 1]. */
void record_head_place(enum kind_id kind, const char *folded, char *place);
void record_version_place(enum kind_id kind, const char *folded, const char *version, char *place);
void record_put_head(enum kind_id kind, const struct entry *e, struct buf *out);
err_t record_get_head(enum kind_id kind, struct bytes body, struct entry *e);
void record_put_version(const struct version *v, struct buf *out);
err_t record_get_version(enum kind_id kind, struct bytes body, const char *folded,
                         const char *version, struct version **out);

/* lookup.c. Callers hold the name's stripe (or only read what it returns under the read lock).
 * NULL when absent; also one that is being recovered or deleted. */
struct entry *find_active(struct vault *v, enum kind_id kind, const char *folded);
struct entry *find_deleted(struct vault *v, enum kind_id kind, const char *folded);
bool entry_settled(const struct entry *e);
uint64_t settle_time(const struct vault *v); /* for a change made now */
/* REFUSEs a name that is deleted, being deleted or being recovered, as creating over it is refused.
 */
err_t name_free(struct vault *v, enum kind_id kind, const char *name, const char *folded);
/* The settled active entry, or object_not_found(). */
err_t active_entry(struct vault *v, enum kind_id kind, const char *name, const char *folded,
                   struct entry **out);
/* The settled active entry of the index; under the read lock. NULL when there is none. */
struct entry *settled_entry(const struct vault *v, enum kind_id kind, const char *folded);

/* change.c: under the stripe. */
/* Makes records of the vault durable: all or none of them. */
err_t vault_commit(struct vault *v, const struct store_write *writes, size_t count);
/*
 * New versions, each of another kind, of one name, and what a head is to say from then on: all that
 * is committed and made visible together. A version replaces one with its id, or becomes its
 * object's latest; entries are made when there are none.
 */
#define CHANGE_MAX 3
struct change {
  struct version *versions[CHANGE_MAX]; /* borrowed */
  size_t count;
  /* Writes value into an entry of head_kind, which exists or is made; a plain assignment, also done
   * to a copy of it. NULL: no head changes. */
  void (*set_head)(struct entry *e, const void *value);
  const void *value;
  enum kind_id head_kind;
};
err_t change_commit(struct vault *v, const char *folded, const struct change *c);
/* One version whose entry is there. */
err_t change_set_version(struct vault *v, struct version *version);
/* Makes the version its name's latest: the name is checked first. */
err_t change_add_version(struct vault *v, const char *folded, struct version *version);
err_t change_room(const struct entry *e); /* REFUSEs when it has all versions */
/* REFUSEs an entry that is a certificate's, or is not, when it should be otherwise. */
err_t change_owner(const struct entry *e, bool managed);
/* REFUSEs what may only change with its certificate. */
err_t change_managed(const struct version *version, const char *operation);

/* A certificate's entry with its key's and its secret's, or a sole one. Those that are there. */
struct group {
  struct entry *entries[CHANGE_MAX]; /* the one that carries the others first */
  size_t count;
};
void group_of(struct vault *v, struct entry *e, struct group *out);
/* Commits every record of the group, or the absence of it. */
err_t group_commit(struct vault *v, const struct group *g, bool remove);

/* lifecycle.c: under the stripe. Frees the entry and what it carries. */
err_t entry_purge(struct vault *v, struct entry *e);

/* issuers.c: its part of making, loading and freeing a vault. */
err_t issuers_new(struct issuers **out);
void issuers_free(struct issuers *all);
bool issuers_own(struct bytes place);
err_t issuers_load(struct vault *v, struct bytes place, struct bytes body);
err_t issuers_each_place(struct vault *v, vault_place *each, void *ctx);

/* due.c: what the kinds' actions share. */
bool due_may_try(const struct version *version, int64_t now);
void due_tried(struct version *version, err_t e);
/* The entry whose latest version was found to be due, if it still is; under the stripe. Much may
 * have happened since: nothing is done by the name alone. */
struct entry *due_still(struct vault *v, const char *folded, const struct version *latest,
                        unsigned what);

#endif
