#include "transit/proxy/limit.h"

#include "crypto/crypto.h"
#include "net/list.h"

#include <netinet/in.h>
#include <pthread.h>

#define SLOTS 4096
#define QUIET_MAX 16384 /* sources without connections that are remembered */
#define COST 1000       /* tokens of a connection: a bucket gets per_second of them a millisecond */
#define V4_SIZE 4
#define V6_SIZE 8 /* a /64 */

struct limit_source {
  struct limit_source *next; /* in its slot */
  struct list quiet;         /* limit.quiet, while it has no connections */
  uint8_t address[8];
  uint8_t size;
  unsigned connections;
  uint64_t tokens;
  uint64_t seen_ms;
};

struct limit {
  struct limit_options o;
  uint64_t key[2];
  pthread_mutex_t lock;
  struct list quiet; /* longest first */
  size_t count, quiet_count;
  struct limit_source *slots[SLOTS];
};

err_t limit_new(const struct limit_options *o, struct limit **out) {
  AUTO(limit) struct limit *l = mem_zalloc(sizeof *l);
  if (!l)
    return ERR_NOMEM;
  pthread_mutex_init(&l->lock, NULL);
  list_init(&l->quiet);
  l->o = *o;
  if (!l->o.burst)
    l->o.burst = l->o.per_second;
  TRY(crypto_random(l->key, sizeof l->key));
  *out = TAKE(l);
  return OK;
}

static void forget(struct limit *l, struct limit_source *s);

void limit_free(struct limit *l) {
  if (!l)
    return;
  while (!list_empty(&l->quiet))
    forget(l, LIST_ITEM(l->quiet.next, struct limit_source, quiet));
  pthread_mutex_destroy(&l->lock);
  mem_free(l);
}

static bool address_of(const struct net_address *from, struct limit_source *out) {
  const struct sockaddr_storage *a = &from->socket;
  if (a->ss_family == AF_INET) {
    memcpy(out->address, &((const struct sockaddr_in *)a)->sin_addr, V4_SIZE);
    out->size = V4_SIZE;
  } else if (a->ss_family == AF_INET6) {
    memcpy(out->address, &((const struct sockaddr_in6 *)a)->sin6_addr, V6_SIZE);
    out->size = V6_SIZE;
  }
  return out->size != 0;
}

/* Nobody outside can choose addresses that share a slot: the key is random. */
static struct limit_source **slot_of(struct limit *l, const struct limit_source *s) {
  uint64_t h = l->key[0] ^ s->size, word;
  memcpy(&word, s->address, sizeof word);
  h = (h ^ word) * (l->key[1] | 1);
  h = (h ^ (h >> 32)) * (l->key[1] | 1);
  return &l->slots[(h >> 40) % SLOTS];
}

static struct limit_source *find(struct limit *l, const struct limit_source *like) {
  struct limit_source *s = *slot_of(l, like);
  while (s && !(s->size == like->size && memcmp(s->address, like->address, s->size) == 0))
    s = s->next;
  return s;
}

static void forget(struct limit *l, struct limit_source *s) {
  struct limit_source **at = slot_of(l, s);
  while (*at != s)
    at = &(*at)->next;
  *at = s->next;
  list_remove(&s->quiet);
  l->quiet_count--;
  l->count--;
  mem_free(s);
}

static uint64_t bucket(const struct limit *l) {
  return (uint64_t)l->o.burst * COST;
}

static void refill(struct limit *l, struct limit_source *s, uint64_t now_ms) {
  uint64_t passed = now_ms > s->seen_ms ? (now_ms - s->seen_ms) * l->o.per_second : 0,
           full = bucket(l);
  s->tokens = s->tokens + passed < full ? s->tokens + passed : full;
  s->seen_ms = now_ms;
}

/* Those whose bucket is full again tell nothing; beyond the bound the oldest has to go. */
static void sweep(struct limit *l, uint64_t now_ms) {
  while (!list_empty(&l->quiet)) {
    struct limit_source *oldest = LIST_ITEM(l->quiet.next, struct limit_source, quiet);
    refill(l, oldest, now_ms);
    if (oldest->tokens < bucket(l) && l->quiet_count <= QUIET_MAX)
      return;
    forget(l, oldest);
  }
}

static struct limit_source *add(struct limit *l, const struct limit_source *like, uint64_t now_ms) {
  sweep(l, now_ms);
  struct limit_source *s = mem_zalloc(sizeof *s), **slot = slot_of(l, like);
  if (!s)
    return NULL;
  *s = *like;
  list_init(&s->quiet);
  list_move_last(&s->quiet, &l->quiet);
  s->tokens = bucket(l);
  s->seen_ms = now_ms;
  s->next = *slot;
  *slot = s;
  l->quiet_count++;
  l->count++;
  return s;
}

static enum limit_verdict judge(struct limit *l, struct limit_source *s, uint64_t now_ms) {
  if (l->o.per_source && s->connections >= l->o.per_source)
    return LIMIT_COUNT;
  if (!l->o.per_second)
    return LIMIT_OK;
  refill(l, s, now_ms);
  if (s->tokens < COST)
    return LIMIT_RATE;
  s->tokens -= COST;
  return LIMIT_OK;
}

static enum limit_verdict take(struct limit *l, const struct limit_source *like, uint64_t now_ms,
                               struct limit_source **source) {
  struct limit_source *s = find(l, like);
  if (!s && !(s = add(l, like, now_ms)))
    return LIMIT_OK;
  enum limit_verdict v = judge(l, s, now_ms);
  if (v != LIMIT_OK)
    return v;
  if (s->connections++ == 0) {
    list_remove(&s->quiet);
    l->quiet_count--;
  }
  *source = s;
  return LIMIT_OK;
}

enum limit_verdict limit_take(struct limit *l, const struct net_address *from, uint64_t now_ms,
                              struct limit_source **source) {
  struct limit_source like = { 0 };
  *source = NULL;
  if ((!l->o.per_source && !l->o.per_second) || !address_of(from, &like))
    return LIMIT_OK;
  pthread_mutex_lock(&l->lock);
  enum limit_verdict v = take(l, &like, now_ms, source);
  pthread_mutex_unlock(&l->lock);
  return v;
}

void limit_give(struct limit *l, struct limit_source *source) {
  if (!source)
    return;
  pthread_mutex_lock(&l->lock);
  if (--source->connections == 0) {
    list_move_last(&source->quiet, &l->quiet);
    l->quiet_count++;
  }
  pthread_mutex_unlock(&l->lock);
}

size_t limit_known(struct limit *l) {
  pthread_mutex_lock(&l->lock);
  size_t n = l->count;
  pthread_mutex_unlock(&l->lock);
  return n;
}
