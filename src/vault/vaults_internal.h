/*
 * What the files of the vaults' table share. Locks are taken in this order: changing (one change of
 * the table at a time, held across its commit), those of the directory, lock (the table and the
 * entries' state; written only by who holds changing as well).
 */
#ifndef VAULT_VAULTS_INTERNAL_H
#define VAULT_VAULTS_INTERNAL_H

#include "identity/guid_map.h"
#include "vault/vaults.h"

#include <pthread.h>

struct vaults {
  struct vaults_conf conf;
  pthread_mutex_t changing;
  pthread_rwlock_t lock;
  struct hosted *table[VAULTS_MAX]; /* by folded name; each a share */
  size_t count;
  struct hosted *purged;   /* a list through hosted.next; under lock */
  struct guid_map by_guid; /* borrows; until vaults_ready() */
  /* Places of records without a vault, each with a NUL after it: the scheduler's. */
  struct buf leftovers;
  size_t swept; /* bytes of them that are done */
};

static inline void vaults_unlock_rw(pthread_rwlock_t **l) {
  pthread_rwlock_unlock(*l);
}
static inline void vaults_unlock_mutex(pthread_mutex_t **l) {
  pthread_mutex_unlock(*l);
}
/* Until the end of the scope. */
#define VAULTS_READ(vs) \
  __attribute__((cleanup(vaults_unlock_rw), unused)) pthread_rwlock_t *vaults_locked_ = \
    &(vs)->lock; \
  pthread_rwlock_rdlock(vaults_locked_)
#define VAULTS_WRITE(vs) \
  __attribute__((cleanup(vaults_unlock_rw), unused)) pthread_rwlock_t *vaults_locked_ = \
    &(vs)->lock; \
  pthread_rwlock_wrlock(vaults_locked_)
#define VAULTS_CHANGING(vs) \
  __attribute__((cleanup(vaults_unlock_mutex), unused)) pthread_mutex_t *vaults_changing_ = \
    &(vs)->changing; \
  pthread_mutex_lock(vaults_changing_)

/* vaults.c */
void vault_name_fold(struct bytes name, char folded[static VAULT_NAME_MAX + 1]);
/* Where the name is or would be. */
bool vaults_position(const struct vaults *vs, const char *folded, size_t *pos);
/* Whatever its state; NULL when absent. For who holds a lock. */
struct hosted *vaults_named(const struct vaults *vs, const char *name);
void vaults_insert(struct vaults *vs, struct hosted *h); /* takes the share; there is room */
void vaults_remove(struct vaults *vs, struct hosted *h);
struct vault_info vault_info_of(const struct hosted *h);
/* REFUSE: there is none, or none that is deleted. */
err_t vaults_not_found(const char *name, bool deleted);

/* vaults_record.c: "vaults/<guid>" */
/* An empty vault with its part and roles; name, guid, conf and master key are set in h. */
err_t hosted_open(struct vaults *vs, struct hosted *h, struct secret *master);
/* Commits the vault's record with the state given. */
err_t hosted_commit(struct vaults *vs, const struct hosted *h, int64_t deleted_at,
                    int64_t purge_at);
err_t hosted_commit_removal(struct vaults *vs, const struct hosted *h);

/* vaults_sweep.c: what is left of h is to be swept; takes the share. */
void vaults_discard(struct vaults *vs, struct hosted *h);

#endif
