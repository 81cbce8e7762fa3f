/*
 * Entries and versions as the store keeps them: what all kinds have, then the kind's own part.
 * Format 1 of each; a later format gets a new number and the readers keep the old.
 */
#include "vault/kind.h"

#include <stdio.h>

#define HEAD_FORMAT 1
#define VERSION_FORMAT 1

enum { FLAG_ENABLED = 1, FLAG_NBF = 2, FLAG_EXP = 4, FLAG_MANAGED = 8 };

void record_head_place(enum kind_id kind, const char *folded, char *place) {
  snprintf(place, STORE_PLACE_MAX + 1, "%s/%s", kind_of(kind)->head_place, folded);
}

void record_version_place(enum kind_id kind, const char *folded, const char *version, char *place) {
  snprintf(place, STORE_PLACE_MAX + 1, "%s/%s/%s", kind_of(kind)->version_place, folded, version);
}

void record_put_head(enum kind_id kind, const struct entry *e, struct buf *out) {
  pack_u8(out, HEAD_FORMAT);
  pack_str(out, e->name);
  pack_u8(out, e->deleted);
  pack_i64(out, e->deleted_at);
  pack_i64(out, e->purge_at);
  kind_of(kind)->put_head(e, out);
}

err_t record_get_head(enum kind_id kind, struct bytes body, struct entry *e) {
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != HEAD_FORMAT)
    FAIL(ERR_CORRUPT, "an object's record has a format that this version does not know");
  unpack_str(&u, e->name, sizeof e->name);
  e->deleted = unpack_u8(&u) != 0;
  e->deleted_at = unpack_i64(&u);
  e->purge_at = unpack_i64(&u);
  name_fold(e->name, e->folded);
  TRY(kind_of(kind)->get_head(&u, e));
  return unpack_end(&u);
}

void record_put_version(const struct version *v, struct buf *out) {
  const struct attributes *a = &v->attributes;
  unsigned flags = (a->enabled ? FLAG_ENABLED : 0u) | (a->has_nbf ? FLAG_NBF : 0u) |
                   (a->has_exp ? FLAG_EXP : 0u) | (v->managed ? FLAG_MANAGED : 0u);
  pack_u8(out, VERSION_FORMAT);
  pack_str(out, v->name);
  pack_u8(out, (uint8_t)flags);
  pack_i64(out, a->nbf);
  pack_i64(out, a->exp);
  pack_i64(out, a->created);
  pack_i64(out, a->updated);
  pack_u64(out, v->order);
  pack_bytes(out, buf_bytes(&v->tags));
  kind_of(v->kind)->put(v, out);
}

static err_t get_common(struct unpack *u, struct version *v) {
  struct attributes *a = &v->attributes;
  unpack_str(u, v->name, sizeof v->name);
  unsigned flags = unpack_u8(u);
  a->enabled = flags & FLAG_ENABLED;
  a->has_nbf = flags & FLAG_NBF;
  a->has_exp = flags & FLAG_EXP;
  v->managed = flags & FLAG_MANAGED;
  a->nbf = unpack_i64(u);
  a->exp = unpack_i64(u);
  a->created = unpack_i64(u);
  a->updated = unpack_i64(u);
  v->order = unpack_u64(u);
  buf_put_bytes(&v->tags, unpack_bytes(u));
  return buf_ok(&v->tags);
}

err_t record_get_version(enum kind_id kind, struct bytes body, const char *folded,
                         const char *version, struct version **out) {
  AUTO(version) struct version *v = NULL;
  TRY(version_alloc(kind, &v));
  memcpy(v->id, version, strnlen(version, OBJECT_VERSION_SIZE));
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != VERSION_FORMAT)
    FAIL(ERR_CORRUPT, "a version's record has a format that this version does not know");
  TRY(get_common(&u, v));
  TRY(kind_of(kind)->get(&u, folded, v));
  TRY(unpack_end(&u));
  *out = TAKE(v);
  return OK;
}
