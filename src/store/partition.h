/*
 * Parts of the store, each with a master key of its own. The main part is the store itself: its
 * places have no prefix and its keys are the store's. Any other part is one vault's: its places
 * begin with "v/<guid>/", and its bodies are sealed once more under a key derived from the part's
 * master key.
 *
 *   key  = HMAC-SHA-256(HKDF(master, "strongroom partition: records"), full place)
 *   body = format (1 byte) || AES-256-GCM(key, nonce, aad = full place, body)
 *
 * Without the master key a part's records say no more than their places; where the master key is
 * kept is its maker's business, and forgetting it makes the part unreadable at once. Any thread,
 * once made.
 */
#ifndef STORE_PARTITION_H
#define STORE_PARTITION_H

#include "base/codec.h"
#include "store/store.h"

#define PARTITION_MASTER_SIZE 32
#define PARTITION_PREFIX_SIZE (2 + GUID_SIZE + 1) /* "v/<guid>/" */

struct partition {
  struct store *store;
  char prefix[PARTITION_PREFIX_SIZE + 1]; /* "": the main part */
  struct secret master, seal;
};

/* The store's main part. */
void partition_main(struct store *s, struct partition *out);
/* The part of that GUID; takes the master key over. */
err_t partition_open(struct store *s, const char *guid, struct secret *master,
                     struct partition *out);
void partition_close(struct partition *p); /* forgets the master key */

/* What store_commit() and store_derive() do, within the part. */
err_t partition_commit(struct partition *p, const struct store_write *writes, size_t count);
err_t partition_derive(struct partition *p, const char *purpose, size_t size, struct secret *out);

/* The full place, for a write that concerns several parts: of removals only, as the bodies of parts
 * are sealed. ERR_INTERNAL when it is too long. */
err_t partition_place(const struct partition *p, const char *place,
                      char out[static STORE_PLACE_MAX + 1]);

/* Whether a full place is in a part other than the main one; its GUID and the place within. */
bool partition_of(struct bytes full, char guid[static GUID_SIZE + 1], struct bytes *place);
/* Opens a body of this part, which store_load() gave, into plain, which is cleared before.
 * ERR_CORRUPT when it was not sealed for this place in this part. */
err_t partition_read(struct partition *p, struct bytes full, struct bytes body, struct buf *plain);

#endif
