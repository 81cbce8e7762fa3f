/*
 * The cache. One lock, which nobody holds while the vault is asked; an entry is busy meanwhile: who
 * has no key to go on with waits for it, the others use the one there is.
 */
#include "base/clock.h"
#include "client/counted.h"
#include "net/list.h"

#include <pthread.h>

#define MAX_USUAL 1000
#ifndef USES_MAX /* a test sets it */
#define USES_MAX (UINT64_C(1) << 32)
#endif
#define PAUSE_MAX_US 30000000u

struct entry {
  struct list chain, age;  /* in its bucket; by last use, the newest first */
  uint8_t id[SHA256_SIZE]; /* of what it is asked for by */
  struct data_key *key;    /* NULL: none yet, or none any more */
  uint64_t since_us;       /* when it was asked for */
  uint64_t not_before_us;  /* when it may be asked for again, after the vault was away */
  uint64_t uses;
  unsigned users; /* threads that have this entry in hand: it stays while there are any */
  bool busy;
  uint64_t attempts; /* that are over */
  struct err_last failure;
  pthread_cond_t over;
};

struct key_cache {
  struct key_service service;
  uint64_t lifetime_us, swept_us;
  size_t max, count, bucket_count;
  pthread_mutex_t lock;
  struct list age;
  struct list buckets[];
};

/* --- entries --- */

static struct list *bucket_of(struct key_cache *c, const uint8_t id[static SHA256_SIZE]) {
  uint32_t n;
  memcpy(&n, id, sizeof n);
  return &c->buckets[n & (c->bucket_count - 1)];
}

static struct entry *find(struct key_cache *c, const uint8_t id[static SHA256_SIZE]) {
  struct list *bucket = bucket_of(c, id);
  for (struct list *n = bucket->next; n != bucket; n = n->next) {
    struct entry *e = LIST_ITEM(n, struct entry, chain);
    if (memcmp(e->id, id, SHA256_SIZE) == 0)
      return e;
  }
  return NULL;
}

static err_t add(struct key_cache *c, const uint8_t id[static SHA256_SIZE], struct entry **out) {
  struct entry *e = mem_zalloc(sizeof *e);
  if (!e)
    return ERR_NOMEM;
  memcpy(e->id, id, SHA256_SIZE);
  pthread_cond_init(&e->over, NULL);
  list_init(&e->chain);
  list_init(&e->age);
  list_move_behind(&e->chain, bucket_of(c, id));
  c->count++;
  *out = e;
  return OK;
}

static void forget(struct entry *e) {
  if (e->key)
    data_key_release(TAKE(e->key));
}

static void drop(struct key_cache *c, struct entry *e) {
  list_remove(&e->chain);
  list_remove(&e->age);
  forget(e);
  pthread_cond_destroy(&e->over);
  mem_free(e);
  c->count--;
}

static bool is_good(const struct key_cache *c, const struct entry *e, uint64_t now) {
  return e->key && now - e->since_us < c->lifetime_us && e->uses < USES_MAX;
}

/* What nobody asks for any more does not stay in memory. */
static void sweep(struct key_cache *c) {
  uint64_t now = clock_age_us();
  if (now - c->swept_us < c->lifetime_us / 8)
    return;
  c->swept_us = now;
  for (struct list *n = c->age.next, *next; n != &c->age; n = next) {
    struct entry *e = LIST_ITEM(n, struct entry, age);
    next = n->next;
    if (e->users == 0 && !is_good(c, e, now))
      drop(c, e);
  }
}

/* Those that were not used for longest, until the rest is no more than max. */
static void shrink(struct key_cache *c) {
  struct list *n = c->age.prev;
  while (c->count > c->max && n != &c->age) {
    struct entry *e = LIST_ITEM(n, struct entry, age);
    n = n->prev;
    if (e->users == 0)
      drop(c, e);
  }
}

/* --- one key --- */

struct want {
  const char *key;         /* to seal under, or */
  const struct wrapped *w; /* to open */
};

static err_t make(const struct key_service *s, const char *key, bool again, struct data_key **out) {
  AUTO_SECRET fresh = { 0 };
  struct wrapped w = { 0 };
  TRY(secret_random(DATA_KEY_SIZE, &fresh));
  TRY((again && s->wrap_again ? s->wrap_again : s->wrap)(s->ctx, key, secret_bytes(&fresh), &w));
  return data_key_new(&fresh, &w, out);
}

static err_t unwrap(const struct key_service *s, const struct wrapped *w, bool again,
                    struct data_key **out) {
  AUTO_SECRET opened = { 0 };
  err_t e = (again && s->unwrap_again ? s->unwrap_again : s->unwrap)(s->ctx, w, &opened);
  if (e == ERR_BAD_PARAMETER || e == ERR_DECRYPT)
    REFUSE(ERR_WRONG_KEY, "The vault's key %s does not open it.", w->key_id);
  TRY(e);
  if (opened.size != DATA_KEY_SIZE)
    REFUSE(ERR_DAMAGED, "What was unwrapped is not a data key: it has %zu bytes.", opened.size);
  return data_key_new(&opened, w, out);
}

/* Whether that is the vault's own answer about the key. All else is a vault, or a machine, that
 * can't answer now. */
static bool denies(err_t e) {
  switch (e) {
  case ERR_UNAUTHORIZED:
  case ERR_FORBIDDEN:
  case ERR_NOT_FOUND:
  case ERR_CONFLICT:
  case ERR_BAD_PARAMETER:
  case ERR_DAMAGED:
  case ERR_WRONG_KEY:
    return true;
  default:
    return false;
  }
}

static void keep_failure(struct entry *e, err_t failed) {
  if (failed == OK)
    e->failure = (struct err_last){ .code = OK };
  else if (err_last()->code == failed)
    e->failure = *err_last();
  else
    e->failure = (struct err_last){ .code = failed, .file = __FILE__ };
}

