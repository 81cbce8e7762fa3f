/*
 * Records: XAES-256-GCM under a key that is derived from the set's data key. The cipher is kept,
 * for its key schedule, but used only while the cache gives the data key, too: when that is refused
 * the cipher is wiped.
 */
#include "seal/xaes.h"

#include "lib/lib.h"

#include <pthread.h>

#define RECORDS_MAGIC 0x53525243u
#define RECORDS_LABEL "strongroom records v1"
_Static_assert(SR_RECORD_OVERHEAD == XAES_OVERHEAD, "as the header says");

struct sr_records {
  uint32_t magic;
  struct sr_vault *vault;
  struct wrapped wrapped;
  pthread_rwlock_t lock; /* of cipher */
  struct xaes *cipher;   /* NULL: not yet, or not any more */
};

void sr_records_close(struct sr_records *records) {
  if (!records || vault_check(records->vault) != OK)
    return;
  if (records->cipher)
    xaes_free(records->cipher);
  pthread_rwlock_destroy(&records->lock);
  mem_free(records);
}
CLEANUP(sr_records, struct sr_records *, sr_records_close)

static err_t derive(const struct data_key *k, struct xaes **out) {
  AUTO_SECRET key = { 0 };
  TRY(crypto_hkdf(secret_bytes(&k->key), RECORDS_LABEL, DATA_KEY_SIZE, &key));
  return xaes_new(secret_bytes(&key), out);
}

static err_t restore(struct sr_records *r, const struct data_key *k) {
  pthread_rwlock_wrlock(&r->lock);
  err_t e = r->cipher ? OK : derive(k, &r->cipher);
  pthread_rwlock_unlock(&r->lock);
  return e;
}

static void forget(struct sr_records *r) {
  pthread_rwlock_wrlock(&r->lock);
  if (r->cipher)
    xaes_free(TAKE(r->cipher));
  pthread_rwlock_unlock(&r->lock);
}

/* The lock is held for reading, with a cipher, when this is OK. */
static err_t enter(struct sr_records *records) {
  AUTO(data_key) struct data_key *k = NULL;
  NEED(records);
  if (records->magic != RECORDS_MAGIC)
    FAIL(ERR_USAGE, "this is no struct sr_records");
  TRY(vault_check(records->vault));
  err_t e = key_cache_for_opening(records->vault->keys, &records->wrapped, &k);
  if (e != OK) {
    forget(records);
    return e;
  }
  for (;;) {
    pthread_rwlock_rdlock(&records->lock);
    if (records->cipher)
      return OK;
    pthread_rwlock_unlock(&records->lock);
    TRY(restore(records, k));
  }
}

static err_t make(struct sr_vault *v, const struct wrapped *w, struct sr_records **out) {
  AUTO(sr_records) struct sr_records *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  r->magic = RECORDS_MAGIC;
  r->vault = v;
  r->wrapped = *w;
  pthread_rwlock_init(&r->lock, NULL);
  TRY(enter(r));
  pthread_rwlock_unlock(&r->lock);
  *out = TAKE(r);
  return OK;
}

/* A set has a data key of its own, not the cache's present one for sealing: else two sets of one
 * minute would take each other's records. */
static err_t new_set(struct sr_vault *v, const char *key, struct sr_wrapped *wrapped,
                     struct sr_records **out) {
  AUTO_SECRET data_key = { 0 };
  struct wrapped w;
  TRY(vault_check(v));
  NEED(key);
  NEED(wrapped);
  NEED(out);
  TRY(secret_random(DATA_KEY_SIZE, &data_key));
  TRY(v->service.wrap(v->service.ctx, key, secret_bytes(&data_key), &w));
  TRY(make(v, &w, out));
  wrapped_to_public(&w, wrapped);
  return OK;
}

enum sr_status sr_records_new(struct sr_vault *vault, const char *key, struct sr_wrapped *wrapped,
                              struct sr_records **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  if (wrapped)
    *wrapped = (struct sr_wrapped){ 0 };
  return told(new_set(vault, key, wrapped, out), error);
}

static err_t open_set(struct sr_vault *v, const struct sr_wrapped *wrapped,
                      struct sr_records **out) {
  struct wrapped w;
  TRY(vault_check(v));
  TRY(wrapped_from_public(wrapped, &w));
  NEED(out);
  return make(v, &w, out);
}

enum sr_status sr_records_open(struct sr_vault *vault, const struct sr_wrapped *wrapped,
                               struct sr_records **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(open_set(vault, wrapped, out), error);
}

/* One of the two directions: xaes_seal() or xaes_open(). */
typedef err_t xaes_fn(const struct xaes *x, struct bytes aad, struct bytes in, struct buf *out);

static err_t run(struct sr_records *r, xaes_fn *work, struct bytes place, struct bytes in,
                 struct sr_bytes *out) {
  AUTO_BUF b = BUF_EMPTY;
  NEED(out);
  TRY(given("place", place.data, place.size, &place));
  TRY(given("what is sealed or opened", in.data, in.size, &in));
  TRY(put_start(&b));
  TRY(enter(r));
  err_t e = work(r->cipher, place, in, &b);
  pthread_rwlock_unlock(&r->lock);
  TRY(e);
  return put_done(&b, out);
}

enum sr_status sr_record_seal(struct sr_records *records, const void *place, size_t place_size,
                              const void *plain, size_t plain_size, struct sr_bytes *sealed,
                              struct sr_error *error) {
  if (sealed)
    *sealed = (struct sr_bytes){ 0 };
  return told(
    run(records, xaes_seal, bytes_of(place, place_size), bytes_of(plain, plain_size), sealed),
    error);
}

enum sr_status sr_record_open(struct sr_records *records, const void *place, size_t place_size,
                              const void *sealed, size_t sealed_size, struct sr_bytes *plain,
                              struct sr_error *error) {
  if (plain)
    *plain = (struct sr_bytes){ 0 };
  return told(
    run(records, xaes_open, bytes_of(place, place_size), bytes_of(sealed, sealed_size), plain),
    error);
}
