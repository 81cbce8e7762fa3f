/*
 * Backup and restore of one object with all its versions. The blob is sealed under a key derived
 * from the vault's master key: only a vault with that master key opens it, and what is secret in it
 * stays sealed as it is in the store.
 *
 * Blob: magic of the kind || seal(pack(format, folded name, head record, count, count x (version
 * id, version record))).
 */
#include "vault/kind.h"

#include <stdio.h>

#define BACKUP_FORMAT 1

static void put_versions(const struct entry *e, struct buf *out) {
  pack_u32(out, (uint32_t)e->count);
  for (size_t i = 0; i < e->count; i++) {
    AUTO_BUF record = BUF_EMPTY;
    record_put_version(e->versions[i], &record);
    pack_str(out, e->versions[i]->id);
    pack_bytes(out, buf_bytes(&record));
    out->failed = out->failed || record.failed;
  }
}

err_t object_backup(struct vault *v, enum kind_id kind, const char *name, struct buf *blob) {
  const struct shelf *s = &v->shelves[kind];
  struct bytes magic = bytes_str(s->kind->backup_magic);
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO_BUF plain = BUF_EMPTY, head = BUF_EMPTY;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, kind, name, folded, &e));
  record_put_head(kind, e, &head);
  pack_u8(&plain, BACKUP_FORMAT);
  pack_str(&plain, folded);
  pack_bytes(&plain, buf_bytes(&head));
  put_versions(e, &plain);
  TRY(buf_ok(&head));
  TRY(buf_ok(&plain));
  buf_put_bytes(blob, magic);
  TRY(crypto_seal(secret_bytes(&s->backup_key), magic, buf_bytes(&plain), blob));
  if (blob->size > s->kind->backup_max)
    REFUSE(ERR_BAD_PARAMETER, "%s %s has more in its versions than can be restored.", s->kind->noun,
           name);
  return OK;
}

static err_t read_versions(struct unpack *u, enum kind_id kind, struct entry *e) {
  uint32_t count = unpack_u32(u);
  if (count == 0 || count > OBJECT_VERSIONS_MAX)
    return ERR_BACKUP_BLOB;
  for (uint32_t i = 0; i < count; i++) {
    char id[OBJECT_VERSION_SIZE + 1];
    unpack_str(u, id, sizeof id);
    struct bytes record = unpack_bytes(u);
    if (u->bad || strlen(id) != OBJECT_VERSION_SIZE || entry_version(e, id))
      return ERR_BACKUP_BLOB;
    if (!entry_reserve(e))
      return ERR_NOMEM;
    struct version *version = NULL;
    TRY(record_get_version(kind, record, e->folded, id, &version));
    entry_add(e, version);
  }
  return OK;
}

static err_t read_blob(struct vault *v, enum kind_id kind, struct bytes blob, struct entry **out) {
  const struct shelf *s = &v->shelves[kind];
  struct bytes magic = bytes_str(s->kind->backup_magic);
  AUTO_BUF plain = BUF_EMPTY;
  AUTO(entry) struct entry *e = entry_new(kind, "");
  if (!e)
    return ERR_NOMEM;
  if (!bytes_starts(blob, s->kind->backup_magic))
    return ERR_BACKUP_BLOB;
  struct bytes sealed = bytes_of(blob.data + magic.size, blob.size - magic.size);
  err_t err = crypto_open(secret_bytes(&s->backup_key), magic, sealed, &plain);
  if (err != OK)
    return err == ERR_CORRUPT ? ERR_BACKUP_BLOB : err;
  struct unpack u = unpack_of(buf_bytes(&plain));
  char folded[OBJECT_NAME_MAX + 1];
  if (unpack_u8(&u) != BACKUP_FORMAT)
    return ERR_BACKUP_BLOB;
  unpack_str(&u, folded, sizeof folded);
  TRY(record_get_head(kind, unpack_bytes(&u), e));
  TRY(read_versions(&u, kind, e));
  TRY(unpack_end(&u));
  if (strcmp(folded, e->folded) != 0)
    return ERR_BACKUP_BLOB;
  e->deleted = false;
  e->deleted_at = e->purge_at = 0;
  *out = TAKE(e);
  return OK;
}

static err_t commit_all(struct vault *v, enum kind_id kind, const struct entry *e) {
  size_t n = e->count + 1;
  AUTO_FREE char *places = mem_alloc(n * (STORE_PLACE_MAX + 1));
  AUTO_FREE struct store_write *writes = mem_zalloc(n * sizeof *writes);
  AUTO_FREE size_t *ends = mem_zalloc(n * sizeof *ends);
  AUTO_BUF bodies = BUF_EMPTY;
  if (!places || !writes || !ends)
    return ERR_NOMEM;
  for (size_t i = 0; i < n; i++) {
    char *place = places + i * (STORE_PLACE_MAX + 1);
    writes[i].place = place;
    if (i < e->count) {
      record_version_place(kind, e->folded, e->versions[i]->id, place);
      record_put_version(e->versions[i], &bodies);
    } else {
      record_head_place(kind, e->folded, place);
      record_put_head(kind, e, &bodies);
    }
    ends[i] = bodies.size;
  }
  TRY(buf_ok(&bodies));
  for (size_t i = 0, from = 0; i < n; from = ends[i++])
    writes[i].body = bytes_of(bodies.data + from, ends[i] - from);
  return vault_commit(v, writes, n);
}

/* New versions must come after restored ones. */
static void raise_order(struct vault *v, uint64_t order) {
  uint64_t seen = atomic_load(&v->order);
  while (seen < order && !atomic_compare_exchange_weak(&v->order, &seen, order))
    ;
}

static err_t restore_conflict(const struct kind *k, const struct entry *e, const char *host) {
  char noun[16];
  snprintf(noun, sizeof noun, "%c%s", k->noun[0] | 32, k->noun + 1);
  REFUSE(
    ERR_CONFLICT,
    "There was a conflict restoring the %s 'https://%s/%s/%s/%s'. This can happen if either: a "
    "second %s with the same name was created after the first %s was deleted; thus trying to "
    "restore a %s whose name is already in use. To fix this, rename the second %s to something "
    "else so that the restore works. The second probable cause of this exception is when multiple "
    "operations are performed in parallel against the %s. To avoid this error, perform operations "
    "against a %s in a sequential manner.",
    noun, host, k->collection, e->name, e->latest->id, noun, noun, noun, noun, noun, noun);
}

err_t object_restore(struct vault *v, enum kind_id kind, struct bytes blob, const char *host,
                     struct version **out) {
  struct shelf *s = &v->shelves[kind];
  AUTO(entry) struct entry *e = NULL;
  err_t err = read_blob(v, kind, blob, &e);
  if (err != OK)
    return err == ERR_NOMEM ? err : ERR_BACKUP_BLOB;
  AUTO_STRIPE stripe = stripe_lock(v, e->folded);
  if (find_active(v, kind, e->folded) || find_deleted(v, kind, e->folded))
    return restore_conflict(s->kind, e, host);
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(&s->active);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err = commit_all(v, kind, e);
  if (err != OK) {
    pthread_rwlock_wrlock(&v->lock);
    index_unreserve(&s->active);
    pthread_rwlock_unlock(&v->lock);
    return err;
  }
  raise_order(v, e->latest->order);
  atomic_fetch_add(&s->version_count, e->count);
  *out = version_ref(e->latest);
  change_publish(v, &s->active, TAKE(e));
  return OK;
}
