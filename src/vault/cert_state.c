/* What a certificate has beside its versions: its policy and the operation that makes the next
 * version. */
#include "base/clock.h"
#include "vault/cert_internal.h"

#include <stdio.h>

#define FORMAT 1

struct certificate_state *certificate_state_ref(struct certificate_state *s) {
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void certificate_state_free(struct certificate_state *s) {
  if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
    return;
  buf_free(&s->policy);
  buf_free(&s->pending.policy);
  buf_free(&s->pending.csr);
  buf_free(&s->pending.tags);
  buf_free(&s->pending.error);
  if (s->pending.material)
    material_free(s->pending.material);
  mem_free(s);
}

err_t state_new(struct certificate_state **out) {
  struct certificate_state *s = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  atomic_init(&s->refs, 1);
  *out = s;
  return OK;
}

static err_t copy_pending(const struct certificate_pending *from, struct certificate_pending *to) {
  *to = *from;
  to->policy = to->csr = to->tags = to->error = (struct buf)BUF_EMPTY;
  if (to->material)
    material_ref(to->material);
  buf_put_bytes(&to->policy, buf_bytes(&from->policy));
  buf_put_bytes(&to->csr, buf_bytes(&from->csr));
  buf_put_bytes(&to->tags, buf_bytes(&from->tags));
  buf_put_bytes(&to->error, buf_bytes(&from->error));
  TRY(buf_ok(&to->policy));
  TRY(buf_ok(&to->csr));
  TRY(buf_ok(&to->tags));
  return buf_ok(&to->error);
}

err_t state_copy(const struct certificate_state *from, bool pending,
                 struct certificate_state **out) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(state_new(&s));
  buf_put_bytes(&s->policy, buf_bytes(&from->policy));
  TRY(buf_ok(&s->policy));
  memcpy(s->policy_oid, from->policy_oid, sizeof s->policy_oid);
  s->policy_created = from->policy_created;
  s->policy_updated = from->policy_updated;
  s->renew = from->renew;
  s->email = from->email;
  s->keep_order = from->keep_order;
  s->has_pending = pending && from->has_pending;
  if (s->has_pending)
    TRY(copy_pending(&from->pending, &s->pending));
  *out = TAKE(s);
  return OK;
}

err_t state_ended(const struct certificate_state *from, enum cert_status status,
                  struct certificate_state **out) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(state_copy(from, true, &s));
  s->pending.status = status;
  if (s->pending.material)
    material_free(TAKE(s->pending.material));
  *out = TAKE(s);
  return OK;
}

err_t state_set_policy(struct certificate_state *s, const struct cert_policy *policy,
                       const char *oid) {
  int64_t now = clock_now();
  buf_clear(&s->policy);
  buf_put_bytes(&s->policy, buf_bytes(&policy->text));
  s->policy_updated = now;
  if (!s->policy_created)
    s->policy_created = now;
  snprintf(s->policy_oid, sizeof s->policy_oid, "%s", oid);
  s->renew = policy->renew;
  s->email = policy->email;
  return buf_ok(&s->policy);
}

bool state_in_progress(const struct certificate_state *s) {
  return s->has_pending && s->pending.status == CERT_IN_PROGRESS;
}

static void put_trigger(const struct cert_trigger *t, struct buf *out) {
  pack_u32(out, t->percentage);
  pack_u32(out, t->days);
}

static void get_trigger(struct unpack *u, struct cert_trigger *t) {
  t->percentage = unpack_u32(u);
  t->days = unpack_u32(u);
}

static void put_material(const struct key_material *m, struct buf *out) {
  pack_u8(out, m != NULL);
  if (!m)
    return;
  pack_u8(out, (uint8_t)m->type);
  pack_bytes(out, buf_bytes(&m->public_members));
  pack_bytes(out, buf_bytes(&m->sealed));
}

static err_t get_material(struct unpack *u, const char *folded, const char *version,
                          struct key_material **out) {
  if (!unpack_u8(u))
    return OK;
  unsigned type = unpack_u8(u);
  struct bytes public_members = unpack_bytes(u), sealed = unpack_bytes(u);
  if (u->bad || type > KEY_OCT)
    FAIL(ERR_CORRUPT, "a pending certificate's key has a type that this version does not know");
  return material_of((enum key_type)type, public_members, sealed, folded, version, out);
}

