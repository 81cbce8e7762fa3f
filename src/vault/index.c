/*
 * The ordered index: one array of entries sorted by folded name. Binary search finds a name or the
 * place where a page begins; an insertion moves pointers (100,000 keys: 800 KB at worst, some tens
 * of microseconds), and pages need no cursor.
 */
#include "vault/internal.h"

#include <ctype.h>

bool key_name_valid(struct bytes name) {
  if (name.size == 0 || name.size > KEY_NAME_MAX)
    return false;
  for (size_t i = 0; i < name.size; i++) {
    uint8_t c = name.data[i];
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-'))
      return false;
  }
  return true;
}

void name_fold(const char *name, char folded[static KEY_NAME_MAX + 1]) {
  size_t i = 0;
  for (; i < KEY_NAME_MAX && name[i]; i++)
    folded[i] = (char)tolower((unsigned char)name[i]);
  folded[i] = '\0';
}

bool index_find(const struct key_index *x, const char *folded, size_t *pos) {
  size_t lo = 0, hi = x->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = strcmp(x->entries[mid]->folded, folded);
    if (c == 0) {
      *pos = mid;
      return true;
    }
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  *pos = lo;
  return false;
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

bool index_reserve(struct key_index *x) {
  if (!reserve(&x->entries, x->count + x->reserved, &x->room))
    return false;
  x->reserved++;
  return true;
}

void index_unreserve(struct key_index *x) {
  x->reserved--;
}

void index_insert(struct key_index *x, struct key_entry *e) {
  size_t pos;
  index_find(x, e->folded, &pos);
  memmove(x->entries + pos + 1, x->entries + pos, (x->count - pos) * sizeof(struct key_entry *));
  x->entries[pos] = e;
  x->count++;
  x->reserved--;
}

struct key_entry *index_remove(struct key_index *x, const char *folded) {
  size_t pos;
  if (!index_find(x, folded, &pos))
    return NULL;
  struct key_entry *e = x->entries[pos];
  memmove(x->entries + pos, x->entries + pos + 1,
          (x->count - pos - 1) * sizeof(struct key_entry *));
  x->count--;
  return e;
}

struct key_entry *entry_new(const char *name) {
  struct key_entry *e = mem_zalloc(sizeof *e);
  if (!e)
    return NULL;
  memcpy(e->name, name, strnlen(name, KEY_NAME_MAX));
  name_fold(name, e->folded);
  return e;
}

void entry_free(struct key_entry *e) {
  for (size_t i = 0; i < e->count; i++)
    key_version_free(e->versions[i]);
  mem_free(e->versions);
  mem_free(e);
}

bool entry_reserve(struct key_entry *e) {
  return reserve(&e->versions, e->count, &e->room);
}

static size_t version_pos(const struct key_entry *e, const char *id, bool *found) {
  size_t lo = 0, hi = e->count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    int c = strcmp(e->versions[mid]->id, id);
    if (c == 0) {
      *found = true;
      return mid;
    }
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  *found = false;
  return lo;
}

void entry_add(struct key_entry *e, struct key_version *kv) {
  bool found;
  size_t pos = version_pos(e, kv->id, &found);
  if (found) {
    if (e->latest == e->versions[pos])
      e->latest = kv;
    key_version_free(e->versions[pos]);
    e->versions[pos] = kv;
  } else {
    memmove(e->versions + pos + 1, e->versions + pos,
            (e->count - pos) * sizeof(struct key_version *));
    e->versions[pos] = kv;
    e->count++;
  }
  if (!e->latest || kv->order > e->latest->order)
    e->latest = kv;
}

struct key_version *entry_version(const struct key_entry *e, const char *id) {
  if (id[0] == '\0')
    return e->latest;
  bool found;
  size_t pos = version_pos(e, id, &found);
  return found ? e->versions[pos] : NULL;
}
