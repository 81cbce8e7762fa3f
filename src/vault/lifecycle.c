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

/* Commits the heads of a group in their next state. */
static err_t commit_heads(struct vault *v, const struct group *g, const struct state *next) {
  char places[CHANGE_MAX][STORE_PLACE_MAX + 1];
  struct store_write writes[CHANGE_MAX];
  size_t ends[CHANGE_MAX];
  AUTO_BUF bodies = BUF_EMPTY;
  for (size_t i = 0; i < g->count; i++) {
    const struct entry *e = g->entries[i];
    AUTO_FREE struct entry *head = mem_alloc(e->kind->entry_size);
    if (!head)
      return ERR_NOMEM;
    memcpy(head, e, e->kind->entry_size);
    set_state(head, next);
    record_head_place(e->kind->id, e->folded, places[i]);
    record_put_head(e->kind->id, head, &bodies);
    ends[i] = bodies.size;
  }
  TRY(buf_ok(&bodies));
  for (size_t i = 0, from = 0; i < g->count; from = ends[i++])
    writes[i] = (struct store_write){ places[i], bytes_of(bodies.data + from, ends[i] - from) };
  return vault_commit(v, writes, g->count);
}

/* Commits the group's next state and moves its entries from one index to the other. */
static err_t move(struct vault *v, const struct group *g, const struct state *next) {
  struct index *to[CHANGE_MAX];
  size_t reserved = 0;
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; i < g->count; i++) {
    struct shelf *s = &v->shelves[g->entries[i]->kind->id];
    to[i] = next->deleted ? &s->deleted : &s->active;
    if (reserved == i && index_reserve(to[i]))
      reserved++;
  }
  pthread_rwlock_unlock(&v->lock);
  err_t err = reserved == g->count ? commit_heads(v, g, next) : ERR_NOMEM;
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; err != OK && i < reserved; i++)
    index_unreserve(to[i]);
  for (size_t i = 0; err == OK && i < g->count; i++) {
    struct entry *e = g->entries[i];
    struct shelf *s = &v->shelves[e->kind->id];
    index_remove(next->deleted ? &s->active : &s->deleted, e->folded);
    set_state(e, next);
    e->settles_at_us = settle_time(v);
    index_insert(to[i], e);
  }
  pthread_rwlock_unlock(&v->lock);
  return err;
}

static void close_versions(struct vault *v, const struct entry *e) {
  for (size_t i = 0; e->kind->close && i < e->count; i++)
    e->kind->close(v, e->versions[i]);
}

static void reopen_versions(const struct entry *e) {
  for (size_t i = 0; e->kind->reopen && i < e->count; i++)
    e->kind->reopen(e->versions[i]);
}

err_t object_delete(struct vault *v, enum kind_id kind, const char *name, struct deleted *out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  struct group g;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *gone = find_deleted(v, kind, folded);
  if (gone && !entry_settled(gone))
    REFUSE(ERR_BEING_DELETED, "%s %s is currently being deleted.", kind_of(kind)->noun, name);
  TRY(active_entry(v, kind, name, folded, &e));
  TRY(change_managed(e->latest, "delete"));
  struct state next = { .deleted = true, .at = clock_now() };
  next.purge_at = next.at + v->conf.retention_days * 86400ll;
  group_of(v, e, &g);
  TRY(move(v, &g, &next));
  for (size_t i = 0; i < g.count; i++)
    close_versions(v, g.entries[i]);
  *out = (struct deleted){ version_ref(e->latest), next.at, next.purge_at };
  return OK;
}

err_t object_recover(struct vault *v, enum kind_id kind, const char *name, struct version **out) {
  const struct kind *k = kind_of(kind);
  const struct state next = { 0 };
  char folded[OBJECT_NAME_MAX + 1];
  struct group g;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *e = find_deleted(v, kind, folded);
  if (!e) {
    TRY(active_entry(v, kind, name, folded, &e));
    REFUSE(ERR_NOT_DELETED, "%s exists already: %s", k->noun, name);
  }
  if (!entry_settled(e))
    REFUSE(ERR_BEING_DELETED, "%s is currently being deleted.", k->noun);
  TRY(change_managed(e->latest, "recover"));
  group_of(v, e, &g);
  TRY(move(v, &g, &next));
  for (size_t i = 0; i < g.count; i++)
    reopen_versions(g.entries[i]);
  *out = version_ref(e->latest);
  return OK;
}

err_t entry_purge(struct vault *v, struct entry *first) {
  struct group g;
  group_of(v, first, &g);
  TRY(group_commit(v, &g, true));
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; i < g.count; i++)
    index_remove(&v->shelves[g.entries[i]->kind->id].deleted, first->folded);
  pthread_rwlock_unlock(&v->lock);
  for (size_t i = g.count; i-- > 0;) { /* first, whose name it is, comes last */
    struct entry *e = g.entries[i];
    atomic_fetch_sub(&v->shelves[e->kind->id].version_count, e->count);
    close_versions(v, e);
    entry_free(e);
  }
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
  TRY(change_managed(e->latest, "purge"));
  if (v->conf.purge_protection && e->purge_at > clock_now())
    REFUSE(
      ERR_PURGE_PROTECTED,
      "Operation \"purge\" is not allowed on this object: purge protection is on for this vault.");
  return entry_purge(v, e);
}
