/*
 * Soft delete: active -> deleted -> recovered or purged. An entry moves between the two indexes;
 * its versions stay as they are.
 */
#include "base/clock.h"
#include "vault/kind.h"

struct state {
  bool deleted;
  int64_t at, purge_at;
};

static void set_state(struct entry *e, const struct state *s) {
  e->deleted = s->deleted;
  e->deleted_at = s->at;
  e->purge_at = s->purge_at;
}

/* Commits the entry's next state and moves it from one index to the other. */
static err_t move(struct vault *v, enum kind_id kind, struct entry *e, const struct state *next) {
  struct shelf *s = &v->shelves[kind];
  struct index *from = next->deleted ? &s->active : &s->deleted;
  struct index *to = next->deleted ? &s->deleted : &s->active;
  AUTO_FREE struct entry *head = mem_alloc(s->kind->entry_size);
  if (!head)
    return ERR_NOMEM;
  memcpy(head, e, s->kind->entry_size);
  set_state(head, next);
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(to);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err_t err = change_commit_head(v, kind, head);
  pthread_rwlock_wrlock(&v->lock);
  if (err == OK) {
    index_remove(from, e->folded);
    set_state(e, next);
    e->settles_at_us = settle_time(v);
    index_insert(to, e);
  } else {
    index_unreserve(to);
  }
  pthread_rwlock_unlock(&v->lock);
  return err;
}

err_t object_delete(struct vault *v, enum kind_id kind, const char *name, struct deleted *out) {
  const struct kind *k = kind_of(kind);
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *gone = find_deleted(v, kind, folded);
  if (gone && !entry_settled(gone))
    REFUSE(ERR_BEING_DELETED, "%s %s is currently being deleted.", k->noun, name);
  TRY(active_entry(v, kind, name, folded, &e));
  struct state next = { .deleted = true, .at = clock_now() };
  next.purge_at = next.at + v->conf.retention_days * 86400ll;
  TRY(move(v, kind, e, &next));
  for (size_t i = 0; k->close && i < e->count; i++)
    k->close(v, e->versions[i]);
  *out = (struct deleted){ version_ref(e->latest), next.at, next.purge_at };
  return OK;
}

err_t object_recover(struct vault *v, enum kind_id kind, const char *name, struct version **out) {
  const struct kind *k = kind_of(kind);
  const struct state next = { 0 };
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *e = find_deleted(v, kind, folded);
  if (!e) {
    TRY(active_entry(v, kind, name, folded, &e));
    REFUSE(ERR_NOT_DELETED, "%s exists already: %s", k->noun, name);
  }
  if (!entry_settled(e))
    REFUSE(ERR_BEING_DELETED, "%s is currently being deleted.", k->noun);
  TRY(move(v, kind, e, &next));
  for (size_t i = 0; k->reopen && i < e->count; i++)
    k->reopen(e->versions[i]);
  *out = version_ref(e->latest);
  return OK;
}

/* Removes the entry's records, all in one commit, and then the entry. */
err_t entry_purge(struct vault *v, enum kind_id kind, struct entry *e) {
  struct shelf *s = &v->shelves[kind];
  size_t n = e->count + 1;
  AUTO_FREE char *places = mem_alloc(n * (STORE_PLACE_MAX + 1));
  AUTO_FREE struct store_write *writes = mem_zalloc(n * sizeof *writes);
  if (!places || !writes)
    return ERR_NOMEM;
  for (size_t i = 0; i < n; i++) {
    char *place = places + i * (STORE_PLACE_MAX + 1);
    if (i < e->count)
      record_version_place(kind, e->folded, e->versions[i]->id, place);
    else
      record_head_place(kind, e->folded, place);
    writes[i].place = place;
  }
  TRY(vault_commit(v, writes, n));
  pthread_rwlock_wrlock(&v->lock);
  index_remove(&s->deleted, e->folded);
  pthread_rwlock_unlock(&v->lock);
  atomic_fetch_sub(&s->version_count, e->count);
  for (size_t i = 0; s->kind->close && i < e->count; i++)
    s->kind->close(v, e->versions[i]);
  entry_free(e);
  return OK;
}

err_t object_purge(struct vault *v, enum kind_id kind, const char *name) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *e = find_deleted(v, kind, folded);
  if (!e)
    return object_deleted_not_found(kind, name);
  if (!entry_settled(e))
    REFUSE(ERR_BEING_DELETED, "%s is currently being deleted.", kind_of(kind)->noun);
  if (v->conf.purge_protection && e->purge_at > clock_now())
    REFUSE(
      ERR_PURGE_PROTECTED,
      "Operation \"purge\" is not allowed on this object: purge protection is on for this vault.");
  return entry_purge(v, kind, e);
}
