#include "store/record.h"

#include "base/pack.h"

#define FORMAT 1
#define AAD_SIZE (RECORD_ID_SIZE + 1)

err_t record_keys_derive(struct bytes master, struct record_keys *out) {
  AUTO_RECORD_KEYS k = { 0 };
  TRY(crypto_hkdf(master, "strongroom store: names", SHA256_SIZE, &k.name));
  TRY(crypto_hkdf(master, "strongroom store: records", SHA256_SIZE, &k.seal));
  TRY(crypto_hkdf(master, "strongroom store: census", SHA256_SIZE, &k.census));
  *out = (struct record_keys){ secret_take(&k.name), secret_take(&k.seal), secret_take(&k.census) };
  return OK;
}

void record_keys_free(struct record_keys *k) {
  secret_free(&k->name);
  secret_free(&k->seal);
  secret_free(&k->census);
}

err_t record_id(const struct record_keys *k, struct bytes place,
                uint8_t id[static RECORD_ID_SIZE]) {
  return crypto_hmac_sha256(secret_bytes(&k->name), place, id);
}

static err_t record_key(const struct record_keys *k, struct bytes id, struct secret *out) {
  AUTO_SECRET key = { 0 };
  TRY(secret_new(SHA256_SIZE, &key));
  TRY(crypto_hmac_sha256(secret_bytes(&k->seal), id, key.data));
  *out = secret_take(&key);
  return OK;
}

static void put_aad(uint8_t aad[static AAD_SIZE], const uint8_t *id, uint8_t format) {
  memcpy(aad, id, RECORD_ID_SIZE);
  aad[RECORD_ID_SIZE] = format;
}

err_t record_seal(const struct record_keys *k, const uint8_t id[static RECORD_ID_SIZE],
                  struct bytes place, struct bytes body, struct buf *out) {
  AUTO_SECRET key = { 0 };
  TRY(record_key(k, bytes_of(id, RECORD_ID_SIZE), &key));
  AUTO_BUF plain = BUF_EMPTY;
  pack_bytes(&plain, place);
  pack_bytes(&plain, body);
  TRY(buf_ok(&plain));
  uint8_t aad[AAD_SIZE];
  put_aad(aad, id, FORMAT);
  pack_u8(out, FORMAT);
  TRY(buf_ok(out));
  return crypto_seal(secret_bytes(&key), bytes_of(aad, sizeof aad), buf_bytes(&plain), out);
}

err_t record_open(const struct record_keys *k, struct bytes id, struct bytes sealed,
                  struct buf *plain, struct bytes *place, struct bytes *body) {
  if (id.size != RECORD_ID_SIZE || sealed.size == 0)
    FAIL(ERR_CORRUPT, "a record has an id of %zu bytes and %zu sealed ones", id.size, sealed.size);
  if (sealed.data[0] != FORMAT)
    FAIL(ERR_CORRUPT, "a record has the unknown format %u", sealed.data[0]);
  AUTO_SECRET key = { 0 };
  TRY(record_key(k, id, &key));
  uint8_t aad[AAD_SIZE], expected[RECORD_ID_SIZE];
  put_aad(aad, id.data, FORMAT);
  buf_clear(plain);
  TRY(crypto_open(secret_bytes(&key), bytes_of(aad, sizeof aad),
                  bytes_of(sealed.data + 1, sealed.size - 1), plain));
  struct unpack u = unpack_of(buf_bytes(plain));
  *place = unpack_bytes(&u);
  *body = unpack_bytes(&u);
  TRY(unpack_end(&u));
  TRY(record_id(k, *place, expected));
  if (!crypto_equal(id, bytes_of(expected, sizeof expected)))
    FAIL(ERR_CORRUPT, "a record does not belong to the place that it names");
  return OK;
}
