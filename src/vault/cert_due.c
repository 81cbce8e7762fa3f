/* What the lifetime actions of certificates make due, for the scheduler, and the completion of what
 * was cut off. */
#include "base/clock.h"
#include "vault/cert_internal.h"

enum { DUE_NOTHING, DUE_COMPLETE, DUE_RENEW, DUE_NOTIFY };

static bool triggered(const struct version *version, const struct cert_trigger *t, int64_t now) {
  const struct attributes *a = &version->attributes;
  int64_t lifetime = a->exp - a->nbf;
  return (t->percentage && now >= a->nbf + lifetime / 100 * t->percentage) ||
         (t->days && now >= a->exp - (int64_t)t->days * 86400);
}

unsigned certificate_due(const struct entry *e, int64_t now) {
  const struct certificate_state *s = certificate_entry_of(e)->state;
  const struct version *latest = e->latest;
  if (certificate_completable(s))
    return due_may_try(latest, now) ? DUE_COMPLETE : DUE_NOTHING;
  if (!certificate_issued(latest) || !latest->attributes.enabled)
    return DUE_NOTHING;
  bool busy = state_in_progress(s) && !s->pending.cancel;
  if (!busy && triggered(latest, &s->renew, now) && due_may_try(latest, now))
    return DUE_RENEW;
  if (triggered(latest, &s->email, now) && !atomic_load(&certificate_version_of(latest)->notified))
    return DUE_NOTIFY;
  return DUE_NOTHING;
}

static err_t complete(struct vault *v, const struct version *old, struct version **fresh) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(old->name, folded);
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  struct entry *e = due_still(v, folded, old, DUE_COMPLETE);
  return e ? certificate_complete(v, e, fresh) : OK;
}

struct renewal {
  struct cert_policy policy;
  char oid[GUID_SIZE + 1];
  bool keep_order;
  struct key *key;
  struct buf csr, tags;
};
static void renewal_free(struct renewal *r) {
  cert_policy_free(&r->policy);
  if (r->key)
    key_free(r->key);
  buf_free(&r->csr);
  buf_free(&r->tags);
}
#define AUTO_RENEWAL __attribute__((cleanup(renewal_free))) struct renewal

/* What the next version is to be; policy.issuer stays empty when nothing is to be done. */
static err_t plan(struct vault *v, const char *folded, const struct version *old,
                  struct renewal *r) {
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  const struct entry *e = due_still(v, folded, old, DUE_RENEW);
  if (!e)
    return OK;
  const struct certificate_state *s = certificate_entry_of(e)->state;
  TRY(change_room(e));
  memcpy(r->oid, s->policy_oid, sizeof r->oid);
  r->keep_order = s->keep_order;
  buf_put_bytes(&r->tags, buf_bytes(&old->tags));
  TRY(buf_ok(&r->tags));
  return cert_policy_read(NULL, buf_bytes(&s->policy), &r->policy);
}

static err_t begin(struct vault *v, const char *folded, const struct version *old,
                   const struct renewal *r) {
  AUTO(certificate_state) struct certificate_state *state = NULL;
  const struct certificate_begin b = { .policy = &r->policy,
                                       .key = r->key,
                                       .csr = buf_bytes(&r->csr),
                                       .tags = buf_bytes(&r->tags),
                                       .enabled = true,
                                       .keep_order = r->keep_order,
                                       .keep_policy = true,
                                       .oid = r->oid };
  return due_still(v, folded, old, DUE_RENEW) ? certificate_begin(v, old->name, folded, &b, &state)
                                              : OK;
}

static err_t renew(struct vault *v, const struct version *old, struct version **fresh) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO_RENEWAL r = { .key = NULL };
  name_fold(old->name, folded);
  TRY(plan(v, folded, old, &r));
  if (!issuer_signs(r.policy.issuer))
    return OK; /* the client's to renew */
  TRY(certificate_key(v, folded, &r.policy, &r.key));
  TRY(cert_request(r.key, &r.policy.says, &r.csr));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  TRY(begin(v, folded, old, &r));
  struct entry *e = find_active(v, KIND_CERTIFICATE, folded);
  bool begun = e && certificate_completable(certificate_entry_of(e)->state);
  return begun ? certificate_complete(v, e, fresh) : OK;
}

err_t certificate_carry_out(struct vault *v, struct version *old, unsigned what, due_done *done,
                            void *ctx) {
  AUTO(version) struct version *fresh = NULL;
  if (what == DUE_NOTIFY) {
    atomic_store(&certificate_version_of(old)->notified, true);
    return done(ctx, "CertificateNearExpiry", old, OK);
  }
  err_t e = what == DUE_RENEW ? renew(v, old, &fresh) : complete(v, old, &fresh);
  if (e == OK && !fresh) {
    due_tried(old, ERR_CONFLICT); /* not the hub's to do: not again at once */
    return OK;
  }
  due_tried(old, e);
  return done(ctx, what == DUE_RENEW ? "CertificateRenewIfDue" : "CertificateIssueIfDue",
              fresh ? fresh : old, e);
}
