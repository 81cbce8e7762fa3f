/* What the files of vault/ share. Locks are taken in this order: stripe (by name), index, material,
 * live. */
#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include "vault/keys.h"

#include <pthread.h>

/* The private part of one version, sealed, and its opened form while it is in use. Shared by all
 * snapshots of a version. */
struct key_material {
  _Atomic unsigned refs;
  enum key_type type;
  struct buf public_members;
  struct buf sealed;
  char place[KEY_NAME_MAX + KEY_VERSION_SIZE +
             2]; /* "<folded name>/<version>": what the sealed form is bound to */
  pthread_mutex_t lock;
  struct key *live; /* under lock */
  bool dead;        /* under lock: deleted, do not keep it open */
  _Atomic bool recent;
  _Atomic bool notified;    /* its near expiry was reported */
  _Atomic int64_t retry_at; /* what is due failed: not again before */
};

struct key_entry {
  char name[KEY_NAME_MAX + 1], folded[KEY_NAME_MAX + 1];
  struct key_version **versions; /* by id */
  size_t count, room;
  struct key_version *latest; /* one of versions */
  struct key_policy policy;
  bool deleted;
  int64_t deleted_at, purge_at;
  uint64_t settles_at_us; /* tests: monotonic time from which the last change is seen */
};

struct key_index {
  struct key_entry **entries; /* by folded name */
  size_t count, room;
  size_t reserved; /* places promised to changes that are being committed */
};

#define STRIPES 64

struct live {
  pthread_mutex_t lock;
  struct key_material **slots;
  size_t room, hand;
};

struct vault {
  struct store *store;
  struct vault_conf conf;
  struct secret material_key, backup_key;
  pthread_rwlock_t lock; /* both indexes and what their entries point to */
  struct key_index active, deleted;
  pthread_mutex_t stripes[STRIPES];
  _Atomic uint64_t order;
  _Atomic uint64_t version_count;
  struct live live;
  struct loading *loading; /* between vault_new() and vault_ready() */
};

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

void name_fold(const char *name, char folded[static KEY_NAME_MAX + 1]);
err_t key_not_found(const char *name, const char *version); /* REFUSEs with the service's text */
err_t key_deleted_not_found(const char *name);

/* index.c: sorted arrays; pos is where the name is or would be. A change reserves its place before
 * it commits, so that making it visible afterwards can't fail; index_reserve() is undone by one
 * index_insert() or index_unreserve(). */
bool index_find(const struct key_index *x, const char *folded, size_t *pos);
bool index_reserve(struct key_index *x);
void index_unreserve(struct key_index *x);
void index_insert(struct key_index *x, struct key_entry *e);
struct key_entry *index_remove(struct key_index *x, const char *folded); /* NULL when absent */
struct key_entry *entry_new(const char *name);
void entry_free(struct key_entry *e);
CLEANUP(entry, struct key_entry *, entry_free)
bool entry_reserve(struct key_entry *e);
void entry_add(struct key_entry *e,
               struct key_version *kv); /* takes the share; after entry_reserve() */
struct key_version *entry_version(const struct key_entry *e,
                                  const char *id); /* "" is the latest; NULL when absent */

/* version.c */
struct key_version *key_version_ref(struct key_version *kv);
struct key_version *
key_version_copy(const struct key_version *kv); /* same material; one share; NULL: no memory */
struct key_material *material_ref(struct key_material *m);
void material_free(struct key_material *m);
CLEANUP(material, struct key_material *, material_free)
/* Seals the key's private form for its place. */
err_t material_new(struct vault *v, const struct key *key, const char *folded, const char *version,
                   struct key_material **out);
err_t material_of(enum key_type type, struct bytes public_members, struct bytes sealed,
                  const char *folded, const char *version, struct key_material **out);
err_t material_open(struct vault *v, const struct key_material *m, struct key **out);

/* live.c: the opened key of a material, opened when needed. */
err_t live_init(struct live *l, unsigned room);
void live_fini(struct live *l);
err_t live_key(struct vault *v, struct key_material *m, struct key **out);
void live_drop(struct vault *v,
               struct key_material *m);   /* closes it now and does not keep it again */
void live_revive(struct key_material *m); /* recovered: it may be kept again */

/* record.c: entries and versions as the store keeps them. Places are freshly made in
 * place[STORE_PLACE_MAX + 1]. */
void record_key_place(const char *folded, char *place);
void record_version_place(const char *folded, const char *version, char *place);
void record_put_key(const struct key_entry *e, struct buf *out);
err_t record_get_key(struct bytes body, struct key_entry *e);
void record_put_version(const struct key_version *kv, struct buf *out);
err_t record_get_version(struct bytes body, const char *folded, const char *version,
                         struct key_version **out);

/* lookup.c. Callers hold the name's stripe (or only read what it returns under the read lock). */
struct key_entry *
find_active(struct vault *v,
            const char *folded); /* NULL when absent; also one that is being recovered */
struct key_entry *
find_deleted(struct vault *v,
             const char *folded); /* NULL when absent; also one that is being deleted */
bool entry_settled(const struct key_entry *e);
uint64_t settle_time(const struct vault *v); /* for a change made now */
/* REFUSEs a name that is deleted, being deleted or being recovered, as creating over it is refused.
 */
err_t name_free(struct vault *v, const char *name, const char *folded);
/* The settled active entry, or key_not_found(). */
err_t active_entry(struct vault *v, const char *name, const char *folded, struct key_entry **out);

/* change.c: under the stripe. */
err_t version_new(struct vault *v, const char *name, const struct key *key, bool hsm,
                  struct key_version **out);
/* Commits the version, and its key's head when the key is new, and makes them visible. entry NULL:
 * a new key. */
err_t change_add_version(struct vault *v, struct key_entry *entry, struct key_version *kv);
err_t change_room(const struct key_entry *e); /* REFUSEs when it has all its versions */
/* With a freshly made key, of the latest version's spec. */
err_t change_rotate(struct vault *v, struct key_entry *e, const struct key *key,
                    struct key_version **out);
/* Commits a head that differs from the entry's present one only in what head says (state, policy);
 * the caller then makes it visible. */
err_t change_commit_head(struct vault *v, const struct key_entry *head);
/* Puts an entry that is not in an index into one, under the write lock; the place must be reserved.
 */
void change_publish(struct vault *v, struct key_index *x, struct key_entry *e);

/* lifecycle.c: under the stripe. Frees the entry. */
err_t entry_purge(struct vault *v, struct key_entry *e);

#endif
