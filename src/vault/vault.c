/*
 * The vault as a whole: made, loaded from the store's records in whatever order they come, and made
 * ready.
 */
#include "vault/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What was read from the store before it is put in order. */
struct loading {
  struct key_entry **entries;
  size_t entry_count, entry_room;
  struct key_version **versions;
  size_t count, room;
};

err_t vault_new(struct store *s, const struct vault_conf *conf, struct vault **out) {
  AUTO(vault) struct vault *v = mem_zalloc(sizeof *v);
  if (!v)
    return ERR_NOMEM;
  v->store = s;
  v->conf = *conf;
  pthread_rwlock_init(&v->lock, NULL);
  for (size_t i = 0; i < STRIPES; i++)
    pthread_mutex_init(&v->stripes[i], NULL);
  v->loading = mem_zalloc(sizeof *v->loading);
  if (!v->loading)
    return ERR_NOMEM;
  TRY(live_init(&v->live, conf->live_keys));
  TRY(store_derive(s, "vault/key-material", SHA256_SIZE, &v->material_key));
  TRY(store_derive(s, "vault/key-backup", SHA256_SIZE, &v->backup_key));
  *out = TAKE(v);
  return OK;
}

static void loading_free(struct loading *l) {
  if (!l)
    return;
  for (size_t i = 0; i < l->count; i++)
    if (l->versions[i])
      key_version_free(l->versions[i]);
  for (size_t i = 0; i < l->entry_count; i++)
    if (l->entries[i])
      entry_free(l->entries[i]);
  mem_free(l->versions);
  mem_free(l->entries);
  mem_free(l);
}

static void index_free(struct key_index *x) {
  for (size_t i = 0; i < x->count; i++)
    entry_free(x->entries[i]);
  mem_free(x->entries);
}

void vault_free(struct vault *v) {
  if (v->live.slots)
    live_fini(&v->live);
  index_free(&v->active);
  index_free(&v->deleted);
  loading_free(v->loading);
  secret_free(&v->material_key);
  secret_free(&v->backup_key);
  for (size_t i = 0; i < STRIPES; i++)
    pthread_mutex_destroy(&v->stripes[i]);
  pthread_rwlock_destroy(&v->lock);
  mem_free(v);
}

bool vault_owns(struct bytes place) {
  return bytes_starts(place, "key/") || bytes_starts(place, "keyversion/");
}

static bool grow(void *array, size_t count, size_t *room) {
  if (count < *room)
    return true;
  size_t more = *room ? *room * 2 : 64;
  void *p = mem_realloc(*(void **)array, more * sizeof(void *));
  if (!p)
    return false;
  *(void **)array = p;
  *room = more;
  return true;
}

static err_t load_entry(struct loading *l, struct bytes folded, struct bytes body) {
  AUTO(entry) struct key_entry *e = entry_new("");
  if (!e || !grow(&l->entries, l->entry_count, &l->entry_room))
    return ERR_NOMEM;
  TRY(record_get_key(body, e));
  if (!bytes_equal_str(folded, e->folded))
    FAIL(ERR_CORRUPT, "a key record is at another key's place");
  l->entries[l->entry_count++] = TAKE(e);
  return OK;
}

static err_t load_version(struct loading *l, struct bytes rest, struct bytes body) {
  struct bytes folded, version = bytes_split(rest, '/', &folded);
  char name[KEY_NAME_MAX + 1], id[KEY_VERSION_SIZE + 1];
  if (bytes_to_cstr(folded, name, sizeof name) != OK || bytes_to_cstr(version, id, sizeof id) != OK)
    FAIL(ERR_CORRUPT, "a version record is at a place that can't be");
  if (!grow(&l->versions, l->count, &l->room))
    return ERR_NOMEM;
  TRY(record_get_version(body, name, id, &l->versions[l->count]));
  l->count++;
  return OK;
}