static void settle(struct key_cache *c, struct entry *e, err_t failed) {
  uint64_t now = clock_age_us(), pause = c->lifetime_us / 16;
  if (denies(failed) || !is_good(c, e, now))
    forget(e);
  else
    e->not_before_us = now + (pause < PAUSE_MAX_US ? pause : PAUSE_MAX_US);
}

static err_t opening_id(const struct wrapped *w, uint8_t id[static SHA256_SIZE]) {
  const struct bytes parts[] = { bytes_str("open"), bytes_of(w->key_id, strlen(w->key_id) + 1),
                                 bytes_of(w->alg, strlen(w->alg) + 1), bytes_of(w->data, w->size) };
  return crypto_sha256_parts(parts, 4, id);
}

/* What was sealed a moment ago opens, too, while the vault is away. Without memory for that it is
 * asked. */
static void keep_for_opening(struct key_cache *c, const struct entry *made) {
  uint8_t id[SHA256_SIZE];
  struct entry *e;
  if (opening_id(&made->key->wrapped, id) != OK || find(c, id) || add(c, id, &e) != OK)
    return;
  e->key = data_key_ref(made->key);
  e->since_us = made->since_us;
  list_move_behind(&e->age, &c->age);
}

/* With the lock held, which is given up while the vault is asked. */
static void ask(struct key_cache *c, struct entry *e, const struct want *want) {
  struct data_key *fresh = NULL;
  uint64_t began = clock_age_us();
  bool again = is_good(c, e, began);
  e->busy = true;
  pthread_mutex_unlock(&c->lock);
  err_t failed = want->key ? make(&c->service, want->key, again, &fresh)
                           : unwrap(&c->service, want->w, again, &fresh);
  pthread_mutex_lock(&c->lock);
  e->busy = false;
  e->attempts++;
  keep_failure(e, failed);
  if (failed != OK) {
    settle(c, e, failed);
  } else {
    forget(e);
    e->key = fresh;
    e->since_us = began;
    e->uses = e->not_before_us = 0;
    if (want->key)
      keep_for_opening(c, e);
  }
  pthread_cond_broadcast(&e->over);
}

static bool may_serve(const struct key_cache *c, const struct entry *e, uint64_t now) {
  return is_good(c, e, now) &&
         (now - e->since_us < c->lifetime_us / 2 || e->busy || now < e->not_before_us);
}

static err_t serve(struct key_cache *c, struct entry *e, const struct want *want,
                   struct data_key **out) {
  if (!may_serve(c, e, clock_age_us())) {
    uint64_t attempt = e->attempts;
    if (!e->busy)
      ask(c, e, want);
    while (e->attempts == attempt)
      pthread_cond_wait(&e->over, &c->lock);
    if (!e->key) {
      err_restore(&e->failure);
      return e->failure.code;
    }
  }
  e->uses++;
  *out = data_key_ref(e->key);
  return OK;
}

static err_t get(struct key_cache *c, const uint8_t id[static SHA256_SIZE], const struct want *want,
                 struct data_key **out) {
  struct entry *e = find(c, id);
  if (!e)
    TRY(add(c, id, &e));
  list_move_behind(&e->age, &c->age);
  e->users++;
  err_t failed = serve(c, e, want, out);
  e->users--;
  if (!e->key && e->users == 0)
    drop(c, e);
  sweep(c);
  shrink(c);
  return failed;
}

/* --- the outside --- */

err_t key_cache_new(const struct key_service *s, const struct key_cache_options *o,
                    struct key_cache **out) {
  size_t max = o && o->max ? o->max : MAX_USUAL, buckets = 16;
  while (buckets < max && buckets < 65536)
    buckets *= 2;
  struct key_cache *c = mem_zalloc(sizeof *c + buckets * sizeof *c->buckets);
  if (!c)
    return ERR_NOMEM;
  c->service = *s;
  c->lifetime_us = UINT64_C(1000000) * (o && o->lifetime_s ? o->lifetime_s : DATA_KEY_LIFETIME_S);
  c->max = max;
  c->bucket_count = buckets;
  c->swept_us = clock_age_us();
  pthread_mutex_init(&c->lock, NULL);
  list_init(&c->age);
  for (size_t i = 0; i < buckets; i++)
    list_init(&c->buckets[i]);
  *out = c;
  return OK;
}

void key_cache_free(struct key_cache *c) {
  while (!list_empty(&c->age))
    drop(c, LIST_ITEM(c->age.next, struct entry, age));
  pthread_mutex_destroy(&c->lock);
  mem_free(c);
}

static err_t locked_get(struct key_cache *c, const uint8_t id[static SHA256_SIZE],
                        const struct want *want, struct data_key **out) {
  pthread_mutex_lock(&c->lock);
  err_t e = get(c, id, want, out);
  pthread_mutex_unlock(&c->lock);
  return e;
}

err_t key_cache_for_sealing(struct key_cache *c, const char *key, struct data_key **out) {
  const struct bytes parts[] = { bytes_str("seal"), bytes_str(key) };
  uint8_t id[SHA256_SIZE];
  TRY(crypto_sha256_parts(parts, 2, id));
  return locked_get(c, id, &(struct want){ .key = key }, out);
}

err_t key_cache_for_opening(struct key_cache *c, const struct wrapped *w, struct data_key **out) {
  uint8_t id[SHA256_SIZE];
  if (w->size > sizeof w->data)
    FAIL(ERR_BAD_PARAMETER, "a wrapped key of %zu bytes", w->size);
  TRY(opening_id(w, id));
  return locked_get(c, id, &(struct want){ .w = w }, out);
}
