/*
 * What was validated: a table of fixed size, sets of a few entries found by the token's SHA-256.
 *
 * Digests need no comparison in constant time: they are hashes of what the caller sent, so time
 * tells nothing that would bring the caller nearer to another's token. Only valid tokens get in, so
 * nobody without one can push others out.
 */
#include "identity/internal.h"

#define SETS 1024 /* a power of two */
#define WAYS 4

struct token_entry {
  uint8_t digest[SHA256_SIZE];
  uint64_t generation; /* 0: free */
  struct token_facts facts;
};

struct token_set {
  pthread_mutex_t lock;
  unsigned next; /* the way to give up when all are in use */
  struct token_entry ways[WAYS];
};

struct token_cache {
  struct token_set sets[SETS];
};

err_t token_cache_new(struct token_cache **out) {
  struct token_cache *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  for (size_t i = 0; i < SETS; i++)
    pthread_mutex_init(&c->sets[i].lock, NULL);
  *out = c;
  return OK;
}

void token_cache_free(struct token_cache *c) {
  for (size_t i = 0; i < SETS; i++)
    pthread_mutex_destroy(&c->sets[i].lock);
  mem_free(c);
}

static struct token_set *set_of(struct token_cache *c, const uint8_t *digest) {
  return &c->sets[(digest[0] | digest[1] << 8) & (SETS - 1)];
}

static bool is(const struct token_entry *e, const uint8_t *digest) {
  return e->generation && digest_equal(e->digest, digest);
}

bool token_cache_find(struct token_cache *c, const uint8_t digest[static SHA256_SIZE],
                      uint64_t generation, struct token_facts *out) {
  struct token_set *set = set_of(c, digest);
  MUTEX_LOCKED(&set->lock);
  for (size_t i = 0; i < WAYS; i++) {
    const struct token_entry *e = &set->ways[i];
    if (!is(e, digest))
      continue;
    if (e->generation != generation)
      return false;
    *out = e->facts;
    return true;
  }
  return false;
}

/* The entry of this token, else one that is worth nothing, else each in turn. */
static struct token_entry *way_for(struct token_set *set, const uint8_t *digest,
                                   uint64_t generation) {
  for (size_t i = 0; i < WAYS; i++)
    if (is(&set->ways[i], digest))
      return &set->ways[i];
  for (size_t i = 0; i < WAYS; i++)
    if (set->ways[i].generation != generation)
      return &set->ways[i];
  return &set->ways[set->next++ % WAYS];
}

void token_cache_put(struct token_cache *c, const uint8_t digest[static SHA256_SIZE],
                     uint64_t generation, const struct token_facts *facts) {
  struct token_set *set = set_of(c, digest);
  MUTEX_LOCKED(&set->lock);
  struct token_entry *e = way_for(set, digest, generation);
  memcpy(e->digest, digest, SHA256_SIZE);
  e->generation = generation;
  e->facts = *facts;
}
