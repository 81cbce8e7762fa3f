/*
 * Backup and restore of one key with all its versions. The blob is sealed under a key derived from
 * the vault's master key: only a vault with that master key opens it, and the private parts in it
 * stay sealed as they are in the store.
 *
 * Blob: magic || seal(pack(format, folded name, key record, count, count x (version id, version
 * record))).
 */
#include "base/pack.h"
#include "vault/internal.h"

#define BACKUP_FORMAT 1
static const char magic[] = "StrongroomKeyBackupV1";
#define MAGIC_SIZE (sizeof magic - 1)

static void put_versions(const struct key_entry *e, struct buf *out) {
  pack_u32(out, (uint32_t)e->count);
  for (size_t i = 0; i < e->count; i++) {
    AUTO_BUF record = BUF_EMPTY;
    record_put_version(e->versions[i], &record);
    pack_str(out, e->versions[i]->id);
    pack_bytes(out, buf_bytes(&record));
    out->failed = out->failed || record.failed;
  }
}

err_t keys_backup(struct vault *v, const char *name, struct buf *blob) {
  char folded[KEY_NAME_MAX + 1];
  struct key_entry *e;
  AUTO_BUF plain = BUF_EMPTY, head = BUF_EMPTY;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, name, folded, &e));
  record_put_key(e, &head);
  pack_u8(&plain, BACKUP_FORMAT);
  pack_str(&plain, folded);
  pack_bytes(&plain, buf_bytes(&head));
  put_versions(e, &plain);
  TRY(buf_ok(&head));
  TRY(buf_ok(&plain));
  buf_put(blob, magic, MAGIC_SIZE);
  TRY(crypto_seal(secret_bytes(&v->backup_key), bytes_of(magic, MAGIC_SIZE), buf_bytes(&plain),
                  blob));
  if (blob->size > KEY_BACKUP_MAX) /* versions of before tags were bounded */
    REFUSE(ERR_BAD_PARAMETER, "Key %s has more tags and release policies than can be restored.",
           name);
  return OK;
}

static err_t read_versions(struct unpack *u, struct key_entry *e) {
  uint32_t count = unpack_u32(u);
  if (count == 0 || count > KEY_VERSIONS_MAX)
    return ERR_BACKUP_BLOB;
  for (uint32_t i = 0; i < count; i++) {
    char id[KEY_VERSION_SIZE + 1];
    unpack_str(u, id, sizeof id);
    struct bytes record = unpack_bytes(u);
    if (u->bad || strlen(id) != KEY_VERSION_SIZE || entry_version(e, id))
      return ERR_BACKUP_BLOB;
    if (!entry_reserve(e))
      return ERR_NOMEM;
    struct key_version *kv = NULL;
    TRY(record_get_version(record, e->folded, id, &kv));
    entry_add(e, kv);
  }
  return OK;
}

static err_t read_blob(struct vault *v, struct bytes blob, struct key_entry **out) {
  AUTO_BUF plain = BUF_EMPTY;
  AUTO(entry) struct key_entry *e = entry_new("");
  if (!e)
    return ERR_NOMEM;
  if (blob.size <= MAGIC_SIZE || memcmp(blob.data, magic, MAGIC_SIZE) != 0 /* not secret */)
    return ERR_BACKUP_BLOB;
  struct bytes sealed = bytes_of(blob.data + MAGIC_SIZE, blob.size - MAGIC_SIZE);
  err_t err =
    crypto_open(secret_bytes(&v->backup_key), bytes_of(magic, MAGIC_SIZE), sealed, &plain);
  if (err != OK)
    return err == ERR_CORRUPT ? ERR_BACKUP_BLOB : err;
  struct unpack u = unpack_of(buf_bytes(&plain));
  char folded[KEY_NAME_MAX + 1];
  if (unpack_u8(&u) != BACKUP_FORMAT)
    return ERR_BACKUP_BLOB;
  unpack_str(&u, folded, sizeof folded);
  TRY(record_get_key(unpack_bytes(&u), e));
  TRY(read_versions(&u, e));
  TRY(unpack_end(&u));
  if (strcmp(folded, e->folded) != 0)
    return ERR_BACKUP_BLOB;
  e->deleted = false;
  e->deleted_at = e->purge_at = 0;
  *out = TAKE(e);
  return OK;
}

static err_t commit_all(struct vault *v, const struct key_entry *e) {
  size_t n = e->count + 1;
  AUTO_FREE char *places = mem_alloc(n * (STORE_PLACE_MAX + 1));
  AUTO_FREE struct store_write *writes = mem_zalloc(n * sizeof *writes);
  AUTO_FREE size_t *ends = mem_zalloc(n * sizeof *ends);
  AUTO_BUF bodies = BUF_EMPTY;
  if (!places || !writes || !ends)
    return ERR_NOMEM;
  for (size_t i = 0; i < n; i++) {
    writes[i].place = places + i * (STORE_PLACE_MAX + 1);
    if (i < e->count) {
      record_version_place(e->folded, e->versions[i]->id, places + i * (STORE_PLACE_MAX + 1));
      record_put_version(e->versions[i], &bodies);
    } else {
      record_key_place(e->folded, places + i * (STORE_PLACE_MAX + 1));
      record_put_key(e, &bodies);
    }
    ends[i] = bodies.size;
  }
  TRY(buf_ok(&bodies));
  for (size_t i = 0, from = 0; i < n; from = ends[i++])
    writes[i].body = bytes_of(bodies.data + from, ends[i] - from);
  return store_commit(v->store, writes, n);
}

/* New versions must come after restored ones. */
static void raise_order(struct vault *v, uint64_t order) {
  uint64_t seen = atomic_load(&v->order);
  while (seen < order && !atomic_compare_exchange_weak(&v->order, &seen, order))
    ;
}

static err_t restore_conflict(const struct key_entry *e, const char *host) {
  REFUSE(
    ERR_CONFLICT,
    "There was a conflict restoring the key 'https://%s/keys/%s/%s'. This can happen if either: a "
    "second key with the same name was created after the first key was deleted; thus trying to "
    "restore a key whose name is already in use. To fix this, rename the second key to something "
    "else so that the restore works. The second probable cause of this exception is when multiple "
    "operations are performed in parallel against the key. To avoid this error, perform operations "
    "against a key in a sequential manner.",
    host, e->name, e->latest->id);
}

err_t keys_restore(struct vault *v, struct bytes blob, const char *host, struct key_version **out) {
  AUTO(entry) struct key_entry *e = NULL;
  err_t err = read_blob(v, blob, &e);
  if (err != OK)
    return err == ERR_NOMEM ? err : ERR_BACKUP_BLOB;
  AUTO_STRIPE stripe = stripe_lock(v, e->folded);
  if (find_active(v, e->folded) || find_deleted(v, e->folded))
    return restore_conflict(e, host);
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(&v->active);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err = commit_all(v, e);
  if (err != OK) {
    pthread_rwlock_wrlock(&v->lock);
    index_unreserve(&v->active);
    pthread_rwlock_unlock(&v->lock);
    return err;
  }
  raise_order(v, e->latest->order);
  atomic_fetch_add(&v->version_count, e->count);
  *out = key_version_ref(e->latest);
  change_publish(v, &v->active, TAKE(e));
  return OK;
}
