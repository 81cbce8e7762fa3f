/* What the policies of keys make due, for the scheduler. */
#include "base/clock.h"
#include "vault/key_internal.h"

/* Has the moment come that an action's trigger names? after counts from creation, before from
 * expiry. */
static bool triggered(const struct version *version, const char *after, const char *before,
                      int64_t now) {
  const struct attributes *a = &version->attributes;
  int64_t when;
  return (after[0] && duration_add(after, 1, a->created, &when) && now >= when) ||
         (before[0] && a->has_exp && duration_add(before, -1, a->exp, &when) && now >= when);
}

enum { DUE_NOTHING, DUE_ROTATE, DUE_NOTIFY };

unsigned key_due(const struct entry *e, int64_t now) {
  const struct key_policy *p = &key_entry_of(e)->policy;
  const struct key_version *latest = key_version_of(e->latest);
  if (!p->created || !e->latest->attributes.enabled)
    return DUE_NOTHING;
  if (triggered(e->latest, p->rotate_after, p->rotate_before, now) && due_may_try(e->latest, now))
    return DUE_ROTATE;
  if (triggered(e->latest, p->notify_after, p->notify_before, now) &&
      !atomic_load(&latest->material->notified))
    return DUE_NOTIFY;
  return DUE_NOTHING;
}

/* *fresh is NULL when there was nothing to do any more. */
static err_t rotate(struct vault *v, const struct version *old, struct key_version **fresh) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  struct entry *e;
  name_fold(old->name, folded);
  { /* before the costly part; looked at again below */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    if (!(e = due_still(v, folded, old, DUE_ROTATE)))
      return OK;
    TRY(change_room(e));
  }
  TRY(key_generate(&key_version_of(old)->spec, &key));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  e = due_still(v, folded, old, DUE_ROTATE);
  return e ? key_rotate_entry(v, e, key, fresh) : OK;
}

err_t key_carry_out(struct vault *v, struct version *old, unsigned what, due_done *done,
                    void *ctx) {
  AUTO(key_version) struct key_version *fresh = NULL;
  if (what == DUE_NOTIFY) {
    atomic_store(&key_version_of(old)->material->notified, true);
    return done(ctx, "KeyNearExpiry", old, OK);
  }
  err_t e = rotate(v, old, &fresh);
  due_tried(old, e);
  if (e == OK && !fresh)
    return OK;
  return done(ctx, "KeyRotateIfDue", fresh ? &fresh->base : old, e);
}
