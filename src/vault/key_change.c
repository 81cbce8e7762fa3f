/*
 * New and changed keys: create, import, rotate, update. Keys are generated before the name's stripe
 * is taken.
 */
#include "base/clock.h"
#include "vault/key_internal.h"

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

unsigned key_possible_ops(enum key_type type) {
  return possible_ops[type];
}

unsigned key_default_ops(enum key_type type) {
  return default_ops[type];
}

static err_t new_version(struct vault *v, const char *name, const struct key *key, bool hsm,
                         struct key_version **out) {
  AUTO(version) struct version *made = NULL;
  char folded[OBJECT_NAME_MAX + 1];
  TRY(version_make(KIND_KEY, name, &made));
  struct key_version *kv = key_version_of(made);
  name_fold(name, folded);
  TRY(material_new(v, key, folded, made->id, &kv->material));
  kv->spec = *key_spec(key);
  kv->hsm = hsm;
  kv->ops = default_ops[kv->spec.type];
  *out = key_version_of(TAKE(made));
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
  TRY(apply_ops(kv, rq));
  TRY(apply_release(kv, rq));
  return version_apply(&kv->base, &rq->base);
}

static err_t check_exportable(struct key_version *kv, const struct key_request *rq) {
  kv->has_exportable = rq->has_exportable;
  kv->exportable = rq->has_exportable && rq->exportable;
  if (kv->exportable && !rq->has_release)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1004: Exportable keys must have release policy.");
  if (!kv->exportable && rq->has_release)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
  return OK;
}

/* A key as the request wants it becomes the name's latest version. */
static err_t add_requested(struct vault *v, const char *name, const struct key *key,
                           const struct key_request *rq, struct key_version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(new_version(v, name, key, rq->hsm, &kv));
  TRY(check_exportable(kv, rq));
  TRY(apply(kv, rq));
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(change_add_version(v, folded, &kv->base));
  *out = TAKE(kv);
  return OK;
}

err_t keys_create(struct vault *v, const char *name, const struct key_request *rq,
                  struct key_version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  name_fold(name, folded);
  { /* before the costly part; decided again when the version is added */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    TRY(name_free(v, KIND_KEY, name, folded));
    const struct entry *e = find_active(v, KIND_KEY, folded);
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

err_t keys_get(struct vault *v, const char *name, const char *version, struct key_version **out) {
  struct version *found = NULL;
  TRY(object_get(v, KIND_KEY, name, version, &found));
  *out = key_version_of(found);
  return OK;
}

err_t keys_update(struct vault *v, const char *name, const char *version,
                  const struct key_request *rq, struct key_version **out) {
  char folded[OBJECT_NAME_MAX + 1], id[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO(version) struct version *changed = NULL;
  name_fold(name, folded);
  name_fold(version, id);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, KIND_KEY, name, folded, &e));
  const struct version *present = entry_version(e, id);
  if (!present)
    return object_not_found(KIND_KEY, name, version);
  TRY(change_managed(present, "update"));
  TRY(version_copy(present, &changed));
  struct key_version *kv = key_version_of(changed);
  if (rq->has_release && !kv->exportable)
    REFUSE(ERR_BAD_PARAMETER, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
  TRY(apply(kv, rq));
  changed->attributes.updated = clock_now();
  TRY(change_set_version(v, changed));
  *out = key_version_of(TAKE(changed));
  return OK;
}

/* The new version is like the latest one but for its key, and lives as long as the policy says. */
static err_t rotated(struct vault *v, const struct entry *e, const struct key *key,
                     struct key_version **out) {
  AUTO(key_version) struct key_version *kv = NULL;
  const struct key_version *old = key_version_of(e->latest);
  const struct key_policy *policy = &key_entry_of(e)->policy;
  TRY(new_version(v, e->name, key, old->hsm, &kv));
  struct version *base = &kv->base;
  kv->ops = old->ops;
  kv->has_exportable = old->has_exportable;
  kv->exportable = old->exportable;
  kv->release_immutable = old->release_immutable;
  buf_put_bytes(&base->tags, buf_bytes(&old->base.tags));
  buf_put_bytes(&kv->release, buf_bytes(&old->release));
  TRY(buf_ok(&base->tags));
  TRY(buf_ok(&kv->release));
  if (policy->expiry[0])
    base->attributes.has_exp =
      duration_add(policy->expiry, 1, base->attributes.created, &base->attributes.exp);
  *out = TAKE(kv);
  return OK;
}

err_t key_rotate_entry(struct vault *v, struct entry *e, const struct key *key,
                       struct key_version **out) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(rotated(v, e, key, &kv));
  TRY(change_set_version(v, &kv->base));
  *out = TAKE(kv);
  return OK;
}

err_t keys_rotate(struct vault *v, const char *name, struct key_version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(version) struct version *old = NULL;
  AUTO(key) struct key *key = NULL;
  struct entry *e;
  name_fold(name, folded);
  { /* before the costly part; looked at again below */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    TRY(active_entry(v, KIND_KEY, name, folded, &e));
    TRY(change_managed(e->latest, "rotate"));
    TRY(change_room(e));
    old = version_ref(e->latest);
  }
  TRY(key_generate(&key_version_of(old)->spec, &key));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, KIND_KEY, name, folded, &e));
  return key_rotate_entry(v, e, key, out);
}
