/* A version's three objects, and the completion of what the hub signs itself. */
#include "base/clock.h"
#include "vault/cert_internal.h"
#include "vault/secrets.h"

#include <stdio.h>

/* Usages of the certificate, as operations of its key. */
static unsigned ops_of(const struct cert_policy *policy, enum key_type type) {
  static const struct {
    unsigned usage, ops;
  } table[] = {
    { USAGE_DIGITAL_SIGNATURE | USAGE_NON_REPUDIATION | USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
      1u << OP_SIGN | 1u << OP_VERIFY },
    { USAGE_KEY_ENCIPHERMENT, 1u << OP_WRAP | 1u << OP_UNWRAP },
    { USAGE_DATA_ENCIPHERMENT, 1u << OP_ENCRYPT | 1u << OP_DECRYPT },
  };
  unsigned ops = 0;
  if (!policy->says.usage)
    return key_default_ops(type);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (policy->says.usage & table[i].usage)
      ops |= table[i].ops;
  return ops & key_possible_ops(type);
}

static err_t make_version(enum kind_id kind, const struct certificate_parts *p,
                          struct version **out) {
  AUTO(version) struct version *version = NULL;
  TRY(version_make(kind, p->name, &version));
  memcpy(version->id, p->id, OBJECT_VERSION_SIZE + 1);
  version->managed = kind != KIND_CERTIFICATE;
  *out = TAKE(version);
  return OK;
}

static err_t make_certificate(struct vault *v, const struct certificate_parts *p,
                              struct version **out) {
  AUTO(version) struct version *version = NULL;
  AUTO_CERT_INFO info = { 0 };
  const struct entry *e = find_active(v, KIND_CERTIFICATE, p->folded);
  const struct version *present = e ? entry_version(e, p->id) : NULL;
  const struct buf *leaf = &p->chain->ders[p->chain->leaf];
  TRY(present ? version_copy(present, &version) : make_version(KIND_CERTIFICATE, p, &version));
  TRY(cert_read(buf_bytes(leaf), &info));
  buf_put_bytes(&certificate_version_of(version)->cer, buf_bytes(leaf));
  TRY(buf_ok(&certificate_version_of(version)->cer));
  struct attributes *a = &version->attributes;
  a->enabled = true;
  a->has_nbf = a->has_exp = true;
  a->nbf = info.is.not_before;
  a->exp = info.is.not_after;
  a->updated = clock_now();
  const struct object_request said = { .has_enabled = p->rq->has_enabled,
                                       .enabled = p->rq->enabled,
                                       .has_tags = p->rq->has_tags,
                                       .tags = p->rq->tags };
  TRY(version_apply(version, &said));
  *out = TAKE(version);
  return OK;
}

static err_t make_key(const struct certificate_parts *p, const struct attributes *a,
                      struct version **out) {
  AUTO(version) struct version *version = NULL;
  TRY(make_version(KIND_KEY, p, &version));
  struct key_version *kv = key_version_of(version);
  kv->material = material_ref(p->material);
  kv->spec = *key_spec(p->key);
  kv->hsm = p->policy->hsm;
  kv->ops = ops_of(p->policy, kv->spec.type);
  kv->has_exportable = true;
  kv->exportable = p->policy->exportable;
  version->attributes = *a;
  *out = TAKE(version);
  return OK;
}

/* What the secret holds: the certificates, with the key if that may leave. */
static err_t put_value(const struct certificate_parts *p, struct buf *out) {
  AUTO_SECRET form = { 0 };
  const struct key *key = p->policy->exportable ? p->key : NULL;
  if (p->policy->pem) {
    TRY(cert_export_pem(key, p->chain, &form));
    buf_put_bytes(out, secret_bytes(&form));
  } else {
    TRY(cert_export_pkcs12(key, p->chain, &form));
    if (!buf_reserve(out, form.size / 3 * 4 + 8))
      return ERR_NOMEM;
    buf_put_b64(out, secret_bytes(&form));
  }
  return buf_ok(out);
}

static err_t make_secret(struct vault *v, const struct certificate_parts *p,
                         const struct attributes *a, struct version **out) {
  AUTO(version) struct version *version = NULL;
  AUTO_BUF value = BUF_EMPTY;
  TRY(make_version(KIND_SECRET, p, &version));
  struct secret_version *s = secret_version_of(version);
  s->has_type = true;
  buf_put_str(&s->type, cert_policy_type(p->policy->pem));
  TRY(buf_ok(&s->type));
  TRY(put_value(p, &value));
  TRY(secrets_seal(v, buf_bytes(&value), version));
  version->attributes = *a;
  *out = TAKE(version);
  return OK;
}

