/* Finding, getting and listing. Listings hand out shares, so that answers are written outside the
 * lock. */
#include "base/clock.h"
#include "vault/internal.h"

static struct key_entry *find_in(struct vault *v, const struct key_index *x, const char *folded) {
  READ_LOCKED(v);
  size_t pos;
  return index_find(x, folded, &pos) ? x->entries[pos] : NULL;
}

struct key_entry *find_active(struct vault *v, const char *folded) {
  return find_in(v, &v->active, folded);
}

struct key_entry *find_deleted(struct vault *v, const char *folded) {
  return find_in(v, &v->deleted, folded);
}

bool entry_settled(const struct key_entry *e) {
  return e->settles_at_us == 0 || e->settles_at_us <= clock_mono_us();
}

uint64_t settle_time(const struct vault *v) {
  return v->conf.async_delete_ms ? clock_mono_us() + v->conf.async_delete_ms * 1000ull : 0;
}

err_t name_free(struct vault *v, const char *name, const char *folded) {
  struct key_entry *e = find_deleted(v, folded);
  if (e && !entry_settled(e))
    REFUSE(ERR_BEING_DELETED,
           "Key %s is currently being deleted and cannot be re-created; retry later.", name);
  if (e)
    REFUSE(
      ERR_DELETED,
      "Key %s is currently in a deleted but recoverable state, and its name cannot be reused; in "
      "this state, the key can only be recovered or purged.",
      name);
  e = find_active(v, folded);
  if (e && !entry_settled(e))
    REFUSE(ERR_BEING_RECOVERED,
           "Key %s is currently being recovered and cannot be re-created; retry later.", name);
  return OK;
}

err_t active_entry(struct vault *v, const char *name, const char *folded, struct key_entry **out) {
  struct key_entry *e = find_active(v, folded);
  if (!e || !entry_settled(e))
    return key_not_found(name, "");
  *out = e;
  return OK;
}

err_t keys_get(struct vault *v, const char *name, const char *version, struct key_version **out) {
  char folded[KEY_NAME_MAX + 1], id[KEY_NAME_MAX + 1];
  size_t pos;
  name_fold(name, folded);
  name_fold(version, id);
  READ_LOCKED(v);
  struct key_version *kv = NULL;
  if (index_find(&v->active, folded, &pos) && entry_settled(v->active.entries[pos]))
    kv = entry_version(v->active.entries[pos], id);
  if (!kv)
    return key_not_found(name, version);
  *out = key_version_ref(kv);
  return OK;
}

/* Where a page that follows the marker begins. */
static size_t after(const struct key_index *x, const char *marker) {
  char folded[KEY_NAME_MAX + 1];
  size_t pos;
  name_fold(marker, folded);
  return index_find(x, folded, &pos) ? pos + 1 : pos;
}

err_t keys_list(struct vault *v, const char *marker, struct key_version **page, size_t room,
                size_t *count, bool *more) {
  READ_LOCKED(v);
  size_t n = 0, i = after(&v->active, marker);
  for (; i < v->active.count && n < room; i++)
    if (entry_settled(v->active.entries[i]))
      page[n++] = key_version_ref(v->active.entries[i]->latest);
  *count = n;
  *more = i < v->active.count;
  return OK;
}

err_t keys_list_versions(struct vault *v, const char *name, const char *marker,
                         struct key_version **page, size_t room, size_t *count, bool *more) {
  char folded[KEY_NAME_MAX + 1];
  size_t pos, n = 0, i = 0;
  name_fold(name, folded);
  *count = 0;
  *more = false;
  READ_LOCKED(v);
  if (!index_find(&v->active, folded, &pos) || !entry_settled(v->active.entries[pos]))
    return OK;
  const struct key_entry *e = v->active.entries[pos];
  while (i < e->count && marker[0] && strcmp(e->versions[i]->id, marker) <= 0)
    i++;
  for (; i < e->count && n < room; i++)
    page[n++] = key_version_ref(e->versions[i]);
  *count = n;
  *more = i < e->count;
  return OK;
}

static struct key_deleted deleted_view(const struct key_entry *e) {
  return (struct key_deleted){ key_version_ref(e->latest), e->deleted_at, e->purge_at };
}

err_t keys_get_deleted(struct vault *v, const char *name, struct key_deleted *out) {
  char folded[KEY_NAME_MAX + 1];
  size_t pos;
  name_fold(name, folded);
  READ_LOCKED(v);
  if (!index_find(&v->deleted, folded, &pos) || !entry_settled(v->deleted.entries[pos]))
    return key_deleted_not_found(name);
  *out = deleted_view(v->deleted.entries[pos]);
  return OK;
}

err_t keys_list_deleted(struct vault *v, const char *marker, struct key_deleted *page, size_t room,
                        size_t *count, bool *more) {
  READ_LOCKED(v);
  size_t n = 0, i = after(&v->deleted, marker);
  for (; i < v->deleted.count && n < room; i++)
    if (entry_settled(v->deleted.entries[i]))
      page[n++] = deleted_view(v->deleted.entries[i]);
  *count = n;
  *more = i < v->deleted.count;
  return OK;
}
