/*
 * The vault as a whole: made, loaded from the store's records in whatever order they come, and made
 * ready.
 */
#include "vault/key_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* What was read from the store before it is put in order. */
struct loading {
  struct entry **entries;
  size_t entry_count, entry_room;
  struct version **versions;
  size_t count, room;
};

static err_t shelf_init(struct partition *p, struct shelf *shelf, enum kind_id kind) {
  char purpose[64];
  shelf->kind = kind_of(kind);
  shelf->loading = mem_zalloc(sizeof *shelf->loading);
  if (!shelf->loading)
    return ERR_NOMEM;
  snprintf(purpose, sizeof purpose, "vault/%s-backup", shelf->kind->head_place);
  return partition_derive(p, purpose, SHA256_SIZE, &shelf->backup_key);
}

err_t vault_new(struct partition *p, const struct vault_conf *conf, struct vault **out) {
  AUTO(vault) struct vault *v = mem_zalloc(sizeof *v);
  if (!v)
    return ERR_NOMEM;
  v->part = p;
  v->conf = *conf;
  pthread_rwlock_init(&v->lock, NULL);
  for (size_t i = 0; i < STRIPES; i++)
    pthread_mutex_init(&v->stripes[i], NULL);
  for (int kind = 0; kind < KINDS; kind++)
    TRY(shelf_init(p, &v->shelves[kind], (enum kind_id)kind));
  if (!conf->live_of)
    TRY(live_init(&v->own_live, conf->live_keys));
  v->live = conf->live_of ? conf->live_of->live : &v->own_live;
  TRY(partition_derive(p, "vault/key-material", SHA256_SIZE, &v->material_key));
  TRY(partition_derive(p, "vault/secret-value", SHA256_SIZE, &v->secret_key));
  TRY(issuers_new(&v->issuers));
  *out = TAKE(v);
  return OK;
}

static void loading_free(struct loading *l) {
  if (!l)
    return;
  for (size_t i = 0; i < l->count; i++)
    if (l->versions[i])
      version_free(l->versions[i]);
  for (size_t i = 0; i < l->entry_count; i++)
    if (l->entries[i])
      entry_free(l->entries[i]);
  mem_free(l->versions);
  mem_free(l->entries);
  mem_free(l);
}

static void index_free(struct index *x) {
  for (size_t i = 0; i < x->count; i++)
    entry_free(x->entries[i]);
  mem_free(x->entries);
}

static void shelf_free(struct shelf *s) {
  index_free(&s->active);
  index_free(&s->deleted);
  loading_free(s->loading);
  secret_free(&s->backup_key);
}

void vault_free(struct vault *v) {
  if (v->live && v->live != &v->own_live)
    vault_close_keys(v); /* the other vault goes on */
  if (v->own_live.slots)
    live_fini(&v->own_live);
  for (int kind = 0; kind < KINDS; kind++)
    shelf_free(&v->shelves[kind]);
  if (v->issuers)
    issuers_free(v->issuers);
  secret_free(&v->material_key);
  secret_free(&v->secret_key);
  for (size_t i = 0; i < STRIPES; i++)
    pthread_mutex_destroy(&v->stripes[i]);
  pthread_rwlock_destroy(&v->lock);
  mem_free(v);
}

/* The kind whose records are at such places; *head tells an object's from a version's. */
static bool place_kind(struct bytes place, enum kind_id *kind, bool *head, struct bytes *rest) {
  struct bytes first;
  *rest = bytes_split(place, '/', &first);
  for (int k = 0; rest->data && k < KINDS; k++) {
    *kind = (enum kind_id)k;
    *head = bytes_equal_str(first, kind_of(*kind)->head_place);
    if (*head || bytes_equal_str(first, kind_of(*kind)->version_place))
      return true;
  }
  return false;
}

