/*
 * The ordered index: one array of entries sorted by folded name. Binary search finds a name or the
 * place where a page begins; an insertion moves pointers (100,000 keys: 800 KB at worst, some tens
 * of microseconds), and pages need no cursor.
 */
#include "base/sorted.h"
#include "vault/kind.h"

#include <ctype.h>

bool object_name_valid(struct bytes name) {
  if (name.size == 0 || name.size > OBJECT_NAME_MAX)
    return false;
  for (size_t i = 0; i < name.size; i++) {
    uint8_t c = name.data[i];
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'))
      return false;
  }
  return true;
}

void name_fold(const char *name, char folded[static OBJECT_NAME_MAX + 1]) {
  size_t i = 0;
  for (; i < OBJECT_NAME_MAX && name[i]; i++)
    folded[i] = (char)tolower((unsigned char)name[i]);
  folded[i] = '\0';
}

bool index_find(const struct index *x, const char *folded, size_t *pos) {
  return sorted_find(x->entries, x->count, offsetof(struct entry, folded), folded, pos);
}

/* Room for one more pointer in a growing array. */
static bool reserve(void *array, size_t count, size_t *room) {
  if (count < *room)
    return true;
  size_t more = *room ? *room * 2 : 4;
  void *p = mem_realloc(*(void **)array, more * sizeof(void *));
  if (!p)
    return false;
  *(void **)array = p;
  *room = more;
  return true;
}

bool index_reserve(struct index *x) {
  if (!reserve(&x->entries, x->count + x->reserved, &x->room))
    return false;
  x->reserved++;
  return true;
}

void index_unreserve(struct index *x) {
  x->reserved--;
}

void index_insert(struct index *x, struct entry *e) {
  size_t pos;
  index_find(x, e->folded, &pos);
  memmove(x->entries + pos + 1, x->entries + pos, (x->count - pos) * sizeof(struct entry *));
  x->entries[pos] = e;
  x->count++;
  x->reserved--;
}

struct entry *index_remove(struct index *x, const char *folded) {
  size_t pos;
  if (!index_find(x, folded, &pos))
    return NULL;
  struct entry *e = x->entries[pos];
  memmove(x->entries + pos, x->entries + pos + 1, (x->count - pos - 1) * sizeof(struct entry *));
  x->count--;
  return e;
}

struct entry *entry_new(enum kind_id kind, const char *name) {
  struct entry *e = mem_zalloc(kind_of(kind)->entry_size);
  if (!e)
    return NULL;
  e->kind = kind_of(kind);
  memcpy(e->name, name, strnlen(name, OBJECT_NAME_MAX));
  name_fold(name, e->folded);
  return e;
}

void entry_free(struct entry *e) {
  for (size_t i = 0; i < e->count; i++)
    version_free(e->versions[i]);
  if (e->kind->clear_entry)
    e->kind->clear_entry(e);
  mem_free(e->versions);
  mem_free(e);
}

bool entry_reserve(struct entry *e) {
  return reserve(&e->versions, e->count, &e->room);
}

static bool version_find(const struct entry *e, const char *id, size_t *pos) {
  return sorted_find(e->versions, e->count, offsetof(struct version, id), id, pos);
}

void entry_add(struct entry *e, struct version *v) {
  size_t pos;
  if (version_find(e, v->id, &pos)) {
    if (e->latest == e->versions[pos])
      e->latest = v;
    version_free(e->versions[pos]);
    e->versions[pos] = v;
  } else {
    memmove(e->versions + pos + 1, e->versions + pos, (e->count - pos) * sizeof(struct version *));
    e->versions[pos] = v;
    e->count++;
  }
  if (!e->latest || v->order > e->latest->order)
    e->latest = v;
}

struct version *entry_version(const struct entry *e, const char *id) {
  if (id[0] == '\0')
    return e->latest;
  size_t pos;
  return version_find(e, id, &pos) ? e->versions[pos] : NULL;
}
