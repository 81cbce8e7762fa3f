/* Import, merge, and changes of a certificate, its policy and its pending operation. */
#include "base/clock.h"
#include "vault/cert_internal.h"

static err_t find(struct vault *v, const char *name, char folded[static OBJECT_NAME_MAX + 1],
                  struct entry **out) {
  return active_entry(v, KIND_CERTIFICATE, name, folded, out);
}

err_t certificates_import(struct vault *v, const char *name, const struct certificate_request *rq,
                          struct key *key, const struct cert_chain *chain, struct version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(certificate_state) struct certificate_state *next = NULL;
  AUTO(version) struct version *fresh = NULL;
  AUTO(material) struct key_material *material = NULL;
  const struct certificate_begin b = { .policy = rq->policy };
  name_fold(name, folded);
  TRY(issuer_check(v, rq->policy, rq->oid));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(certificate_may_begin(v, name, folded, &b));
  const struct entry *e = find_active(v, KIND_CERTIFICATE, folded);
  TRY(e ? state_copy(certificate_entry_of(e)->state, false, &next) : state_new(&next));
  TRY(state_set_policy(next, rq->policy, rq->oid));
  next->keep_order = rq->keep_order;
  TRY(version_make(KIND_CERTIFICATE, name, &fresh)); /* for its id */
  const char *id = e && !certificate_issued(e->latest) ? e->latest->id : fresh->id;
  TRY(material_new(v, key, folded, id, &material));
  return certificate_finish(v,
                            &(struct certificate_parts){ .name = name,
                                                         .folded = folded,
                                                         .id = id,
                                                         .policy = rq->policy,
                                                         .material = material,
                                                         .key = key,
                                                         .chain = chain,
                                                         .rq = &rq->base,
                                                         .next = next },
                            out);
}

static err_t pending_entry(struct vault *v, const char *name, const char *folded,
                           struct entry **out) {
  TRY(active_entry(v, KIND_CERTIFICATE, name, folded, out));
  if (!certificate_entry_of(*out)->state->has_pending)
    REFUSE(ERR_PENDING_NOT_FOUND, "Pending certificate not found: %s", name);
  return OK;
}

static err_t in_progress(struct vault *v, const char *name, const char *folded,
                         struct entry **out) {
  TRY(pending_entry(v, name, folded, out));
  if (!state_in_progress(certificate_entry_of(*out)->state))
    REFUSE(ERR_CONFLICT, "The pending operation of certificate %s has ended.", name);
  return OK;
}

/* What the request leaves open is as it was when the operation began. */
static struct object_request merged(const struct object_request *rq,
                                    const struct certificate_pending *p) {
  struct object_request r = { .has_enabled = true,
                              .enabled = rq->has_enabled ? rq->enabled : p->enabled,
                              .has_tags = true,
                              .tags = rq->has_tags ? rq->tags : buf_bytes(&p->tags) };
  return r;
}

