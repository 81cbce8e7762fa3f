#include "vault/secrets.h"

#include "base/clock.h"
#include "vault/kind.h"

#include <stdio.h>

/* What a value is bound to: "<folded name>/<version>". */
struct place {
  char text[OBJECT_NAME_MAX + OBJECT_VERSION_SIZE + 2];
};

static struct place place_of(const struct version *version) {
  struct place p;
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(version->name, folded);
  snprintf(p.text, sizeof p.text, "%s/%s", folded, version->id);
  return p;
}

/* Each value has a key of its own, derived from its place: what was moved elsewhere does not open.
 */
static err_t key_of(struct vault *v, const struct place *p, struct secret *out) {
  AUTO_SECRET key = { 0 };
  TRY(secret_new(SHA256_SIZE, &key));
  TRY(crypto_hmac_sha256(secret_bytes(&v->secret_key), bytes_str(p->text), key.data));
  *out = secret_take(&key);
  return OK;
}

err_t secrets_seal(struct vault *v, struct bytes value, struct version *version) {
  AUTO_SECRET key = { 0 };
  struct place p = place_of(version);
  TRY(key_of(v, &p, &key));
  return crypto_seal(secret_bytes(&key), bytes_str(p.text), value,
                     &secret_version_of(version)->sealed);
}

err_t secrets_value(struct vault *v, const struct version *version, struct buf *out) {
  AUTO_SECRET key = { 0 };
  struct place p = place_of(version);
  TRY(key_of(v, &p, &key));
  return crypto_open(secret_bytes(&key), bytes_str(p.text),
                     buf_bytes(&secret_version_of(version)->sealed), out);
}

static err_t apply(struct version *version, const struct secret_request *rq) {
  struct secret_version *s = secret_version_of(version);
  if (rq->has_type) {
    buf_clear(&s->type);
    buf_put_bytes(&s->type, rq->type);
    TRY(buf_ok(&s->type));
    s->has_type = true;
  }
  return version_apply(version, &rq->base);
}

err_t secrets_set(struct vault *v, const char *name, const struct secret_request *rq,
                  struct version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(version) struct version *version = NULL;
  TRY(version_make(KIND_SECRET, name, &version));
  TRY(secrets_seal(v, rq->value, version));
  TRY(apply(version, rq));
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(change_add_version(v, folded, version));
  *out = TAKE(version);
  return OK;
}

err_t secrets_update(struct vault *v, const char *name, const char *id,
                     const struct secret_request *rq, struct version **out) {
  char folded[OBJECT_NAME_MAX + 1], folded_id[OBJECT_NAME_MAX + 1];
  AUTO(version) struct version *version = NULL;
  struct entry *e;
  name_fold(name, folded);
  name_fold(id, folded_id);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(active_entry(v, KIND_SECRET, name, folded, &e));
  const struct version *present = entry_version(e, folded_id);
  if (!present)
    return object_not_found(KIND_SECRET, name, id);
  TRY(version_copy(present, &version));
  TRY(apply(version, rq));
  version->attributes.updated = clock_now();
  TRY(change_managed(version, "update"));
  TRY(change_set_version(v, version));
  *out = TAKE(version);
  return OK;
}

/* --- secrets as a kind of object --- */

static void clear(struct version *v) {
  struct secret_version *s = secret_version_of(v);
  buf_free(&s->type);
  buf_free(&s->sealed);
}

static err_t copy(struct version *to, const struct version *from) {
  struct secret_version *s = secret_version_of(to);
  const struct secret_version *old = secret_version_of(from);
  s->has_type = old->has_type;
  buf_put_bytes(&s->type, buf_bytes(&old->type));
  buf_put_bytes(&s->sealed, buf_bytes(&old->sealed));
  TRY(buf_ok(&s->type));
  return buf_ok(&s->sealed);
}

static void put_head(const struct entry *e, struct buf *out) {
}

static err_t get_head(struct unpack *u, struct entry *e) {
  return OK;
}

static void put(const struct version *v, struct buf *out) {
  const struct secret_version *s = secret_version_of(v);
  pack_u8(out, s->has_type);
  pack_bytes(out, buf_bytes(&s->type));
  pack_bytes(out, buf_bytes(&s->sealed));
}

static err_t get(struct unpack *u, const char *folded, struct version *v) {
  struct secret_version *s = secret_version_of(v);
  s->has_type = unpack_u8(u) != 0;
  buf_put_bytes(&s->type, unpack_bytes(u));
  buf_put_bytes(&s->sealed, unpack_bytes(u));
  TRY(buf_ok(&s->type));
  return buf_ok(&s->sealed);
}

const struct kind kind_secret = {
  .id = KIND_SECRET,
  .noun = "Secret",
  .collection = "secrets",
  .before_version = "/",
  .head_place = "secret",
  .version_place = "secretversion",
  .backup_magic = "StrongroomSecretBackupV1",
  .backup_max = SECRET_BACKUP_MAX,
  .not_found = ERR_SECRET_NOT_FOUND,
  .entry_size = sizeof(struct entry),
  .version_size = sizeof(struct secret_version),
  .clear = clear,
  .copy = copy,
  .put_head = put_head,
  .get_head = get_head,
  .put = put,
  .get = get,
};
