/* Beginning to make a certificate: its key and a request for it, kept in a pending operation. */
#include "vault/cert_internal.h"

#include <stdio.h>
#include <strings.h>

bool issuer_is(const char *issuer, const char *known) {
  return strcasecmp(issuer, known) == 0;
}

/* A certificate needs its name as a key and as a secret, too. What is wrong with its own is said
 * first. */
static err_t names_free(struct vault *v, const char *name, const char *folded) {
  for (int k = KIND_CERTIFICATE; k >= 0; k--) {
    enum kind_id kind = (enum kind_id)k;
    TRY(name_free(v, kind, name, folded));
    const struct entry *e = find_active(v, kind, folded);
    if (e)
      TRY(change_owner(e, kind != KIND_CERTIFICATE));
    if (e)
      TRY(change_room(e));
  }
  return OK;
}

static err_t random_id(char out[static OBJECT_VERSION_SIZE + 1]) {
  uint8_t id[OBJECT_VERSION_SIZE / 2];
  TRY(crypto_random(id, sizeof id));
  hex_encode(bytes_of(id, sizeof id), out);
  return OK;
}

/* What stands for a certificate that has no version yet: disabled, with the times that it may have.
 */
static err_t placeholder(const char *name, const struct entry *e, const struct certificate_begin *b,
                         struct version **out) {
  AUTO(version) struct version *version = NULL;
  struct cert_profile says;
  TRY(policy_says(b->policy, &says));
  if (e)
    TRY(version_copy(e->latest, &version));
  else
    TRY(version_make(KIND_CERTIFICATE, name, &version));
  struct attributes *a = &version->attributes;
  a->enabled = false;
  a->has_nbf = a->has_exp = true;
  a->nbf = says.not_before;
  a->exp = says.not_after;
  buf_clear(&version->tags);
  buf_put_bytes(&version->tags, b->tags);
  TRY(buf_ok(&version->tags));
  *out = TAKE(version);
  return OK;
}

static err_t set_pending(struct vault *v, const char *folded, const struct certificate_begin *b,
                         const char *id, struct certificate_state *s) {
  struct certificate_pending *p = &s->pending;
  s->has_pending = true;
  s->keep_order = b->keep_order;
  s->settles_at_us = settle_time(v);
  *p = (struct certificate_pending){ .enabled = b->enabled };
  memcpy(p->version, id, sizeof p->version);
  memcpy(p->issuer, b->policy->issuer, sizeof p->issuer);
  snprintf(p->oid, sizeof p->oid, "%s", b->oid);
  buf_put_bytes(&p->policy, buf_bytes(&b->policy->text));
  TRY(buf_ok(&p->policy));
  buf_put_bytes(&p->csr, b->csr);
  buf_put_bytes(&p->tags, b->tags);
  TRY(buf_ok(&p->csr));
  TRY(buf_ok(&p->tags));
  TRY(random_id(p->request_id));
  return material_new(v, b->key, folded, id, &p->material);
}

/* Whether the policy is still the one that was read before the key was made. */
static err_t same_policy(const struct certificate_state *present,
                         const struct certificate_begin *b) {
  if (present && bytes_equal(buf_bytes(&present->policy), buf_bytes(&b->policy->text)))
    return OK;
  REFUSE(ERR_CONFLICT, "The certificate's policy was changed meanwhile. Try again.");
}

err_t certificate_may_begin(struct vault *v, const char *name, const char *folded,
                            const struct certificate_begin *b) {
  TRY(names_free(v, name, folded));
  const struct entry *e = find_active(v, KIND_CERTIFICATE, folded);
  const struct certificate_state *present = e ? certificate_entry_of(e)->state : NULL;
  if (present && state_in_progress(present) && !present->pending.cancel)
    REFUSE(ERR_CONFLICT,
           "Certificate %s has a pending operation: wait for it, merge its certificate, or delete "
           "the operation.",
           e->name);
  return b->keep_policy ? same_policy(present, b) : OK;
}

