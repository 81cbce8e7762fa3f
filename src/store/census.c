#include "store/census.h"

#include "base/pack.h"

#define SALT_SIZE 32
static const char aad[] = "strongroom census 1";

static err_t turn(const struct record_keys *k, struct bytes id, struct bytes sealed,
                  struct census *c) {
  uint8_t element[SHA256_SIZE];
  AUTO_BUF both = BUF_EMPTY;
  buf_put_bytes(&both, id);
  buf_put_bytes(&both, sealed);
  TRY(buf_ok(&both));
  TRY(crypto_hmac_sha256(secret_bytes(&k->census), buf_bytes(&both), element));
  for (size_t i = 0; i < sizeof element; i++)
    c->sum[i] ^= element[i];
  return OK;
}

err_t census_add(const struct record_keys *k, struct bytes id, struct bytes sealed,
                 struct census *c) {
  TRY(turn(k, id, sealed, c));
  c->count++;
  return OK;
}

err_t census_remove(const struct record_keys *k, struct bytes id, struct bytes sealed,
                    struct census *c) {
  TRY(turn(k, id, sealed, c));
  c->count--;
  return OK;
}

bool census_equal(const struct census *a, const struct census *b) {
  return a->count == b->count &&
         crypto_equal(bytes_of(a->sum, sizeof a->sum), bytes_of(b->sum, sizeof b->sum));
}

/* A key for each state: however often it changes, no key seals many messages. */
static err_t key_of(const struct record_keys *k, struct bytes salt, struct secret *out) {
  AUTO_SECRET key = { 0 };
  TRY(secret_new(SHA256_SIZE, &key));
  TRY(crypto_hmac_sha256(secret_bytes(&k->census), salt, key.data));
  *out = secret_take(&key);
  return OK;
}

err_t census_seal(const struct record_keys *k, const struct census *c, struct buf *out) {
  uint8_t salt[SALT_SIZE];
  AUTO_SECRET key = { 0 };
  AUTO_BUF plain = BUF_EMPTY;
  TRY(crypto_random(salt, sizeof salt));
  TRY(key_of(k, bytes_of(salt, sizeof salt), &key));
  pack_u64(&plain, c->count);
  buf_put(&plain, c->sum, sizeof c->sum);
  TRY(buf_ok(&plain));
  buf_put(out, salt, sizeof salt);
  return crypto_seal(secret_bytes(&key), bytes_str(aad), buf_bytes(&plain), out);
}

err_t census_open(const struct record_keys *k, struct bytes sealed, struct census *out) {
  AUTO_SECRET key = { 0 };
  AUTO_BUF plain = BUF_EMPTY;
  if (sealed.size < SALT_SIZE)
    FAIL(ERR_CORRUPT, "vault.db has no census of its records: restore the database from a backup");
  TRY(key_of(k, bytes_of(sealed.data, SALT_SIZE), &key));
  TRY(crypto_open(secret_bytes(&key), bytes_str(aad),
                  bytes_of(sealed.data + SALT_SIZE, sealed.size - SALT_SIZE), &plain));
  if (plain.size != sizeof(uint64_t) + sizeof out->sum)
    FAIL(ERR_CORRUPT, "the census of the records has %zu bytes", plain.size);
  struct unpack u = unpack_of(buf_bytes(&plain));
  out->count = unpack_u64(&u);
  memcpy(out->sum, u.rest.data, sizeof out->sum);
  return OK;
}