static void put_pending(const struct certificate_pending *p, struct buf *out) {
  pack_u8(out, (uint8_t)p->status);
  pack_u8(out, p->cancel);
  pack_str(out, p->version);
  pack_str(out, p->request_id);
  pack_str(out, p->issuer);
  pack_u8(out, p->enabled);
  pack_str(out, p->oid);
  pack_bytes(out, buf_bytes(&p->policy));
  pack_bytes(out, buf_bytes(&p->csr));
  pack_bytes(out, buf_bytes(&p->tags));
  pack_bytes(out, buf_bytes(&p->error));
  put_material(p->material, out);
}

static err_t get_pending(struct unpack *u, const char *folded, struct certificate_pending *p) {
  unsigned status = unpack_u8(u);
  p->status = (enum cert_status)status;
  p->cancel = unpack_u8(u) != 0;
  unpack_str(u, p->version, sizeof p->version);
  unpack_str(u, p->request_id, sizeof p->request_id);
  unpack_str(u, p->issuer, sizeof p->issuer);
  p->enabled = unpack_u8(u) != 0;
  unpack_str(u, p->oid, sizeof p->oid);
  buf_put_bytes(&p->policy, unpack_bytes(u));
  buf_put_bytes(&p->csr, unpack_bytes(u));
  buf_put_bytes(&p->tags, unpack_bytes(u));
  buf_put_bytes(&p->error, unpack_bytes(u));
  if (u->bad || status > CERT_FAILED)
    FAIL(ERR_CORRUPT, "a pending certificate's record has a form that this version does not know");
  TRY(buf_ok(&p->policy));
  TRY(buf_ok(&p->csr));
  TRY(buf_ok(&p->tags));
  TRY(buf_ok(&p->error));
  return get_material(u, folded, p->version, &p->material);
}

void state_put(const struct certificate_state *s, struct buf *out) {
  pack_u8(out, FORMAT);
  pack_bytes(out, buf_bytes(&s->policy));
  pack_str(out, s->policy_oid);
  pack_i64(out, s->policy_created);
  pack_i64(out, s->policy_updated);
  put_trigger(&s->renew, out);
  put_trigger(&s->email, out);
  pack_u8(out, s->keep_order);
  pack_u8(out, s->has_pending);
  if (s->has_pending)
    put_pending(&s->pending, out);
}

err_t state_get(struct unpack *u, const char *folded, struct certificate_state **out) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(state_new(&s));
  if (unpack_u8(u) != FORMAT)
    FAIL(ERR_CORRUPT, "a certificate's record has a format that this version does not know");
  buf_put_bytes(&s->policy, unpack_bytes(u));
  TRY(buf_ok(&s->policy));
  unpack_str(u, s->policy_oid, sizeof s->policy_oid);
  s->policy_created = unpack_i64(u);
  s->policy_updated = unpack_i64(u);
  get_trigger(u, &s->renew);
  get_trigger(u, &s->email);
  s->keep_order = unpack_u8(u) != 0;
  s->has_pending = unpack_u8(u) != 0;
  if (s->has_pending)
    TRY(get_pending(u, folded, &s->pending));
  *out = TAKE(s);
  return OK;
}

/* --- of a name --- */

static struct certificate_state *state_in(const struct index *x, const char *folded) {
  size_t pos;
  return index_find(x, folded, &pos)
           ? certificate_state_ref(certificate_entry_of(x->entries[pos])->state)
           : NULL;
}

struct certificate_state *certificates_state(struct vault *v, const char *name) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  READ_LOCKED(v);
  const struct shelf *s = &v->shelves[KIND_CERTIFICATE];
  struct certificate_state *state = state_in(&s->active, folded);
  return state ? state : state_in(&s->deleted, folded);
}

static void set_state(struct entry *e, const void *value) {
  certificate_entry_of(e)->state = (struct certificate_state *)value;
}

err_t state_commit(struct vault *v, const char *folded, struct version *const *versions,
                   size_t count, struct certificate_state *next) {
  struct change c = {
    .count = count, .set_head = set_state, .value = next, .head_kind = KIND_CERTIFICATE
  };
  for (size_t i = 0; i < count; i++)
    c.versions[i] = versions[i];
  struct entry *e = find_active(v, KIND_CERTIFICATE, folded);
  struct certificate_state *old = e ? certificate_entry_of(e)->state : NULL;
  TRY(change_commit(v, folded, &c));
  certificate_state_ref(next);
  if (old)
    certificate_state_free(old);
  return OK;
}
