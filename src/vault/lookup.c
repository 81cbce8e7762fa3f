/* Finding, getting and listing. Listings hand out shares, so that answers are written outside the
 * lock. */
#include "base/clock.h"
#include "vault/kind.h"

static struct entry *find_in(struct vault *v, const struct index *x, const char *folded) {
  READ_LOCKED(v);
  size_t pos;
  return index_find(x, folded, &pos) ? x->entries[pos] : NULL;
}

struct entry *find_active(struct vault *v, enum kind_id kind, const char *folded) {
  return find_in(v, &v->shelves[kind].active, folded);
}

struct entry *find_deleted(struct vault *v, enum kind_id kind, const char *folded) {
  return find_in(v, &v->shelves[kind].deleted, folded);
}

bool entry_settled(const struct entry *e) {
  return e->settles_at_us == 0 || e->settles_at_us <= clock_mono_us();
}

uint64_t settle_time(const struct vault *v) {
  return v->conf.async_delete_ms ? clock_mono_us() + v->conf.async_delete_ms * 1000ull : 0;
}

/* "Secret" as it stands within a sentence. */
static char lower_first(const char *noun) {
  return (char)(noun[0] | 32);
}

err_t name_free(struct vault *v, enum kind_id kind, const char *name, const char *folded) {
  const char *noun = kind_of(kind)->noun;
  struct entry *e = find_deleted(v, kind, folded);
  if (e && !entry_settled(e))
    REFUSE(ERR_BEING_DELETED,
           "%s %s is currently being deleted and cannot be re-created; retry later.", noun, name);
  if (e)
    REFUSE(
      ERR_DELETED,
      "%s %s is currently in a deleted but recoverable state, and its name cannot be reused; in "
      "this state, the %c%s can only be recovered or purged.",
      noun, name, lower_first(noun), noun + 1);
  e = find_active(v, kind, folded);
  if (e && !entry_settled(e))
    REFUSE(ERR_BEING_RECOVERED,
           "%s %s is currently being recovered and cannot be re-created; retry later.", noun, name);
  return OK;
}

err_t active_entry(struct vault *v, enum kind_id kind, const char *name, const char *folded,
                   struct entry **out) {
  struct entry *e = find_active(v, kind, folded);
  if (!e || !entry_settled(e))
    return object_not_found(kind, name, "");
  *out = e;
  return OK;
}

struct entry *settled_entry(const struct vault *v, enum kind_id kind, const char *folded) {
  const struct index *x = &v->shelves[kind].active;
  size_t pos;
  return index_find(x, folded, &pos) && entry_settled(x->entries[pos]) ? x->entries[pos] : NULL;
}

err_t object_not_found(enum kind_id kind, const char *name, const char *version) {
  const struct kind *k = kind_of(kind);
  REFUSE(
    k->not_found,
    "A %c%s with (name/id) %s%s%s was not found in this key vault. If you recently deleted this "
    "%c%s you may be able to recover it using the correct recovery command. For help resolving "
    "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    lower_first(k->noun), k->noun + 1, name, version[0] ? k->before_version : "", version,
    lower_first(k->noun), k->noun + 1);
}

err_t object_deleted_not_found(enum kind_id kind, const char *name) {
  const struct kind *k = kind_of(kind);
  REFUSE(k->not_found, "Deleted %s not found: %s", k->noun, name);
}

err_t object_get(struct vault *v, enum kind_id kind, const char *name, const char *version,
                 struct version **out) {
  char folded[OBJECT_NAME_MAX + 1], id[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  name_fold(version, id);
  READ_LOCKED(v);
  const struct entry *e = settled_entry(v, kind, folded);
  struct version *found = e ? entry_version(e, id) : NULL;
  if (!found)
    return object_not_found(kind, name, version);
  *out = version_ref(found);
  return OK;
}

/* Where a page that follows the marker begins. */
static size_t after(const struct index *x, const char *marker) {
  char folded[OBJECT_NAME_MAX + 1];
  size_t pos;
  name_fold(marker, folded);
  return index_find(x, folded, &pos) ? pos + 1 : pos;
}

err_t object_list(struct vault *v, enum kind_id kind, const char *marker, struct version **page,
                  size_t room, size_t *count, bool *more) {
  READ_LOCKED(v);
  const struct index *x = &v->shelves[kind].active;
  size_t n = 0, i = after(x, marker);
  for (; i < x->count && n < room; i++)
    if (entry_settled(x->entries[i]))
      page[n++] = version_ref(x->entries[i]->latest);
  *count = n;
  *more = i < x->count;
  return OK;
}

err_t object_list_versions(struct vault *v, enum kind_id kind, const char *name, const char *marker,
                           struct version **page, size_t room, size_t *count, bool *more) {
  char folded[OBJECT_NAME_MAX + 1];
  size_t n = 0, i = 0;
  name_fold(name, folded);
  *count = 0;
  *more = false;
  READ_LOCKED(v);
  const struct entry *e = settled_entry(v, kind, folded);
  if (!e)
    return OK;
  while (i < e->count && marker[0] && strcmp(e->versions[i]->id, marker) <= 0)
    i++;
  for (; i < e->count && n < room; i++)
    page[n++] = version_ref(e->versions[i]);
  *count = n;
  *more = i < e->count;
  return OK;
}

static struct deleted deleted_view(const struct entry *e) {
  return (struct deleted){ version_ref(e->latest), e->deleted_at, e->purge_at };
}

err_t object_get_deleted(struct vault *v, enum kind_id kind, const char *name,
                         struct deleted *out) {
  char folded[OBJECT_NAME_MAX + 1];
  size_t pos;
  name_fold(name, folded);
  READ_LOCKED(v);
  const struct index *x = &v->shelves[kind].deleted;
  if (!index_find(x, folded, &pos) || !entry_settled(x->entries[pos]))
    return object_deleted_not_found(kind, name);
  *out = deleted_view(x->entries[pos]);
  return OK;
}

err_t object_list_deleted(struct vault *v, enum kind_id kind, const char *marker,
                          struct deleted *page, size_t room, size_t *count, bool *more) {
  READ_LOCKED(v);
  const struct index *x = &v->shelves[kind].deleted;
  size_t n = 0, i = after(x, marker);
  for (; i < x->count && n < room; i++)
    if (entry_settled(x->entries[i]))
      page[n++] = deleted_view(x->entries[i]);
  *count = n;
  *more = i < x->count;
  return OK;
}
