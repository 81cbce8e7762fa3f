/*
 * New and changed versions: create, import, rotate, update. Keys are generated before the name's
 * stripe is taken, everything that can fail is done before the commit, and what is committed
 * becomes visible under the write lock.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "vault/internal.h"

static const unsigned default_ops[] = {
  [KEY_RSA] = 1u << OP_ENCRYPT | 1u << OP_DECRYPT | 1u << OP_SIGN | 1u << OP_VERIFY |
              1u << OP_WRAP | 1u << OP_UNWRAP,
  [KEY_EC] = 1u << OP_SIGN | 1u << OP_VERIFY,
  [KEY_OCT] = 1u << OP_ENCRYPT | 1u << OP_DECRYPT | 1u << OP_WRAP | 1u << OP_UNWRAP,
};

/* What a key of a type can be asked to do at all. */
static const unsigned possible_ops[] = {
  [KEY_RSA] = (1u << OP_COUNT) - 1,
  [KEY_EC] = 1u << OP_SIGN | 1u << OP_VERIFY | 1u << OP_IMPORT | 1u << OP_EXPORT,
  [KEY_OCT] = (1u << OP_COUNT) - 1,
};

err_t version_new(struct vault *v, const char *name, const struct key *key, bool hsm,
                  struct key_version **out) {
  AUTO(key_version) struct key_version *kv = mem_zalloc(sizeof *kv);
  char folded[KEY_NAME_MAX + 1];
  uint8_t id[KEY_VERSION_SIZE / 2];
  if (!kv)
    return ERR_NOMEM;
  atomic_init(&kv->refs, 1);
  TRY(crypto_random(id, sizeof id));
  hex_encode(bytes_of(id, sizeof id), kv->id);
  memcpy(kv->name, name, strnlen(name, KEY_NAME_MAX));
  name_fold(name, folded);
  TRY(material_new(v, key, folded, kv->id, &kv->material));
  kv->spec = *key_spec(key);
  kv->hsm = hsm;
  kv->ops = default_ops[kv->spec.type];
  kv->attributes.enabled = true;
  kv->attributes.created = kv->attributes.updated = clock_now();
  *out = TAKE(kv);
  return OK;
}

static err_t apply_ops(struct key_version *kv, const struct key_request *rq) {
  if (!rq->has_ops)
    return OK;
  if (rq->ops & ~possible_ops[kv->spec.type])
    REFUSE(ERR_BAD_PARAMETER,
           "Property key_ops has invalid value: an EC key can sign and verify only\r\n");
  kv->ops = rq->ops;
  return OK;
}

static err_t apply_release(struct key_version *kv, const struct key_request *rq) {
  if (!rq->has_release)
    return OK;
  if (kv->release_immutable)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1020: Immutable Key Release Policy cannot be modified.");
  buf_clear(&kv->release);
  buf_put_bytes(&kv->release, rq->release);
  kv->release_immutable = rq->release_immutable;
  return buf_ok(&kv->release);
}

static err_t apply(struct key_version *kv, const struct key_request *rq) {
  struct key_attributes *a = &kv->attributes;
  TRY(apply_ops(kv, rq));
  TRY(apply_release(kv, rq));
  if (rq->has_enabled)
    a->enabled = rq->enabled;
  if (rq->has_nbf) {
    a->has_nbf = true;
    a->nbf = rq->nbf;
  }
  if (rq->has_exp) {
    a->has_exp = true;
    a->exp = rq->exp;
  }
  if ((rq->has_nbf || rq->has_exp) && a->has_nbf && a->has_exp && a->exp <= a->nbf)
    REFUSE(ERR_BAD_PARAMETER, "Property exp must be after nbf\r\n");
  if (rq->has_tags) {
    buf_clear(&kv->tags);
    buf_put_bytes(&kv->tags, rq->tags);
  }
  return buf_ok(&kv->tags);
}

static err_t check_exportable(struct key_version *kv, const struct key_request *rq) {
  struct key_attributes *a = &kv->attributes;
  a->has_exportable = rq->has_exportable;
  a->exportable = rq->has_exportable && rq->exportable;
  if (a->exportable && !rq->has_release)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1004: Exportable keys must have release policy.");
  if (!a->exportable && rq->has_release)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
  return OK;
}

void change_publish(struct vault *v, struct key_index *x, struct key_entry *e) {
  pthread_rwlock_wrlock(&v->lock);
  index_insert(x, e);
  pthread_rwlock_unlock(&v->lock);
}

