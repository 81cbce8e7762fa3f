/*
 * Changes: everything that can fail is done before the commit, and what is committed becomes
 * visible under the write lock.
 */
#include "vault/kind.h"

err_t vault_commit(struct vault *v, const struct store_write *writes, size_t count) {
  return partition_commit(v->part, writes, count);
}

void change_publish(struct vault *v, struct index *x, struct entry *e) {
  pthread_rwlock_wrlock(&v->lock);
  index_insert(x, e);
  pthread_rwlock_unlock(&v->lock);
}

err_t change_commit_head(struct vault *v, enum kind_id kind, const struct entry *head) {
  char place[STORE_PLACE_MAX + 1];
  AUTO_BUF body = BUF_EMPTY;
  record_head_place(kind, head->folded, place);
  record_put_head(kind, head, &body);
  TRY(buf_ok(&body));
  return vault_commit(v, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

static err_t commit_version(struct vault *v, const struct entry *entry, bool new_entry,
                            const struct version *version) {
  char places[2][STORE_PLACE_MAX + 1];
  AUTO_BUF body = BUF_EMPTY, head = BUF_EMPTY;
  record_version_place(version->kind, entry->folded, version->id, places[0]);
  record_put_version(version, &body);
  record_head_place(version->kind, entry->folded, places[1]);
  record_put_head(version->kind, entry, &head);
  TRY(buf_ok(&body));
  TRY(buf_ok(&head));
  struct store_write writes[] = { { places[0], buf_bytes(&body) },
                                  { places[1], buf_bytes(&head) } };
  return vault_commit(v, writes, new_entry ? 2 : 1);
}

/* Entry and first version together. */
static err_t add_entry(struct vault *v, struct version *version) {
  struct shelf *s = &v->shelves[version->kind];
  AUTO(entry) struct entry *e = entry_new(version->kind, version->name);
  if (!e || !entry_reserve(e))
    return ERR_NOMEM;
  entry_add(e, version_ref(version));
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(&s->active);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err_t err = commit_version(v, e, true, version);
  if (err == OK) {
    change_publish(v, &s->active, TAKE(e));
    atomic_fetch_add(&s->version_count, 1);
    return OK;
  }
  pthread_rwlock_wrlock(&v->lock);
  index_unreserve(&s->active);
  pthread_rwlock_unlock(&v->lock);
  return err;
}

err_t change_room(enum kind_id kind, const struct entry *e) {
  if (e->count >= OBJECT_VERSIONS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "%s %s has %d versions, which is the most that it may have.",
           kind_of(kind)->noun, e->name, OBJECT_VERSIONS_MAX);
  return OK;
}

err_t change_set_version(struct vault *v, struct entry *entry, struct version *version) {
  bool is_new = entry_version(entry, version->id) == NULL;
  if (is_new)
    TRY(change_room(version->kind, entry));
  pthread_rwlock_wrlock(&v->lock);
  bool room = entry_reserve(entry);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  TRY(commit_version(v, entry, false, version));
  pthread_rwlock_wrlock(&v->lock);
  entry_add(entry, version_ref(version));
  pthread_rwlock_unlock(&v->lock);
  atomic_fetch_add(&v->shelves[version->kind].version_count, is_new);
  return OK;
}

err_t change_add_version(struct vault *v, const char *folded, struct version *version) {
  TRY(name_free(v, version->kind, version->name, folded));
  struct entry *e = find_active(v, version->kind, folded);
  version->order = atomic_fetch_add(&v->order, 1) + 1;
  if (!e)
    return add_entry(v, version);
  memcpy(version->name, e->name, sizeof version->name); /* the case that it was first given */
  return change_set_version(v, e, version);
}