err_t certificate_begin(struct vault *v, const char *name, const char *folded,
                        const struct certificate_begin *b, struct certificate_state **out) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  AUTO(version) struct version *first = NULL;
  char id[OBJECT_VERSION_SIZE + 1];
  TRY(certificate_may_begin(v, name, folded, b));
  const struct entry *e = find_active(v, KIND_CERTIFICATE, folded);
  const struct certificate_state *present = e ? certificate_entry_of(e)->state : NULL;
  if (!e || !certificate_issued(e->latest))
    TRY(placeholder(name, e, b, &first));
  TRY(random_id(id));
  TRY(present ? state_copy(present, false, &s) : state_new(&s));
  if (!b->keep_policy)
    TRY(state_set_policy(s, b->policy, b->oid));
  TRY(set_pending(v, folded, b, first ? first->id : id, s));
  TRY(state_commit(v, folded, &first, first ? 1 : 0, s));
  *out = TAKE(s);
  return OK;
}

/* The latest version's key, if it is one that the policy would make. What was made to stay inside
 * does not come out by way of another policy. */
static err_t present_key(struct vault *v, const char *folded, const struct cert_policy *policy,
                         struct key_material **out) {
  READ_LOCKED(v);
  const struct entry *e = settled_entry(v, KIND_KEY, folded);
  const struct key_version *kv = e ? key_version_of(e->latest) : NULL;
  if (!kv || !kv->base.managed || kv->spec.type != policy->spec.type ||
      kv->spec.bits != policy->spec.bits || kv->spec.curve != policy->spec.curve)
    return OK;
  if (policy->exportable && (!kv->exportable || kv->hsm))
    REFUSE(ERR_BAD_PARAMETER,
           "Property exportable has invalid value: the key that is to be reused is not exportable, "
           "and stays so. Set reuse_key to false.\r\n");
  *out = material_ref(kv->material);
  return OK;
}

err_t certificate_key(struct vault *v, const char *folded, const struct cert_policy *policy,
                      struct key **out) {
  AUTO(material) struct key_material *present = NULL;
  if (policy->reuse_key)
    TRY(present_key(v, folded, policy, &present));
  return present ? material_open(v, present, out) : key_generate(&policy->spec, out);
}

err_t issuer_check(struct vault *v, const struct cert_policy *policy, const char *oid) {
  char provider[64];
  struct cert_profile says;
  TRY(issuers_provider(v, policy->issuer, provider));
  if (!issuer_is(policy->issuer, ISSUER_HUB))
    return OK;
  if (!v->authority.check)
    REFUSE(ERR_BAD_PARAMETER, "This vault has no authority: the issuer can't be " ISSUER_HUB ".");
  TRY(policy_says(policy, &says));
  return v->authority.check(v->authority.ctx, oid, &says);
}

err_t certificates_create(struct vault *v, const char *name, const struct certificate_request *rq,
                          struct certificate_state **out) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  AUTO_BUF csr = BUF_EMPTY;
  struct certificate_begin b = { .policy = rq->policy,
                                 .enabled = !rq->base.has_enabled || rq->base.enabled,
                                 .keep_order = rq->keep_order,
                                 .keep_policy = rq->keep_policy,
                                 .oid = rq->oid,
                                 .tags = rq->base.has_tags ? rq->base.tags : (struct bytes){ 0 } };
  name_fold(name, folded);
  TRY(issuer_check(v, rq->policy, rq->oid));
  { /* before the costly part; decided again when it begins */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    TRY(certificate_may_begin(v, name, folded, &b));
  }
  TRY(certificate_key(v, folded, rq->policy, &key));
  TRY(cert_request(key, &rq->policy->says, &csr));
  b.key = key;
  b.csr = buf_bytes(&csr);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(certificate_begin(v, name, folded, &b, out));
  if (certificate_completable(*out))
    IGNORE(certificate_complete(v, find_active(v, KIND_CERTIFICATE, folded), NULL));
  return OK;
}
