/*
 * Entries and versions as the store keeps them. Format 1 of each; a later format gets a new number
 * and the readers keep the old.
 */
#include "base/pack.h"
#include "vault/internal.h"

#include <stdio.h>

#define KEY_FORMAT 1
#define VERSION_FORMAT 1

enum {
  FLAG_ENABLED = 1,
  FLAG_NBF = 2,
  FLAG_EXP = 4,
  FLAG_EXPORTABLE = 8,
  FLAG_HAS_EXPORTABLE = 16,
  FLAG_HSM = 32,
  FLAG_IMMUTABLE = 64
};

void record_key_place(const char *folded, char *place) {
  snprintf(place, STORE_PLACE_MAX + 1, "key/%s", folded);
}

void record_version_place(const char *folded, const char *version, char *place) {
  snprintf(place, STORE_PLACE_MAX + 1, "keyversion/%s/%s", folded, version);
}

void record_put_key(const struct key_entry *e, struct buf *out) {
  const struct key_policy *p = &e->policy;
  pack_u8(out, KEY_FORMAT);
  pack_str(out, e->name);
  pack_u8(out, e->deleted);
  pack_i64(out, e->deleted_at);
  pack_i64(out, e->purge_at);
  pack_str(out, p->rotate_after);
  pack_str(out, p->rotate_before);
  pack_str(out, p->notify_after);
  pack_str(out, p->notify_before);
  pack_str(out, p->expiry);
  pack_i64(out, p->created);
  pack_i64(out, p->updated);
}

err_t record_get_key(struct bytes body, struct key_entry *e) {
  struct unpack u = unpack_of(body);
  struct key_policy *p = &e->policy;
  if (unpack_u8(&u) != KEY_FORMAT)
    FAIL(ERR_CORRUPT, "a key record has a format that this version does not know");
  unpack_str(&u, e->name, sizeof e->name);
  e->deleted = unpack_u8(&u) != 0;
  e->deleted_at = unpack_i64(&u);
  e->purge_at = unpack_i64(&u);
  unpack_str(&u, p->rotate_after, sizeof p->rotate_after);
  unpack_str(&u, p->rotate_before, sizeof p->rotate_before);
  unpack_str(&u, p->notify_after, sizeof p->notify_after);
  unpack_str(&u, p->notify_before, sizeof p->notify_before);
  unpack_str(&u, p->expiry, sizeof p->expiry);
  p->created = unpack_i64(&u);
  p->updated = unpack_i64(&u);
  name_fold(e->name, e->folded);
  return unpack_end(&u);
}

void record_put_version(const struct key_version *kv, struct buf *out) {
  const struct key_attributes *a = &kv->attributes;
  unsigned flags = (a->enabled ? FLAG_ENABLED : 0u) | (a->has_nbf ? FLAG_NBF : 0u) |
                   (a->has_exp ? FLAG_EXP : 0u) | (a->exportable ? FLAG_EXPORTABLE : 0u) |
                   (a->has_exportable ? FLAG_HAS_EXPORTABLE : 0u) | (kv->hsm ? FLAG_HSM : 0u) |
                   (kv->release_immutable ? FLAG_IMMUTABLE : 0u);
  pack_u8(out, VERSION_FORMAT);
  pack_str(out, kv->name);
  pack_u8(out, (uint8_t)kv->spec.type);
  pack_u32(out, kv->spec.bits);
  pack_u8(out, (uint8_t)kv->spec.curve);
  pack_u32(out, kv->ops);
  pack_u8(out, (uint8_t)flags);
  pack_i64(out, a->nbf);
  pack_i64(out, a->exp);
  pack_i64(out, a->created);
  pack_i64(out, a->updated);
  pack_u64(out, kv->order);
  pack_bytes(out, buf_bytes(&kv->tags));
  pack_bytes(out, buf_bytes(&kv->release));
  pack_bytes(out, buf_bytes(&kv->material->public_members));
  pack_bytes(out, buf_bytes(&kv->material->sealed));
}

static void get_attributes(struct unpack *u, struct key_version *kv) {
  struct key_attributes *a = &kv->attributes;
  unsigned flags = unpack_u8(u);
  a->enabled = flags & FLAG_ENABLED;
  a->has_nbf = flags & FLAG_NBF;
  a->has_exp = flags & FLAG_EXP;
  a->exportable = flags & FLAG_EXPORTABLE;
  a->has_exportable = flags & FLAG_HAS_EXPORTABLE;
  kv->hsm = flags & FLAG_HSM;
  kv->release_immutable = flags & FLAG_IMMUTABLE;
  a->nbf = unpack_i64(u);
  a->exp = unpack_i64(u);
  a->created = unpack_i64(u);
  a->updated = unpack_i64(u);
}

err_t record_get_version(struct bytes body, const char *folded, const char *version,
                         struct key_version **out) {
  AUTO(key_version) struct key_version *kv = mem_zalloc(sizeof *kv);
  if (!kv)
    return ERR_NOMEM;
  atomic_init(&kv->refs, 1);
  memcpy(kv->id, version, strnlen(version, KEY_VERSION_SIZE));
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != VERSION_FORMAT)
    FAIL(ERR_CORRUPT, "a version record has a format that this version does not know");
  unpack_str(&u, kv->name, sizeof kv->name);
  unsigned type = unpack_u8(&u);
  kv->spec.type = (enum key_type)type;
  kv->spec.bits = unpack_u32(&u);
  kv->spec.curve = (enum key_curve)unpack_u8(&u);
  kv->ops = unpack_u32(&u);
  get_attributes(&u, kv);
  kv->order = unpack_u64(&u);
  buf_put_bytes(&kv->tags, unpack_bytes(&u));
  buf_put_bytes(&kv->release, unpack_bytes(&u));
  struct bytes public_members = unpack_bytes(&u), sealed = unpack_bytes(&u);
  TRY(unpack_end(&u));
  if (type > KEY_OCT || kv->spec.curve > CURVE_P256K)
    FAIL(ERR_CORRUPT, "a version record has a key type that this version does not know");
  TRY(buf_ok(&kv->tags));
  TRY(buf_ok(&kv->release));
  TRY(material_of(kv->spec.type, public_members, sealed, folded, version, &kv->material));
  *out = TAKE(kv);
  return OK;
}
