/*
 * Backup and restore of one object with all its versions. The blob is sealed under a key derived
 * from the vault's master key: only a vault with that master key opens it, and what is secret in it
 * stays sealed as it is in the store.
 *
 * Blob: magic of the kind || seal(pack(format, folded name, part, parts of what it carries)).
 * Part: head record, count, count x (version id, version record); of what is carried after its
 * kind.
 */
#include "vault/kind.h"

#include <stdio.h>

#define BACKUP_FORMAT 1

static void put_part(const struct entry *e, struct buf *out) {
  AUTO_BUF head = BUF_EMPTY;
  record_put_head(e->kind->id, e, &head);
  pack_bytes(out, buf_bytes(&head));
  pack_u32(out, (uint32_t)e->count);
  out->failed = out->failed || head.failed;
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
  struct group g;
  AUTO_BUF plain = BUF_EMPTY;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, kind, name, folded, &e));
  TRY(change_managed(e->latest, "backup"));
  group_of(v, e, &g);
  pack_u8(&plain, BACKUP_FORMAT);
  pack_str(&plain, folded);
  for (size_t i = 0; i < g.count; i++) {
    if (i)
      pack_u8(&plain, (uint8_t)g.entries[i]->kind->id);
    put_part(g.entries[i], &plain);
  }
  TRY(buf_ok(&plain));
  buf_put_bytes(blob, magic);
  TRY(crypto_seal(secret_bytes(&s->backup_key), magic, buf_bytes(&plain), blob));
  if (blob->size > s->kind->backup_max)
    REFUSE(ERR_BAD_PARAMETER, "%s %s has more in its versions than can be restored.", s->kind->noun,
           name);
  return OK;
}

static err_t read_versions(struct unpack *u, struct entry *e) {
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
    TRY(record_get_version(e->kind->id, record, e->folded, id, &version));
    entry_add(e, version);
  }
  return OK;
}

static err_t read_part(struct unpack *u, enum kind_id kind, const char *folded, struct group *g) {
  struct entry *e = entry_new(kind, "");
  if (!e)
    return ERR_NOMEM;
  g->entries[g->count++] = e;
  TRY(record_get_head(kind, unpack_bytes(u), e));
  TRY(read_versions(u, e));
  if (strcmp(folded, e->folded) != 0 || e->latest->managed != (g->count > 1))
    return ERR_BACKUP_BLOB;
  e->deleted = false;
  e->deleted_at = e->purge_at = 0;
  return OK;
}

static void group_free(struct group *g) {
  for (size_t i = 0; i < g->count; i++)
    entry_free(g->entries[i]);
}
#define AUTO_GROUP __attribute__((cleanup(group_free))) struct group

static err_t read_blob(struct vault *v, enum kind_id kind, struct bytes blob, struct group *g) {
  const struct shelf *s = &v->shelves[kind];
  struct bytes magic = bytes_str(s->kind->backup_magic);
  AUTO_BUF plain = BUF_EMPTY;
  if (!bytes_starts(blob, s->kind->backup_magic))
    return ERR_BACKUP_BLOB;
  struct bytes sealed = bytes_of(blob.data + magic.size, blob.size - magic.size);
  TRY(crypto_open(secret_bytes(&s->backup_key), magic, sealed, &plain));
  struct unpack u = unpack_of(buf_bytes(&plain));
  char folded[OBJECT_NAME_MAX + 1];
  if (unpack_u8(&u) != BACKUP_FORMAT)
    return ERR_BACKUP_BLOB;
  unpack_str(&u, folded, sizeof folded);
  TRY(read_part(&u, kind, folded, g));
  for (unsigned left = s->kind->carries; u.rest.size && !u.bad;) {
    unsigned carried = unpack_u8(&u);
    if (carried >= KINDS || !(left & 1u << carried))
      return ERR_BACKUP_BLOB;
    left &= ~(1u << carried);
    TRY(read_part(&u, (enum kind_id)carried, folded, g));
  }
  return unpack_end(&u);
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

static err_t reserve(struct vault *v, const struct group *g) {
  size_t n = 0;
  pthread_rwlock_wrlock(&v->lock);
  while (n < g->count && index_reserve(&v->shelves[g->entries[n]->kind->id].active))
    n++;
  for (size_t i = 0; n < g->count && i < n; i++)
    index_unreserve(&v->shelves[g->entries[i]->kind->id].active);
  pthread_rwlock_unlock(&v->lock);
  return n == g->count ? OK : ERR_NOMEM;
}

/* Makes the group visible, or gives its places back. */
static void settle(struct vault *v, struct group *g, bool visible) {
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; i < g->count; i++) {
    struct shelf *s = &v->shelves[g->entries[i]->kind->id];
    if (visible) {
      atomic_fetch_add(&s->version_count, g->entries[i]->count);
      index_insert(&s->active, g->entries[i]);
    } else {
      index_unreserve(&s->active);
    }
  }
  pthread_rwlock_unlock(&v->lock);
  if (visible)
    g->count = 0;
}

err_t object_restore(struct vault *v, enum kind_id kind, struct bytes blob, const char *host,
                     struct version **out) {
  AUTO_GROUP g = { .count = 0 };
  err_t err = read_blob(v, kind, blob, &g);
  if (err != OK)
    return err == ERR_NOMEM ? err : ERR_BACKUP_BLOB;
  struct entry *first = g.entries[0];
  AUTO_STRIPE stripe = stripe_lock(v, first->folded);
  if (find_active(v, KIND_CERTIFICATE, first->folded))
    return restore_conflict(first->kind, first, host);
  for (size_t i = 0; i < g.count; i++)
    if (find_active(v, g.entries[i]->kind->id, first->folded) ||
        find_deleted(v, g.entries[i]->kind->id, first->folded))
      return restore_conflict(first->kind, first, host);
  TRY(reserve(v, &g));
  err = group_commit(v, &g, false);
  if (err == OK) {
    for (size_t i = 0; i < g.count; i++)
      raise_order(v, g.entries[i]->latest->order);
    *out = version_ref(first->latest);
  }
  settle(v, &g, err == OK);
  return err;
}
