/*
 * Changes: everything that can fail is done before the commit, and what is committed becomes
 * visible under the write lock.
 */
#include "vault/kind.h"

err_t vault_commit(struct vault *v, const struct store_write *writes, size_t count) {
  return partition_commit(v->part, writes, count);
}

err_t change_room(const struct entry *e) {
  if (e->count >= OBJECT_VERSIONS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "%s %s has %d versions, which is the most that it may have.",
           e->kind->noun, e->name, OBJECT_VERSIONS_MAX);
  return OK;
}

err_t change_managed(const struct version *version, const char *operation) {
  if (version->managed)
    REFUSE(ERR_MANAGED,
           "Operation \"%s\" is not allowed as this object's lifetime is managed by Key Vault.",
           operation);
  return OK;
}

/* A name is a certificate's, with its key and secret, or it is not. */
err_t change_owner(const struct entry *e, bool managed) {
  if (e->latest->managed == managed)
    return OK;
  if (!managed)
    return change_managed(e->latest, "create");
  REFUSE(ERR_CONFLICT,
         "There is a %c%s of the name %s that belongs to no certificate: give the certificate "
         "another name, or delete and purge what is there.",
         e->kind->noun[0] | 32, e->kind->noun + 1, e->name);
}

/* One entry that changes. */
struct part {
  struct entry *entry;
  struct version *version; /* NULL: its head only */
  bool fresh;              /* the entry is in no index yet */
  bool reserved;           /* its place in the index is */
  bool adds;               /* the version is a new one */
  bool head;               /* its head changes */
};
struct parts {
  struct part part[CHANGE_MAX + 1];
  size_t count;
};

static struct index *index_of(struct vault *v, const struct entry *e) {
  return &v->shelves[e->kind->id].active;
}

static err_t prepare_version(struct vault *v, const char *folded, struct version *version,
                             struct part *p) {
  p->version = version;
  p->entry = find_active(v, version->kind, folded);
  p->fresh = p->entry == NULL;
  if (p->fresh && !(p->entry = entry_new(version->kind, version->name)))
    return ERR_NOMEM;
  p->adds = entry_version(p->entry, version->id) == NULL;
  if (p->adds) {
    if (!p->fresh)
      TRY(change_owner(p->entry, version->managed));
    TRY(change_room(p->entry));
    version->order = atomic_fetch_add(&v->order, 1) + 1;
  }
  memcpy(version->name, p->entry->name, sizeof version->name); /* the case first given */
  pthread_rwlock_wrlock(&v->lock);
  bool room = entry_reserve(p->entry);
  if (room && p->fresh)
    room = p->reserved = index_reserve(index_of(v, p->entry));
  pthread_rwlock_unlock(&v->lock);
  return room ? OK : ERR_NOMEM;
}

static err_t prepare(struct vault *v, const char *folded, const struct change *c,
                     struct parts *ps) {
  struct part *head = NULL;
  for (size_t i = 0; i < c->count; i++) {
    struct part *p = &ps->part[ps->count++];
    TRY(prepare_version(v, folded, c->versions[i], p));
    if (c->set_head && c->versions[i]->kind == c->head_kind)
      head = p;
  }
  if (!c->set_head)
    return OK;
  if (!head) {
    struct entry *e = find_active(v, c->head_kind, folded);
    if (!e)
      FAIL(ERR_INTERNAL, "a head without its entry");
    head = &ps->part[ps->count++];
    head->entry = e;
  }
  head->head = true;
  return OK;
}

/* The record of the entry's head as it will be. */
static err_t put_head(const struct part *p, const struct change *c, struct buf *out) {
  AUTO_FREE struct entry *next = mem_alloc(p->entry->kind->entry_size);
  if (!next)
    return ERR_NOMEM;
  memcpy(next, p->entry, p->entry->kind->entry_size);
  if (p->head)
    c->set_head(next, c->value);
  record_put_head(p->entry->kind->id, next, out);
  return buf_ok(out);
}

struct record {
  char place[STORE_PLACE_MAX + 1];
  struct buf body;
};
struct records {
  struct record record[2 * (CHANGE_MAX + 1)];
  size_t count;
};
static void records_free(struct records *r) {
  for (size_t i = 0; i < r->count; i++)
    buf_free(&r->record[i].body);
}
#define AUTO_RECORDS __attribute__((cleanup(records_free))) struct records

static err_t commit(struct vault *v, const struct change *c, const struct parts *ps) {
  struct store_write writes[2 * (CHANGE_MAX + 1)];
  AUTO_RECORDS rs = { .count = 0 };
  for (size_t i = 0; i < ps->count; i++) {
    const struct part *p = &ps->part[i];
    enum kind_id kind = p->entry->kind->id;
    if (p->version) {
      struct record *r = &rs.record[rs.count++];
      r->body = BUF_EMPTY;
      record_version_place(kind, p->entry->folded, p->version->id, r->place);
      record_put_version(p->version, &r->body);
      TRY(buf_ok(&r->body));
    }
    if (p->head || p->fresh) {
      struct record *r = &rs.record[rs.count++];
      r->body = BUF_EMPTY;
      record_head_place(kind, p->entry->folded, r->place);
      TRY(put_head(p, c, &r->body));
    }
  }
  for (size_t i = 0; i < rs.count; i++)
    writes[i] = (struct store_write){ rs.record[i].place, buf_bytes(&rs.record[i].body) };
  return vault_commit(v, writes, rs.count);
}

static void show(struct vault *v, const struct change *c, const struct parts *ps) {
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; i < ps->count; i++) {
    const struct part *p = &ps->part[i];
    if (p->version)
      entry_add(p->entry, version_ref(p->version));
    if (p->head)
      c->set_head(p->entry, c->value);
    if (p->fresh)
      index_insert(index_of(v, p->entry), p->entry);
    atomic_fetch_add(&v->shelves[p->entry->kind->id].version_count, p->adds);
  }
  pthread_rwlock_unlock(&v->lock);
}

static void take_back(struct vault *v, struct parts *ps) {
  pthread_rwlock_wrlock(&v->lock);
  for (size_t i = 0; i < ps->count; i++)
    if (ps->part[i].reserved)
      index_unreserve(index_of(v, ps->part[i].entry));
  pthread_rwlock_unlock(&v->lock);
  for (size_t i = 0; i < ps->count; i++)
    if (ps->part[i].fresh && ps->part[i].entry)
      entry_free(ps->part[i].entry);
}

err_t change_commit(struct vault *v, const char *folded, const struct change *c) {
  struct parts ps = { .count = 0 };
  err_t e = prepare(v, folded, c, &ps);
  if (e == OK)
    e = commit(v, c, &ps);
  if (e == OK)
    show(v, c, &ps);
  else
    take_back(v, &ps);
  return e;
}

err_t change_set_version(struct vault *v, struct version *version) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(version->name, folded);
  return change_commit(v, folded, &(struct change){ .versions = { version }, .count = 1 });
}

err_t change_add_version(struct vault *v, const char *folded, struct version *version) {
  TRY(name_free(v, version->kind, version->name, folded));
  if (find_active(v, KIND_CERTIFICATE, folded)) /* also one whose key is yet to come */
    REFUSE(ERR_MANAGED,
           "Operation \"create\" is not allowed as this object's lifetime is managed by Key Vault: "
           "there is a certificate %s.",
           version->name);
  return change_commit(v, folded, &(struct change){ .versions = { version }, .count = 1 });
}
