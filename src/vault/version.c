/* Versions: immutable snapshots. */
#include "base/clock.h"
#include "base/codec.h"
#include "vault/kind.h"

static const struct kind *const kinds[KINDS] = { &kind_key, &kind_secret, &kind_certificate };

const struct kind *kind_of(enum kind_id kind) {
  return kinds[kind];
}

const char *object_collection(enum kind_id kind) {
  return kind_of(kind)->collection;
}

struct version *version_ref(struct version *v) {
  atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
  return v;
}

void version_free(struct version *v) {
  if (atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
    return;
  kind_of(v->kind)->clear(v);
  buf_free(&v->tags);
  mem_free(v);
}

err_t version_alloc(enum kind_id kind, struct version **out) {
  struct version *v = mem_zalloc(kind_of(kind)->version_size);
  if (!v)
    return ERR_NOMEM;
  atomic_init(&v->refs, 1);
  v->kind = kind;
  *out = v;
  return OK;
}

err_t version_make(enum kind_id kind, const char *name, struct version **out) {
  AUTO(version) struct version *v = NULL;
  uint8_t id[OBJECT_VERSION_SIZE / 2];
  TRY(version_alloc(kind, &v));
  TRY(crypto_random(id, sizeof id));
  hex_encode(bytes_of(id, sizeof id), v->id);
  memcpy(v->name, name, strnlen(name, OBJECT_NAME_MAX));
  v->attributes.enabled = true;
  v->attributes.created = v->attributes.updated = clock_now();
  *out = TAKE(v);
  return OK;
}

err_t version_copy(const struct version *from, struct version **out) {
  AUTO(version) struct version *v = NULL;
  TRY(version_alloc(from->kind, &v));
  memcpy(v->name, from->name, sizeof v->name);
  memcpy(v->id, from->id, sizeof v->id);
  v->attributes = from->attributes;
  v->managed = from->managed;
  v->order = from->order;
  buf_put_bytes(&v->tags, buf_bytes(&from->tags));
  TRY(buf_ok(&v->tags));
  TRY(kind_of(v->kind)->copy(v, from));
  *out = TAKE(v);
  return OK;
}

err_t version_apply(struct version *v, const struct object_request *rq) {
  struct attributes *a = &v->attributes;
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
    buf_clear(&v->tags);
    buf_put_bytes(&v->tags, rq->tags);
  }
  return buf_ok(&v->tags);
}
