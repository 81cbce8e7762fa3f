/*
 * Soft delete: active -> deleted -> recovered or purged. An entry moves between the two indexes;
 * its versions stay as they are.
 */
#include "base/clock.h"
#include "vault/internal.h"

/* Commits head (the entry's next state) and moves the entry from one index to the other. */
static err_t move(struct vault *v, struct key_entry *e, const struct key_entry *head,
                  struct key_index *from, struct key_index *to) {
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(to);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err_t err = change_commit_head(v, head);
  pthread_rwlock_wrlock(&v->lock);
  if (err == OK) {
    index_remove(from, e->folded);
    e->deleted = head->deleted;
    e->deleted_at = head->deleted_at;
    e->purge_at = head->purge_at;
    e->settles_at_us = settle_time(v);
    index_insert(to, e);
  } else {
    index_unreserve(to);
  }
  pthread_rwlock_unlock(&v->lock);
  return err;
}

err_t keys_delete(struct vault *v, const char *name, struct key_deleted *out) {
  char folded[KEY_NAME_MAX + 1];
  struct key_entry *e;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct key_entry *gone = find_deleted(v, folded);
  if (gone && !entry_settled(gone))
    REFUSE(ERR_BEING_DELETED, "Key %s is currently being deleted.", name);
  TRY(active_entry(v, name, folded, &e));
  struct key_entry head = *e;
  head.deleted = true;
  head.deleted_at = clock_now();
  head.purge_at = head.deleted_at + v->conf.retention_days * 86400ll;
  TRY(move(v, e, &head, &v->active, &v->deleted));
  for (size_t i = 0; i < e->count; i++)
    live_drop(v, e->versions[i]->material);
  *out = (struct key_deleted){ key_version_ref(e->latest), head.deleted_at, head.purge_at };
  return OK;
}

err_t keys_recover(struct vault *v, const char *name, struct key_version **out) {
  char folded[KEY_NAME_MAX + 1];
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct key_entry *e = find_deleted(v, folded);
  if (!e) {
    TRY(active_entry(v, name, folded, &e));
    REFUSE(ERR_NOT_DELETED, "Key exists already: %s", name);
  }
  if (!entry_settled(e))
    REFUSE(ERR_BEING_DELETED, "Key is currently being deleted.");
  struct key_entry head = *e;
  head.deleted = false;
  head.deleted_at = head.purge_at = 0;
  TRY(move(v, e, &head, &v->deleted, &v->active));
  for (size_t i = 0; i < e->count; i++)
    live_revive(e->versions[i]->material);
  *out = key_version_ref(e->latest);
  return OK;
}

/* Removes the entry's records, all in one commit, and then the entry. */
err_t entry_purge(struct vault *v, struct key_entry *e) {
  size_t n = e->count + 1;
  AUTO_FREE char *places = mem_alloc(n * (STORE_PLACE_MAX + 1));
  AUTO_FREE struct store_write *writes = mem_zalloc(n * sizeof *writes);
  if (!places || !writes)
    return ERR_NOMEM;
  for (size_t i = 0; i < n; i++) {
    char *place = places + i * (STORE_PLACE_MAX + 1);
    if (i < e->count)
      record_version_place(e->folded, e->versions[i]->id, place);
    else
      record_key_place(e->folded, place);
    writes[i].place = place;
  }
  TRY(store_commit(v->store, writes, n));
  pthread_rwlock_wrlock(&v->lock);
  index_remove(&v->deleted, e->folded);
  pthread_rwlock_unlock(&v->lock);
  atomic_fetch_sub(&v->version_count, e->count);
  for (size_t i = 0; i < e->count; i++)
    live_drop(v, e->versions[i]->material);
  entry_free(e);
  return OK;
}

err_t keys_purge(struct vault *v, const char *name) {
  char folded[KEY_NAME_MAX + 1];
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct key_entry *e = find_deleted(v, folded);
  if (!e)
    return key_deleted_not_found(name);
  if (!entry_settled(e))
    REFUSE(ERR_BEING_DELETED, "Key is currently being deleted.");
  if (v->conf.purge_protection && e->purge_at > clock_now())
    REFUSE(
      ERR_PURGE_PROTECTED,
      "Operation \"purge\" is not allowed on this object: purge protection is on for this vault.");
  return entry_purge(v, e);
}
