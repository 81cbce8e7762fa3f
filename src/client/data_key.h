/*
 * Data keys (DEKs) and their cache. A data key is 32 random bytes that seal many payloads (each
 * derives a key of its own from it, by a salt); it is wrapped by a key of the vault once and kept
 * in locked memory for a lifetime.
 *
 * Within the lifetime a vault that is away stops nobody. From half of it on the vault is asked
 * again when the key is used: if it is away (no answer, busy, sealed) the key serves on, up to the
 * lifetime's end, and the vault is asked again a sixteenth of the lifetime later, at most half a
 * minute; if it says no (key disabled or deleted, role revoked) the key is forgotten at once. So a
 * revoked key stops working within the lifetime at the latest, and an outage of half of it goes
 * unnoticed. A fresh key for sealing is kept for opening, too: what a program sealed it can read
 * again.
 *
 * Any thread; calls for one and the same key wait for each other's request, others do not.
 */
#ifndef CLIENT_DATA_KEY_H
#define CLIENT_DATA_KEY_H

#include "client/use.h"

/* Who wraps and unwraps: the vault, or a test. */
struct key_service {
  void *ctx;
  err_t (*wrap)(void *ctx, const char *key, struct bytes plain, struct wrapped *out);
  err_t (*unwrap)(void *ctx, const struct wrapped *w, struct secret *out);
  /* The same for a key that is still good and is only looked after: one quick try. NULL: as above.
   */
  err_t (*wrap_again)(void *ctx, const char *key, struct bytes plain, struct wrapped *out);
  err_t (*unwrap_again)(void *ctx, const struct wrapped *w, struct secret *out);
  const char
    *url; /* where its requests go, for people and to tell another vault; NULL: not known */
};
struct key_service client_key_service(struct client *c); /* c must outlive its users */

#define DATA_KEY_SIZE 32
/* Immutable and counted. */
struct data_key {
  struct secret key;
  struct wrapped wrapped;
};
void data_key_release(struct data_key *k);
CLEANUP(data_key, struct data_key *, data_key_release)

struct key_cache_options {
  unsigned lifetime_s; /* 0: DATA_KEY_LIFETIME_S */
  size_t max;          /* data keys that are kept; 0: 1,000. The one unused longest goes first */
};
#define DATA_KEY_LIFETIME_S 300
struct key_cache;
err_t key_cache_new(const struct key_service *s, const struct key_cache_options *o,
                    struct key_cache **out);
void key_cache_free(struct key_cache *c);
CLEANUP(key_cache, struct key_cache *, key_cache_free)

/* The data key that is to be used now for sealing under key; made and wrapped when there is none.
 */
err_t key_cache_for_sealing(struct key_cache *c, const char *key, struct data_key **out);
/* The one that w holds. ERR_DAMAGED when what comes out has not DATA_KEY_SIZE bytes. */
err_t key_cache_for_opening(struct key_cache *c, const struct wrapped *w, struct data_key **out);

#endif