err_t change_commit_head(struct vault *v, const struct key_entry *head) {
  char place[STORE_PLACE_MAX + 1];
  AUTO_BUF body = BUF_EMPTY;
  record_key_place(head->folded, place);
  record_put_key(head, &body);
  TRY(buf_ok(&body));
  return store_commit(v->store, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

static err_t commit_version(struct vault *v, const struct key_entry *entry, bool new_key,
                            const struct key_version *kv) {
  char places[2][STORE_PLACE_MAX + 1];
  AUTO_BUF version = BUF_EMPTY, head = BUF_EMPTY;
  record_version_place(entry->folded, kv->id, places[0]);
  record_put_version(kv, &version);
  record_key_place(entry->folded, places[1]);
  record_put_key(entry, &head);
  TRY(buf_ok(&version));
  TRY(buf_ok(&head));
  struct store_write writes[] = { { places[0], buf_bytes(&version) },
                                  { places[1], buf_bytes(&head) } };
  return store_commit(v->store, writes, new_key ? 2 : 1);
}

/* A new key: entry and first version together. */
static err_t add_key(struct vault *v, struct key_version *kv) {
  AUTO(entry) struct key_entry *e = entry_new(kv->name);
  if (!e || !entry_reserve(e))
    return ERR_NOMEM;
  entry_add(e, key_version_ref(kv));
  pthread_rwlock_wrlock(&v->lock);
  bool room = index_reserve(&v->active);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  err_t err = commit_version(v, e, true, kv);
  if (err == OK) {
    change_publish(v, &v->active, TAKE(e));
    atomic_fetch_add(&v->version_count, 1);
    return OK;
  }
  pthread_rwlock_wrlock(&v->lock);
  index_unreserve(&v->active);
  pthread_rwlock_unlock(&v->lock);
  return err;
}

err_t change_room(const struct key_entry *e) {
  if (e->count >= KEY_VERSIONS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Key %s has %d versions, which is the most that a key may have.",
           e->name, KEY_VERSIONS_MAX);
  return OK;
}

err_t change_add_version(struct vault *v, struct key_entry *entry, struct key_version *kv) {
  if (!entry)
    return add_key(v, kv);
  bool is_new = entry_version(entry, kv->id) == NULL;
  if (is_new)
    TRY(change_room(entry));
  pthread_rwlock_wrlock(&v->lock);
  bool room = entry_reserve(entry);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  TRY(commit_version(v, entry, false, kv));
  pthread_rwlock_wrlock(&v->lock);
  entry_add(entry, key_version_ref(kv));
  pthread_rwlock_unlock(&v->lock);
  atomic_fetch_add(&v->version_count, is_new);
  return OK;
}

/* A key as the request wants it becomes the name's latest version. */
static err_t add_requested(struct vault *v, const char *name, const struct key *key,
                           const struct key_request *rq, struct key_version **out) {
  char folded[KEY_NAME_MAX + 1];
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(version_new(v, name, key, rq->hsm, &kv));
  TRY(check_exportable(kv, rq));
  TRY(apply(kv, rq));
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(name_free(v, name, folded));
  struct key_entry *e = find_active(v, folded);
  if (e)
    memcpy(kv->name, e->name, sizeof kv->name); /* a name keeps the case that it was first given */
  kv->order = atomic_fetch_add(&v->order, 1) + 1;
  TRY(change_add_version(v, e, kv));
  *out = TAKE(kv);
  return OK;
}

err_t keys_create(struct vault *v, const char *name, const struct key_request *rq,
                  struct key_version **out) {
  char folded[KEY_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  name_fold(name, folded);
  { /* before the costly part; decided again when the version is added */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    TRY(name_free(v, name, folded));
    const struct key_entry *e = find_active(v, folded);
    if (e)
      TRY(change_room(e));
  }
  TRY(key_generate(&rq->spec, &key));
  return add_requested(v, name, key, rq, out);
}

err_t keys_import(struct vault *v, const char *name, struct key *key, const struct key_request *rq,
                  struct key_version **out) {
  if (!key_is_private(key))
    REFUSE(ERR_BAD_PARAMETER, "Property key has invalid value: it has no private part\r\n");
  return add_requested(v, name, key, rq, out);
}

err_t keys_update(struct vault *v, const char *name, const char *version,
                  const struct key_request *rq, struct key_version **out) {
  char folded[KEY_NAME_MAX + 1], id[KEY_NAME_MAX + 1];
  struct key_entry *e;
  name_fold(name, folded);
  name_fold(version, id);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, name, folded, &e));
  const struct key_version *present = entry_version(e, id);
  if (!present)
    return key_not_found(name, version);
  AUTO(key_version) struct key_version *kv = key_version_copy(present);
  if (!kv)
    return ERR_NOMEM;
  if (rq->has_release && !kv->attributes.exportable)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
  TRY(apply(kv, rq));
  kv->attributes.updated = clock_now();
  TRY(change_add_version(v, e, kv));
  *out = TAKE(kv);
  return OK;
}

/* The new version is like the latest one but for its key, and lives as long as the policy says. */
static err_t rotated(struct vault *v, const struct key_entry *e, const struct key *key,
                     struct key_version **out) {
  AUTO(key_version) struct key_version *kv = NULL;
  const struct key_version *old = e->latest;
  TRY(version_new(v, e->name, key, old->hsm, &kv));
  kv->ops = old->ops;
  kv->attributes.has_exportable = old->attributes.has_exportable;
  kv->attributes.exportable = old->attributes.exportable;
  kv->release_immutable = old->release_immutable;
  buf_put_bytes(&kv->tags, buf_bytes(&old->tags));
  buf_put_bytes(&kv->release, buf_bytes(&old->release));
  TRY(buf_ok(&kv->tags));
  TRY(buf_ok(&kv->release));
  if (e->policy.expiry[0])
    kv->attributes.has_exp =
      duration_add(e->policy.expiry, 1, kv->attributes.created, &kv->attributes.exp);
  kv->order = atomic_fetch_add(&v->order, 1) + 1;
  *out = TAKE(kv);
  return OK;
}

err_t change_rotate(struct vault *v, struct key_entry *e, const struct key *key,
                    struct key_version **out) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(rotated(v, e, key, &kv));
  TRY(change_add_version(v, e, kv));
  *out = TAKE(kv);
  return OK;
}

err_t keys_rotate(struct vault *v, const char *name, struct key_version **out) {
  char folded[KEY_NAME_MAX + 1];
  AUTO(key_version) struct key_version *old = NULL;
  AUTO(key) struct key *key = NULL;
  struct key_entry *e;
  name_fold(name, folded);
  { /* before the costly part; looked at again below */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    TRY(active_entry(v, name, folded, &e));
    TRY(change_room(e));
    old = key_version_ref(e->latest);
  }
  TRY(key_generate(&old->spec, &key));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, name, folded, &e));
  return change_rotate(v, e, key, out);
}