err_t vault_load(struct vault *v, struct bytes place, struct bytes body) {
  struct bytes kind, rest = bytes_split(place, '/', &kind);
  return bytes_equal_str(kind, "key") ? load_entry(v->loading, rest, body)
                                      : load_version(v->loading, rest, body);
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(struct key_entry *const *)a)->folded, (*(struct key_entry *const *)b)->folded);
}

static int by_place(const void *a, const void *b) {
  return strcmp((*(struct key_version *const *)a)->material->place,
                (*(struct key_version *const *)b)->material->place);
}

static struct key_entry *loaded_entry(struct loading *l, const char *folded) {
  struct key_entry wanted, *p = &wanted, **found;
  snprintf(wanted.folded, sizeof wanted.folded, "%s", folded);
  found = bsearch(&p, l->entries, l->entry_count, sizeof *l->entries, by_name);
  return found ? *found : NULL;
}

/* Gives every entry its versions. Sorted by place, a key's versions come in the order in which
 * entry_add() is cheapest. */
static err_t attach(struct vault *v, struct loading *l) {
  for (size_t i = 0; i < l->count; i++) {
    struct key_version *kv = l->versions[i];
    char folded[KEY_NAME_MAX + 1];
    name_fold(kv->name, folded);
    struct key_entry *e = l->entry_count ? loaded_entry(l, folded) : NULL;
    if (!e)
      FAIL(ERR_CORRUPT, "a version without its key");
    if (!entry_reserve(e))
      return ERR_NOMEM;
    kv->material->dead = e->deleted;
    entry_add(e, TAKE(l->versions[i]));
    if (kv->order > v->order)
      v->order = kv->order;
  }
  v->version_count = l->count;
  return OK;
}

err_t vault_ready(struct vault *v) {
  struct loading *l = v->loading;
  if (l->entry_count)
    qsort(l->entries, l->entry_count, sizeof *l->entries, by_name);
  if (l->count)
    qsort(l->versions, l->count, sizeof *l->versions, by_place);
  TRY(attach(v, l));
  for (size_t i = 0; i < l->entry_count; i++) {
    struct key_entry *e = l->entries[i];
    struct key_index *x = e->deleted ? &v->deleted : &v->active;
    if (e->count == 0)
      FAIL(ERR_CORRUPT, "a key without a version");
    if (!index_reserve(x))
      return ERR_NOMEM;
    index_insert(x, TAKE(l->entries[i]));
  }
  loading_free(TAKE(v->loading));
  return OK;
}

void vault_counts(struct vault *v, struct vault_counts *out) {
  READ_LOCKED(v);
  out->keys = v->active.count;
  out->deleted = v->deleted.count;
  out->versions = atomic_load(&v->version_count);
}

struct stripe stripe_lock(struct vault *v, const char *folded) {
  uint32_t h = 2166136261u; /* FNV-1a: spreads names over mutexes, no more */
  for (const char *p = folded; *p; p++)
    h = (h ^ (uint8_t)*p) * 16777619u;
  struct stripe s = { &v->stripes[h % STRIPES] };
  pthread_mutex_lock(s.mutex);
  return s;
}

void stripe_unlock(struct stripe *s) {
  pthread_mutex_unlock(s->mutex);
}

unsigned vault_retention_days(const struct vault *v) {
  return v->conf.retention_days;
}

const char *vault_recovery_level(const struct vault *v) {
  bool custom = v->conf.retention_days < 90;
  if (v->conf.purge_protection)
    return custom ? "CustomizedRecoverable" : "Recoverable";
  return custom ? "CustomizedRecoverable+Purgeable" : "Recoverable+Purgeable";
}

err_t key_not_found(const char *name, const char *version) {
  REFUSE(
    ERR_KEY_NOT_FOUND,
    "A key with (name/id) %s%s%s was not found in this key vault. If you recently deleted this key "
    "you may be able to recover it using the correct recovery command. For help resolving this "
    "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    name, version[0] ? "/" : "", version);
}

err_t key_deleted_not_found(const char *name) {
  REFUSE(ERR_KEY_NOT_FOUND, "Deleted Key not found: %s", name);
}