err_t certificate_finish(struct vault *v, const struct certificate_parts *p, struct version **out) {
  AUTO(version) struct version *certificate = NULL;
  AUTO(version) struct version *key = NULL;
  AUTO(version) struct version *secret = NULL;
  TRY(make_certificate(v, p, &certificate));
  TRY(make_key(p, &certificate->attributes, &key));
  TRY(make_secret(v, p, &certificate->attributes, &secret));
  struct version *versions[] = { certificate, key, secret };
  TRY(state_commit(v, p->folded, versions, 3, p->next));
  if (out)
    *out = TAKE(certificate);
  return OK;
}

bool issuer_signs(const char *issuer) {
  return issuer_is(issuer, ISSUER_SELF) || issuer_is(issuer, ISSUER_HUB);
}

bool certificate_completable(const struct certificate_state *s) {
  return state_in_progress(s) && !s->pending.cancel && s->settles_at_us <= clock_mono_us() &&
         issuer_signs(s->pending.issuer);
}

err_t policy_says(const struct cert_policy *policy, struct cert_profile *out) {
  char months[DURATION_MAX];
  *out = policy->says;
  snprintf(months, sizeof months, "P%uM", policy->months);
  out->not_before = clock_now() - CERT_BACKDATED;
  if (!duration_add(months, 1, out->not_before, &out->not_after))
    FAIL(ERR_INTERNAL, "a policy's months are no duration");
  return OK;
}

static err_t sign(struct vault *v, const struct certificate_state *s, const struct key *key,
                  const struct cert_policy *policy, struct cert_chain *chain) {
  struct cert_profile says;
  TRY(policy_says(policy, &says));
  if (issuer_is(s->pending.issuer, ISSUER_HUB))
    return v->authority.issue(v->authority.ctx, s->pending.oid, &says, key, chain);
  chain->count = 1;
  return cert_self_sign(key, &says, &chain->ders[0]);
}

static err_t sign_and_finish(struct vault *v, const struct entry *e,
                             struct certificate_state *present, struct version **out) {
  const struct certificate_pending *p = &present->pending;
  AUTO_CERT_POLICY policy = { 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO(certificate_state) struct certificate_state *next = NULL;
  TRY(cert_policy_read(NULL, buf_bytes(&p->policy), &policy));
  TRY(material_open(v, p->material, &key));
  TRY(sign(v, present, key, &policy, &chain));
  TRY(state_ended(present, CERT_COMPLETED, &next));
  const struct object_request rq = {
    .has_enabled = true, .enabled = p->enabled, .has_tags = true, .tags = buf_bytes(&p->tags)
  };
  err_t err = certificate_finish(v,
                                 &(struct certificate_parts){ .name = e->name,
                                                              .folded = e->folded,
                                                              .id = p->version,
                                                              .policy = &policy,
                                                              .material = p->material,
                                                              .key = key,
                                                              .chain = &chain,
                                                              .rq = &rq,
                                                              .next = next },
                                 out);
  if (err != OK && issuer_is(p->issuer, ISSUER_HUB))
    v->authority.take_back(v->authority.ctx, buf_bytes(&chain.ders[0]));
  return err;
}

/* The authority will not, whenever it is asked. */
static err_t fail(struct vault *v, const struct entry *e, const struct certificate_state *present,
                  const char *text) {
  AUTO(certificate_state) struct certificate_state *next = NULL;
  TRY(state_ended(present, CERT_FAILED, &next));
  buf_put_str(&next->pending.error, text);
  TRY(buf_ok(&next->pending.error));
  return state_commit(v, e->folded, NULL, 0, next);
}

err_t certificate_complete(struct vault *v, struct entry *e, struct version **out) {
  AUTO(certificate_state)
  struct certificate_state *present = certificate_state_ref(certificate_entry_of(e)->state);
  if (out)
    *out = NULL;
  err_t err = sign_and_finish(v, e, present, out);
  bool refused = err != OK && err_info(err)->status >= 400 && err_info(err)->status < 500 &&
                 err != ERR_THROTTLED;
  if (refused)
    TRY(fail(v, e, present, err_text(err)));
  return err;
}
