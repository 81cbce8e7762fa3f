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

#define DUE_AT_ONCE 64

enum due { DUE_NOTHING, DUE_ROTATE, DUE_NOTIFY };

static enum due entry_due(const struct entry *e, int64_t now) {
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

/* Shares of the latest versions of what is due from *pos on. */
static size_t find_due(struct vault *v, size_t *pos, struct version **due, enum due *what) {
  int64_t now = clock_now();
  size_t n = 0;
  READ_LOCKED(v);
  const struct index *x = &v->shelves[KIND_KEY].active;
  for (; *pos < x->count && n < DUE_AT_ONCE; ++*pos) {
    what[n] = entry_due(x->entries[*pos], now);
    if (what[n] != DUE_NOTHING)
      due[n++] = version_ref(x->entries[*pos]->latest);
  }
  return n;
}

/* The entry whose latest version was found to be due, if it still is; under the stripe. Much may
 * have happened since: nothing is done by the name alone. */
static struct entry *still_due(struct vault *v, const char *folded, const struct version *latest) {
  struct entry *e = find_active(v, KIND_KEY, folded);
  bool same = e && entry_settled(e) && strcmp(e->latest->id, latest->id) == 0;
  return same && entry_due(e, clock_now()) == DUE_ROTATE ? e : NULL;
}

/* *fresh is NULL when there was nothing to do any more. */
static err_t rotate(struct vault *v, const struct version *old, struct key_version **fresh) {
  char folded[OBJECT_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  struct entry *e;
  name_fold(old->name, folded);
  { /* before the costly part; looked at again below */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    if (!(e = still_due(v, folded, old)))
      return OK;
    TRY(change_room(e));
  }
  TRY(key_generate(&key_version_of(old)->spec, &key));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  e = still_due(v, folded, old);
  return e ? key_rotate_entry(v, e, key, fresh) : OK;
}

static err_t rotate_or_notify(struct vault *v, struct version *old, enum due what, due_done *done,
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

err_t keys_carry_out_rotations(struct vault *v, due_done *done, void *ctx) {
  size_t pos = 0, n;
  struct version *due[DUE_AT_ONCE];
  enum due what[DUE_AT_ONCE];
  err_t e = OK;
  while (e == OK && (n = find_due(v, &pos, due, what)) > 0)
    for (size_t i = 0; i < n; i++) {
      AUTO(version) struct version *old = due[i];
      if (e == OK)
        e = rotate_or_notify(v, old, what[i], done, ctx);
    }
  return e;
}