err_t certificates_merge(struct vault *v, const char *name, const struct bytes *ders, size_t count,
                         const struct object_request *rq, struct version **out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO_CERT_POLICY policy = { 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO(certificate_state) struct certificate_state *next = NULL;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(in_progress(v, name, folded, &e));
  AUTO(certificate_state)
  struct certificate_state *present = certificate_state_ref(certificate_entry_of(e)->state);
  const struct certificate_pending *p = &present->pending;
  if (p->cancel)
    REFUSE(ERR_CONFLICT, "Cancellation of the pending operation was requested: delete it.");
  TRY(cert_policy_read(NULL, buf_bytes(&p->policy), &policy));
  TRY(material_open(v, p->material, &key));
  chain.keep_order = present->keep_order;
  TRY(cert_merge_chain(ders, count, key, &chain));
  TRY(state_ended(present, CERT_COMPLETED, &next));
  struct object_request said = merged(rq, p);
  return certificate_finish(v,
                            &(struct certificate_parts){ .name = e->name,
                                                         .folded = folded,
                                                         .id = p->version,
                                                         .policy = &policy,
                                                         .material = p->material,
                                                         .key = key,
                                                         .chain = &chain,
                                                         .rq = &said,
                                                         .next = next },
                            out);
}

/* The state with another policy; NULL when none is given. */
static err_t with_policy(struct vault *v, const struct entry *e, json_t *given, const char *oid,
                         struct certificate_state **out) {
  const struct certificate_state *present = certificate_entry_of(e)->state;
  AUTO(certificate_state) struct certificate_state *next = NULL;
  AUTO_CERT_POLICY policy = { 0 };
  TRY(cert_policy_read(given, buf_bytes(&present->policy), &policy));
  TRY(issuer_check(v, &policy, oid));
  TRY(state_copy(present, true, &next));
  TRY(state_set_policy(next, &policy, oid));
  *out = TAKE(next);
  return OK;
}

static err_t changed(struct vault *v, enum kind_id kind, const char *folded, const char *id,
                     const struct object_request *rq, struct version **out) {
  AUTO(version) struct version *version = NULL;
  const struct entry *e = find_active(v, kind, folded);
  const struct version *present = e ? entry_version(e, id) : NULL;
  if (!present)
    return OK; /* not issued yet: there is the certificate only */
  TRY(version_copy(present, &version));
  TRY(version_apply(version, rq));
  version->attributes.updated = clock_now();
  *out = TAKE(version);
  return OK;
}

err_t certificates_update(struct vault *v, const char *name, const char *version,
                          const struct object_request *rq, json_t *policy, const char *oid,
                          struct version **out) {
  char folded[OBJECT_NAME_MAX + 1], wanted[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO(certificate_state) struct certificate_state *next = NULL;
  AUTO(version) struct version *certificate = NULL;
  AUTO(version) struct version *key = NULL;
  AUTO(version) struct version *secret = NULL;
  name_fold(name, folded);
  name_fold(version, wanted);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(find(v, name, folded, &e));
  const struct version *present = entry_version(e, wanted);
  if (!present)
    return object_not_found(KIND_CERTIFICATE, name, version);
  /* times are the certificate's own; tags are not those of key and secret */
  struct object_request said = *rq,
                        state_only = { .has_enabled = rq->has_enabled, .enabled = rq->enabled };
  said.has_nbf = said.has_exp = false;
  if (rq->has_enabled && rq->enabled && !certificate_issued(present))
    REFUSE(ERR_CONFLICT, "Certificate %s is not issued yet: it can't be enabled.", e->name);
  TRY(changed(v, KIND_CERTIFICATE, folded, present->id, &said, &certificate));
  TRY(changed(v, KIND_KEY, folded, present->id, &state_only, &key));
  TRY(changed(v, KIND_SECRET, folded, present->id, &state_only, &secret));
  if (policy)
    TRY(with_policy(v, e, policy, oid, &next));
  else
    next = certificate_state_ref(certificate_entry_of(e)->state);
  struct version *versions[] = { certificate, key, secret };
  TRY(state_commit(v, folded, versions, key && secret ? 3 : 1, next));
  *out = TAKE(certificate);
  return OK;
}

err_t certificates_update_policy(struct vault *v, const char *name, json_t *given, const char *oid,
                                 struct certificate_state **out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO(certificate_state) struct certificate_state *next = NULL;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(find(v, name, folded, &e));
  TRY(with_policy(v, e, given, oid, &next));
  TRY(state_commit(v, folded, NULL, 0, next));
  *out = TAKE(next);
  return OK;
}

err_t certificates_pending(struct vault *v, const char *name, struct certificate_state **out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(pending_entry(v, name, folded, &e));
  if (certificate_completable(certificate_entry_of(e)->state))
    IGNORE(certificate_complete(v, e, NULL)); /* the state says how it went */
  *out = certificate_state_ref(certificate_entry_of(e)->state);
  return OK;
}

err_t certificates_cancel(struct vault *v, const char *name, struct certificate_state **out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO(certificate_state) struct certificate_state *next = NULL;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(in_progress(v, name, folded, &e));
  TRY(state_copy(certificate_entry_of(e)->state, true, &next));
  next->pending.cancel = true;
  TRY(state_commit(v, folded, NULL, 0, next));
  *out = TAKE(next);
  return OK;
}

err_t certificates_delete_pending(struct vault *v, const char *name,
                                  struct certificate_state **out) {
  char folded[OBJECT_NAME_MAX + 1];
  struct entry *e;
  AUTO(certificate_state) struct certificate_state *next = NULL;
  name_fold(name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(pending_entry(v, name, folded, &e));
  AUTO(certificate_state)
  struct certificate_state *was = certificate_state_ref(certificate_entry_of(e)->state);
  TRY(state_copy(was, false, &next));
  TRY(state_commit(v, folded, NULL, 0, next));
  *out = TAKE(was);
  return OK;
}

void vault_set_authority(struct vault *v, const struct cert_authority *authority) {
  v->authority = *authority;
}
