/*
 * The directory as a whole: made, loaded from the store's records in whatever order they come, and
 * made ready.
 */
#include "identity/internal.h"

#include <stdio.h>

#define TENANT_RECORD_VERSION 1

static err_t locks_init(struct identity *id) {
  pthread_rwlockattr_t attr;
  if (pthread_rwlockattr_init(&attr) != 0)
    FAIL(ERR_NOMEM, "lock attributes");
  /* A change must not wait for as long as there are readers. */
  pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&id->lock, &attr);
  pthread_rwlockattr_destroy(&attr);
  pthread_mutex_init(&id->changing, NULL);
  pthread_mutex_init(&id->replay_lock, NULL);
  return OK;
}

static err_t add_builtin_roles(struct identity *id) {
  for (size_t i = 0; i < role_builtin_count(); i++) {
    TRY(guid_map_reserve(&id->builtin));
    struct role *r;
    TRY(role_builtin_make(i, &r));
    guid_map_put(&id->builtin, r->guid, r);
  }
  return OK;
}

err_t identity_new(struct store *s, struct identity **out) {
  AUTO(identity) struct identity *id = mem_zalloc(sizeof *id);
  if (!id)
    return ERR_NOMEM;
  id->store = s;
  id->generation = 1;
  TRY(locks_init(id));
  TRY(token_cache_new(&id->cache));
  TRY(add_builtin_roles(id));
  *out = TAKE(id);
  return OK;
}

void identity_free(struct identity *id) {
  size_t at = 0;
  for (struct app *a; (a = guid_map_next(&id->apps, &at));)
    app_free(a);
  at = 0;
  for (struct role *r; (r = guid_map_next(&id->builtin, &at));)
    role_free(r);
  guid_map_free(&id->apps);
  guid_map_free(&id->apps_by_oid);
  guid_map_free(&id->builtin);
  for (size_t i = 0; i < id->token_key_count; i++)
    token_key_free(&id->token_keys[i]);
  if (id->cache)
    token_cache_free(id->cache);
  pthread_mutex_destroy(&id->replay_lock);
  pthread_mutex_destroy(&id->changing);
  pthread_rwlock_destroy(&id->lock);
  mem_free(id);
}

const char *identity_tenant(const struct identity *id) {
  return id->tenant;
}

void directory_place(const char *kind, const char *name, char out[static STORE_PLACE_MAX + 1]) {
  snprintf(out, STORE_PLACE_MAX + 1, "%s/%s", kind, name);
}

err_t directory_commit(struct identity *id, const char *kind, const char *name,
                       const struct buf *body) {
  char place[STORE_PLACE_MAX + 1];
  directory_place(kind, name, place);
  if (body)
    TRY(buf_ok(body));
  struct store_write w = { place, body ? buf_bytes(body) : (struct bytes){ 0 } };
  return store_commit(id->store, &w, 1);
}

static err_t load_tenant(struct identity *id, const char *name, struct bytes body) {
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != TENANT_RECORD_VERSION)
    FAIL(ERR_CORRUPT, "a tenant record of an unknown version");
  unpack_str(&u, id->tenant, sizeof id->tenant);
  return unpack_end(&u);
}

static err_t load_app(struct identity *id, const char *name, struct bytes body) {
  AUTO(app) struct app *a = NULL;
  TRY(app_unpack(body, &a));
  if (strcmp(a->app_id, name) != 0 || guid_map_get(&id->apps, a->app_id) ||
      guid_map_get(&id->apps_by_oid, a->oid))
    FAIL(ERR_CORRUPT, "an application record is at another's place");
  TRY(guid_map_reserve(&id->apps));
  TRY(guid_map_reserve(&id->apps_by_oid));
  guid_map_put(&id->apps, a->app_id, a);
  guid_map_put(&id->apps_by_oid, a->oid, a);
  (void)TAKE(a);
  return OK;
}

static err_t load_token_key(struct identity *id, const char *name, struct bytes body) {
  struct token_key k = { 0 };
  TRY(token_key_unpack(name, body, &k));
  return token_keys_add(id, &k);
}

static const struct kind {
  const char *place; /* up to the name */
  err_t (*load)(struct identity *id, const char *name, struct bytes body);
} kinds[] = {
  { "tenant", load_tenant },
  { "identity/", load_app },
  { "tokenkey/", load_token_key },
};

static const struct kind *kind_of(struct bytes place) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (bytes_starts(place, kinds[i].place))
      return &kinds[i];
  return NULL;
}

bool identity_owns(struct bytes place) {
  return kind_of(place) != NULL;
}

err_t identity_load(struct identity *id, struct bytes place, struct bytes body) {
  const struct kind *k = kind_of(place);
  char text[STORE_PLACE_MAX + 1];
  if (!k || bytes_to_cstr(place, text, sizeof text) != OK)
    FAIL(ERR_CORRUPT, "a record at a place that cannot be");
  return k->load(id, text + strlen(k->place), body);
}

static err_t make_tenant(struct identity *id) {
  char tenant[GUID_SIZE + 1];
  AUTO_BUF record = BUF_EMPTY;
  if (id->apps.count || id->token_key_count)
    FAIL(ERR_CORRUPT, "the tenant's record is missing");
  TRY(guid_random(tenant));
  pack_u8(&record, TENANT_RECORD_VERSION);
  pack_str(&record, tenant);
  TRY(buf_ok(&record));
  struct store_write w = { "tenant", buf_bytes(&record) };
  TRY(store_commit(id->store, &w, 1));
  memcpy(id->tenant, tenant, sizeof id->tenant);
  return OK;
}

err_t identity_ready(struct identity *id) {
  if (!id->tenant[0])
    TRY(make_tenant(id));
  return token_keys_ready(id);
}
