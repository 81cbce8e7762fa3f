/*
 * The census: how many records the store holds and which, in one sealed value that is written in
 * the transaction of every change. With it, a record that was removed from the database or put back
 * to an older form of its own is noticed when the records are loaded; by itself such a record is
 * good.
 *
 *   element = HMAC-SHA-256(census key, id || sealed record)
 *   census  = salt (32 bytes) || AES-256-GCM(HMAC-SHA-256(census key, salt), number, XOR of all
 * elements)
 *
 * The XOR changes by two elements whatever the size of the store. It is a sound hash of a set only
 * as long as nobody sees it (Clarke et al., ASIACRYPT 2003), so it is sealed. Putting the whole
 * database back to an older state goes unnoticed. One thread at a time.
 */
#ifndef STORE_CENSUS_H
#define STORE_CENSUS_H

#include "store/record.h"

struct census {
  uint64_t count;
  uint8_t sum[SHA256_SIZE];
};

/* One record appears or disappears. */
err_t census_add(const struct record_keys *k, struct bytes id, struct bytes sealed,
                 struct census *c);
err_t census_remove(const struct record_keys *k, struct bytes id, struct bytes sealed,
                    struct census *c);
bool census_equal(const struct census *a, const struct census *b);

err_t census_seal(const struct record_keys *k, const struct census *c, struct buf *out);
err_t census_open(const struct record_keys *k, struct bytes sealed, struct census *out);

#endif
