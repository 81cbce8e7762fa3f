#include "store/store.h"

#include "store/census.h"
#include "store/commit.h"
#include "store/engine.h"
#include "store/record.h"

#include <stdatomic.h>
#include <stdio.h>

#define MASTER_SIZE 32
#define META_MASTER "master"
#define META_CENSUS "census"

struct store {
  struct engine *engine;
  struct commit_queue commits;
  pthread_mutex_t lock;  /* wrapped */
  struct buf wrapped;    /* the master key under the root key; empty: none yet */
  _Atomic bool unsealed; /* the keys are there and constant */
  struct secret master;
  struct record_keys keys;
  struct engine_watch watch;
  /* Of what is committed, and of the transaction that is being written: the leader's. */
  struct census census, next;
  struct buf sealed_census;
};

/* --- the census is kept: called by whoever leads a commit --- */

static err_t census_change(void *ctx, struct bytes key, struct bytes before, struct bytes after) {
  struct store *s = ctx;
  if (before.data)
    TRY(census_remove(&s->keys, key, before, &s->next));
  return after.data ? census_add(&s->keys, key, after, &s->next) : OK;
}

static err_t census_finish(void *ctx, struct engine_write *out) {
  struct store *s = ctx;
  if (census_equal(&s->next, &s->census))
    return OK;
  buf_clear(&s->sealed_census);
  TRY(census_seal(&s->keys, &s->next, &s->sealed_census));
  *out =
    (struct engine_write){ ENGINE_PUT_META, bytes_str(META_CENSUS), buf_bytes(&s->sealed_census) };
  return OK;
}

static void census_applied(void *ctx, bool done) {
  struct store *s = ctx;
  *(done ? &s->census : &s->next) = done ? s->next : s->census;
}

static void watch_begin(struct store *s, const struct census *present) {
  s->census = s->next = *present;
  s->watch = (struct engine_watch){ s, census_change, census_finish };
  s->commits.applied = census_applied;
  s->commits.watch = &s->watch;
}

err_t store_open(const char *dir, struct store **out) {
  AUTO(store) struct store *s = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  pthread_mutex_init(&s->lock, NULL);
  commit_init(&s->commits, NULL);
  TRY(engine_sqlite.open(dir, &s->engine));
  s->commits.engine = s->engine;
  bool found;
  TRY(s->engine->type->get_meta(s->engine, META_MASTER, &s->wrapped, &found));
  *out = TAKE(s);
  return OK;
}

void store_close(struct store *s) {
  if (s->engine)
    s->engine->type->close(s->engine);
  commit_fini(&s->commits);
  pthread_mutex_destroy(&s->lock);
  buf_free(&s->wrapped);
  secret_free(&s->master);
  record_keys_free(&s->keys);
  buf_free(&s->sealed_census);
  mem_free(s);
}

bool store_is_sealed(const struct store *s) {
  return !atomic_load_explicit(&s->unsealed, memory_order_acquire);
}

static err_t check_unsealed(const struct store *s) {
  if (store_is_sealed(s))
    FAIL(ERR_SEALED, "the store is sealed");
  return OK;
}

static void wrapped_lock(const struct store *s) {
  pthread_mutex_lock((pthread_mutex_t *)&s->lock);
}

static void wrapped_unlock(const struct store *s) {
  pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
}

bool store_is_new(const struct store *s) {
  wrapped_lock(s);
  bool none = s->wrapped.size == 0;
  wrapped_unlock(s);
  return none;
}

err_t store_provider(const struct store *s, char out[static 16]) {
  wrapped_lock(s);
  err_t e = root_provider_of(buf_bytes(&s->wrapped), out);
  wrapped_unlock(s);
  return e;
}

/* Writes the master key as this root wraps it, and the census if it is given. */
static err_t write_master(struct store *s, struct root *root, struct bytes master,
                          struct bytes census) {
  AUTO_BUF wrapped = BUF_EMPTY;
  TRY(root_wrap(root, master, &wrapped));
  struct engine_write w[] = {
    { ENGINE_PUT_META, bytes_str(META_MASTER), buf_bytes(&wrapped) },
    { ENGINE_PUT_META, bytes_str(META_CENSUS), census },
  };
  wrapped_lock(s);
  err_t e = commit_run(&s->commits, w, census.data ? 2 : 1);
  if (e == OK) {
    struct buf old = s->wrapped;
    s->wrapped = wrapped;
    wrapped = old;
  }
  wrapped_unlock(s);
  return e;
}

static void keep_keys(struct store *s, struct secret *master, struct record_keys *keys,
                      const struct census *census) {
  s->master = secret_take(master);
  s->keys = (struct record_keys){ secret_take(&keys->name), secret_take(&keys->seal),
                                  secret_take(&keys->census) };
  watch_begin(s, census);
  atomic_store_explicit(&s->unsealed, true, memory_order_release);
}

err_t store_init(struct store *s, struct root *root) {
  if (!store_is_new(s))
    FAIL(ERR_CONFLICT, "the store has a master key already");
  AUTO_SECRET master = { 0 };
  AUTO_RECORD_KEYS keys = { 0 };
  TRY(secret_random(MASTER_SIZE, &master));
  TRY(record_keys_derive(secret_bytes(&master), &keys));
  const struct census none = { 0 };
  AUTO_BUF census = BUF_EMPTY;
  TRY(census_seal(&keys, &none, &census));
  TRY(write_master(s, root, secret_bytes(&master), buf_bytes(&census)));
  keep_keys(s, &master, &keys, &none);
  return OK;
}

