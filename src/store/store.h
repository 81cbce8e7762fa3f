/*
 * Durable sealed records behind one small interface (SQLite underneath; the interface shows nothing
 * of it).
 *
 * A record has a place ("key/rsa1", "version/rsa1/0a1b..", "role/..") and a body. On disk it is a
 * row {id, sealed}: the id is a keyed hash of the place, the sealed part is AES-256-GCM of place
 * and body under a key derived from the master key and the id, with the id as associated data.
 * Neither names nor values nor hosts are in the files; a row that was moved, altered or copied from
 * another vault does not open, and one that was removed or put back to an older form is noticed by
 * store_load() (census.h).
 *
 * store_commit() returns after the writes are durable; concurrent callers are committed together.
 * All or none of one call's writes are there afterwards. After an I/O error whose outcome is
 * unknown (failed fsync, damaged page) the store refuses every later commit with ERR_IO until the
 * process is restarted: it never guesses. A full disk refuses one commit and the next may succeed.
 *
 * Any thread may call store_commit() and store_derive(); open, init, unseal, load and close are for
 * one thread at a time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "crypto/crypto.h"
#include "store/root.h"

#define STORE_PLACE_MAX 400               /* characters */
#define STORE_BODY_MAX (16 * 1024 * 1024) /* bytes */

struct store;

/* Opens or makes DIR/vault.db (0600, directory 0700). One process at a time: ERR_CONFLICT with a
 * clear reason otherwise. */
err_t store_open(const char *dir, struct store **out);
void store_close(struct store *s);
CLEANUP(store, struct store *, store_close)

bool store_is_new(const struct store *s);    /* no master key yet */
bool store_is_sealed(const struct store *s); /* master key not in memory */
err_t store_provider(const struct store *s,
                     char out[static 16]); /* the root key provider that it was sealed with */

err_t store_init(struct store *s,
                 struct root *root); /* makes the master key; the store is then unsealed */
err_t store_unseal(struct store *s, struct root *root);
/* Forgets the master key. No commit may be under way. */
void store_seal(struct store *s);
/* Wraps the master key under another root key; the old one stops opening the store. Needs it
 * unsealed. */
err_t store_rewrap(struct store *s, struct root *root);

/* A key for a purpose outside the store (audit log, backup blobs), derived from the master key. */
err_t store_derive(struct store *s, const char *purpose, size_t size, struct secret *out);

/* Calls each for every record, in no order; the views are valid during the call. Stops at the first
 * error, which it returns. ERR_CORRUPT at the end if these are not the records that were written.
 * No commits meanwhile, nor in each(). */
typedef err_t store_each(void *ctx, struct bytes place, struct bytes body);
err_t store_load(struct store *s, store_each *each, void *ctx);

struct store_write {
  const char *place;
  struct bytes body; /* data == NULL removes the record */
};
err_t store_commit(struct store *s, const struct store_write *writes, size_t count);

#endif
