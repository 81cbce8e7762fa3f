/* Keys as a kind of object: their part of records and of an entry's life. */
#include "vault/key_internal.h"

enum { FLAG_EXPORTABLE = 1, FLAG_HAS_EXPORTABLE = 2, FLAG_HSM = 4, FLAG_IMMUTABLE = 8 };

static void clear(struct version *v) {
  struct key_version *kv = key_version_of(v);
  if (kv->material)
    material_free(kv->material);
  buf_free(&kv->release);
}

static err_t copy(struct version *to, const struct version *from) {
  struct key_version *kv = key_version_of(to);
  const struct key_version *old = key_version_of(from);
  kv->material = material_ref(old->material);
  kv->spec = old->spec;
  kv->hsm = old->hsm;
  kv->ops = old->ops;
  kv->has_exportable = old->has_exportable;
  kv->exportable = old->exportable;
  kv->release_immutable = old->release_immutable;
  buf_put_bytes(&kv->release, buf_bytes(&old->release));
  return buf_ok(&kv->release);
}

static void put_head(const struct entry *e, struct buf *out) {
  const struct key_policy *p = &key_entry_of(e)->policy;
  pack_str(out, p->rotate_after);
  pack_str(out, p->rotate_before);
  pack_str(out, p->notify_after);
  pack_str(out, p->notify_before);
  pack_str(out, p->expiry);
  pack_i64(out, p->created);
  pack_i64(out, p->updated);
}

static err_t get_head(struct unpack *u, struct entry *e) {
  struct key_policy *p = &key_entry_of(e)->policy;
  unpack_str(u, p->rotate_after, sizeof p->rotate_after);
  unpack_str(u, p->rotate_before, sizeof p->rotate_before);
  unpack_str(u, p->notify_after, sizeof p->notify_after);
  unpack_str(u, p->notify_before, sizeof p->notify_before);
  unpack_str(u, p->expiry, sizeof p->expiry);
  p->created = unpack_i64(u);
  p->updated = unpack_i64(u);
  return OK;
}

static void put(const struct version *v, struct buf *out) {
  const struct key_version *kv = key_version_of(v);
  unsigned flags = (kv->exportable ? FLAG_EXPORTABLE : 0u) |
                   (kv->has_exportable ? FLAG_HAS_EXPORTABLE : 0u) | (kv->hsm ? FLAG_HSM : 0u) |
                   (kv->release_immutable ? FLAG_IMMUTABLE : 0u);
  pack_u8(out, (uint8_t)kv->spec.type);
  pack_u32(out, kv->spec.bits);
  pack_u8(out, (uint8_t)kv->spec.curve);
  pack_u32(out, kv->ops);
  pack_u8(out, (uint8_t)flags);
  pack_bytes(out, buf_bytes(&kv->release));
  pack_bytes(out, buf_bytes(&kv->material->public_members));
  pack_bytes(out, buf_bytes(&kv->material->sealed));
}

static err_t get(struct unpack *u, const char *folded, struct version *v) {
  struct key_version *kv = key_version_of(v);
  unsigned type = unpack_u8(u);
  kv->spec.type = (enum key_type)type;
  kv->spec.bits = unpack_u32(u);
  kv->spec.curve = (enum key_curve)unpack_u8(u);
  kv->ops = unpack_u32(u);
  unsigned flags = unpack_u8(u);
  kv->exportable = flags & FLAG_EXPORTABLE;
  kv->has_exportable = flags & FLAG_HAS_EXPORTABLE;
  kv->hsm = flags & FLAG_HSM;
  kv->release_immutable = flags & FLAG_IMMUTABLE;
  buf_put_bytes(&kv->release, unpack_bytes(u));
  struct bytes public_members = unpack_bytes(u), sealed = unpack_bytes(u);
  if (u->bad || type > KEY_OCT || kv->spec.curve > CURVE_P256K)
    FAIL(ERR_CORRUPT, "a key's record has a type that this version does not know");
  TRY(buf_ok(&kv->release));
  return material_of(kv->spec.type, public_members, sealed, folded, v->id, &kv->material);
}

static void close_version(struct vault *v, struct version *version) {
  live_drop(v, key_version_of(version)->material);
}

static void reopen(struct version *version) {
  live_revive(key_version_of(version)->material);
}

const struct kind kind_key = {
  .id = KIND_KEY,
  .noun = "Key",
  .collection = "keys",
  .before_version = "/",
  .head_place = "key",
  .version_place = "keyversion",
  .backup_magic = "StrongroomKeyBackupV1",
  .backup_max = KEY_BACKUP_MAX,
  .not_found = ERR_KEY_NOT_FOUND,
  .entry_size = sizeof(struct key_entry),
  .version_size = sizeof(struct key_version),
  .clear = clear,
  .copy = copy,
  .put_head = put_head,
  .get_head = get_head,
  .put = put,
  .get = get,
  .close = close_version,
  .reopen = reopen,
  .due = key_due,
  .carry_out = key_carry_out,
};