static err_t read_census(struct store *s, const struct record_keys *keys, struct census *out) {
  AUTO_BUF sealed = BUF_EMPTY;
  bool found;
  TRY(s->engine->type->get_meta(s->engine, META_CENSUS, &sealed, &found));
  return census_open(keys, buf_bytes(&sealed), out);
}

err_t store_unseal(struct store *s, struct root *root) {
  if (store_is_new(s))
    FAIL(ERR_CONFLICT, "the store has no master key yet");
  AUTO_SECRET master = { 0 };
  AUTO_RECORD_KEYS keys = { 0 };
  TRY(root_unwrap(root, buf_bytes(&s->wrapped), &master));
  if (master.size != MASTER_SIZE)
    FAIL(ERR_CORRUPT, "the master key has %zu bytes", master.size);
  if (!store_is_sealed(s))
    return OK;
  struct census census;
  TRY(record_keys_derive(secret_bytes(&master), &keys));
  TRY(read_census(s, &keys, &census));
  keep_keys(s, &master, &keys, &census);
  return OK;
}

void store_seal(struct store *s) {
  atomic_store_explicit(&s->unsealed, false, memory_order_release);
  s->commits.watch = NULL;
  secret_free(&s->master);
  record_keys_free(&s->keys);
}

err_t store_rewrap(struct store *s, struct root *root) {
  TRY(check_unsealed(s));
  return write_master(s, root, secret_bytes(&s->master), (struct bytes){ 0 });
}

err_t store_derive(struct store *s, const char *purpose, size_t size, struct secret *out) {
  TRY(check_unsealed(s));
  AUTO_BUF info = BUF_EMPTY; /* never one of the store's own */
  buf_printf(&info, "strongroom purpose: %s", purpose);
  buf_put_char(&info, '\0');
  TRY(buf_ok(&info));
  return crypto_hkdf(secret_bytes(&s->master), (const char *)info.data, size, out);
}

struct loading {
  struct store *store;
  store_each *each;
  void *ctx;
  struct buf plain; /* one record after another */
  struct census seen;
};

static err_t load_one(void *ctx, struct bytes id, struct bytes sealed) {
  struct loading *l = ctx;
  struct bytes place, body;
  err_t e = record_open(&l->store->keys, id, sealed, &l->plain, &place, &body);
  if (e == ERR_CORRUPT)
    FAIL(e, "a record of vault.db is damaged or was changed: restore the database from a backup");
  TRY(e);
  TRY(census_add(&l->store->keys, id, sealed, &l->seen));
  return l->each(l->ctx, place, body);
}

err_t store_load(struct store *s, store_each *each, void *ctx) {
  TRY(check_unsealed(s));
  struct loading l = { .store = s, .each = each, .ctx = ctx };
  err_t e = s->engine->type->each(s->engine, load_one, &l);
  buf_free(&l.plain);
  TRY(e);
  if (!census_equal(&l.seen, &s->census))
    FAIL(ERR_CORRUPT,
         "vault.db was changed from outside: it should hold %llu records and holds %llu, or older "
         "forms of them: restore the database from a backup",
         (unsigned long long)s->census.count, (unsigned long long)l.seen.count);
  return OK;
}

static err_t check_write(const struct store_write *w) {
  size_t n = strlen(w->place);
  if (n == 0 || n > STORE_PLACE_MAX)
    FAIL(ERR_INTERNAL, "a place of %zu characters", n);
  if (w->body.size > STORE_BODY_MAX)
    FAIL(ERR_TOO_LARGE, "a record of %zu bytes", w->body.size);
  return OK;
}

/* Appends id and sealed form to a buf that has room for them: the views in *out stay valid. */
static err_t seal_write(struct store *s, const struct store_write *w, struct buf *arena,
                        struct engine_write *out) {
  struct bytes place = bytes_str(w->place);
  uint8_t *id = arena->data + arena->size;
  TRY(record_id(&s->keys, place, id));
  arena->size += RECORD_ID_SIZE;
  out->op = w->body.data ? ENGINE_PUT : ENGINE_REMOVE;
  out->key = bytes_of(id, RECORD_ID_SIZE);
  if (out->op == ENGINE_REMOVE)
    return OK;
  uint8_t *sealed = arena->data + arena->size;
  TRY(record_seal(&s->keys, id, place, w->body, arena));
  out->value = bytes_of(sealed, (size_t)(arena->data + arena->size - sealed));
  return OK;
}

err_t store_commit(struct store *s, const struct store_write *writes, size_t count) {
  TRY(check_unsealed(s));
  if (count == 0)
    return OK;
  size_t room = 0;
  for (size_t i = 0; i < count; i++) {
    TRY(check_write(&writes[i]));
    room += RECORD_ID_SIZE + record_sealed_size(bytes_str(writes[i].place), writes[i].body);
  }
  AUTO_BUF arena = BUF_EMPTY;
  AUTO_FREE struct engine_write *sealed = mem_zalloc(count * sizeof *sealed);
  if (!sealed || !buf_reserve(&arena, room))
    return ERR_NOMEM;
  for (size_t i = 0; i < count; i++)
    TRY(seal_write(s, &writes[i], &arena, &sealed[i]));
  return commit_run(&s->commits, sealed, count);
}