bool vault_owns(struct bytes place) {
  enum kind_id kind;
  struct bytes rest;
  bool head;
  return place_kind(place, &kind, &head, &rest) || issuers_own(place);
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

static err_t load_entry(struct loading *l, enum kind_id kind, struct bytes folded,
                        struct bytes body) {
  AUTO(entry) struct entry *e = entry_new(kind, "");
  if (!e || !grow(&l->entries, l->entry_count, &l->entry_room))
    return ERR_NOMEM;
  TRY(record_get_head(kind, body, e));
  if (!bytes_equal_str(folded, e->folded))
    FAIL(ERR_CORRUPT, "an object's record is at another object's place");
  l->entries[l->entry_count++] = TAKE(e);
  return OK;
}

static err_t load_version(struct loading *l, enum kind_id kind, struct bytes rest,
                          struct bytes body) {
  struct bytes folded, version = bytes_split(rest, '/', &folded);
  char name[OBJECT_NAME_MAX + 1], id[OBJECT_VERSION_SIZE + 1];
  if (bytes_to_cstr(folded, name, sizeof name) != OK || bytes_to_cstr(version, id, sizeof id) != OK)
    FAIL(ERR_CORRUPT, "a version record is at a place that can't be");
  if (!grow(&l->versions, l->count, &l->room))
    return ERR_NOMEM;
  TRY(record_get_version(kind, body, name, id, &l->versions[l->count]));
  l->count++;
  return OK;
}

err_t vault_load(struct vault *v, struct bytes place, struct bytes body) {
  enum kind_id kind;
  struct bytes rest;
  bool head;
  if (issuers_own(place))
    return issuers_load(v, place, body);
  if (!place_kind(place, &kind, &head, &rest))
    FAIL(ERR_INTERNAL, "a record that is not the vault's");
  struct loading *l = v->shelves[kind].loading;
  return head ? load_entry(l, kind, rest, body) : load_version(l, kind, rest, body);
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(struct entry *const *)a)->folded, (*(struct entry *const *)b)->folded);
}

static int by_place(const void *a, const void *b) {
  const struct version *x = *(struct version *const *)a, *y = *(struct version *const *)b;
  int c = strcasecmp(x->name, y->name);
  return c ? c : strcmp(x->id, y->id);
}

static struct entry *loaded_entry(struct loading *l, const char *folded) {
  struct entry wanted, *p = &wanted, **found;
  snprintf(wanted.folded, sizeof wanted.folded, "%s", folded);
  found = bsearch(&p, l->entries, l->entry_count, sizeof *l->entries, by_name);
  return found ? *found : NULL;
}

/* Gives every entry its versions. Sorted, an object's versions come in the order in which
 * entry_add() is cheapest. */
static err_t attach(struct vault *v, struct shelf *s) {
  struct loading *l = s->loading;
  for (size_t i = 0; i < l->count; i++) {
    struct version *version = l->versions[i];
    char folded[OBJECT_NAME_MAX + 1];
    name_fold(version->name, folded);
    struct entry *e = l->entry_count ? loaded_entry(l, folded) : NULL;
    if (!e)
      FAIL(ERR_CORRUPT, "a version without its object");
    if (!entry_reserve(e))
      return ERR_NOMEM;
    if (e->deleted && s->kind->close)
      s->kind->close(v, version);
    entry_add(e, TAKE(l->versions[i]));
    if (version->order > v->order)
      v->order = version->order;
  }
  s->version_count = l->count;
  return OK;
}

static err_t shelf_ready(struct vault *v, struct shelf *s) {
  struct loading *l = s->loading;
  if (l->entry_count)
    qsort(l->entries, l->entry_count, sizeof *l->entries, by_name);
  if (l->count)
    qsort(l->versions, l->count, sizeof *l->versions, by_place);
  TRY(attach(v, s));
  for (size_t i = 0; i < l->entry_count; i++) {
    struct entry *e = l->entries[i];
    struct index *x = e->deleted ? &s->deleted : &s->active;
    if (e->count == 0)
      FAIL(ERR_CORRUPT, "an object without a version");
    if (!index_reserve(x))
      return ERR_NOMEM;
    index_insert(x, TAKE(l->entries[i]));
  }
  loading_free(TAKE(s->loading));
  return OK;
}

err_t vault_ready(struct vault *v) {
  for (int kind = 0; kind < KINDS; kind++)
    TRY(shelf_ready(v, &v->shelves[kind]));
  return OK;
}

void vault_counts(struct vault *v, enum kind_id kind, struct vault_counts *out) {
  const struct shelf *s = &v->shelves[kind];
  READ_LOCKED(v);
  out->objects = s->active.count;
  out->deleted = s->deleted.count;
  out->versions = atomic_load(&s->version_count);
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
