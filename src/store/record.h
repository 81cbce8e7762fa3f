/*
 * A record's sealed form.
 *
 *   id     = HMAC-SHA-256(name key, place)
 *   key    = HMAC-SHA-256(seal key, id)
 *   sealed = format (1 byte) || AES-256-GCM(key, nonce, aad = id || format, place and body packed)
 *
 * The keys are derived from the master key. The record's key comes from its id because a record
 * is read before its place is known; the place that it holds is then checked against the id. A key
 * of its own for each record keeps the number of messages under one key far below what GCM with
 * random nonces allows. Any thread.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "crypto/crypto.h"

#define RECORD_ID_SIZE SHA256_SIZE

struct record_keys {
  struct secret name, seal, census;
};
err_t record_keys_derive(struct bytes master, struct record_keys *out);
void record_keys_free(struct record_keys *k);
#define AUTO_RECORD_KEYS __attribute__((cleanup(record_keys_free))) struct record_keys

err_t record_id(const struct record_keys *k, struct bytes place, uint8_t id[static RECORD_ID_SIZE]);

/* What record_seal() appends at most. */
static inline size_t record_sealed_size(struct bytes place, struct bytes body) {
  return 1 + SEAL_OVERHEAD + 2 * sizeof(uint32_t) + place.size + body.size;
}
err_t record_seal(const struct record_keys *k, const uint8_t id[static RECORD_ID_SIZE],
                  struct bytes place, struct bytes body, struct buf *out);

/* Opens into plain, which is cleared before; place and body are views of it. ERR_CORRUPT when this
 * is not what was sealed for this id. */
err_t record_open(const struct record_keys *k, struct bytes id, struct bytes sealed,
                  struct buf *plain, struct bytes *place, struct bytes *body);

#endif
