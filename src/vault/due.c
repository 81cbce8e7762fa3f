/* What policies and the end of the retention make due, for the scheduler. */
#include "base/clock.h"
#include "vault/internal.h"

/* Has the moment come that an action's trigger names? after counts from creation, before from
 * expiry. */
static bool triggered(const struct key_version *kv, const char *after, const char *before,
                      int64_t now) {
  const struct key_attributes *a = &kv->attributes;
  int64_t when;
  return (after[0] && duration_add(after, 1, a->created, &when) && now >= when) ||
         (before[0] && a->has_exp && duration_add(before, -1, a->exp, &when) && now >= when);
}

#define DUE_AT_ONCE 64
#define RETRY_SECONDS 3600 /* what fails once fails again */

static bool may_try(const struct key_version *kv, int64_t now) {
  return atomic_load(&kv->material->retry_at) <= now;
}

static void tried(const struct key_version *kv, err_t e) {
  if (e != OK)
    atomic_store(&kv->material->retry_at, clock_now() + RETRY_SECONDS);
}

enum due { DUE_NOTHING, DUE_ROTATE, DUE_NOTIFY };

static enum due entry_due(const struct key_entry *e, int64_t now) {
  const struct key_policy *p = &e->policy;
  if (!p->created || !e->latest->attributes.enabled)
    return DUE_NOTHING;
  if (triggered(e->latest, p->rotate_after, p->rotate_before, now) && may_try(e->latest, now))
    return DUE_ROTATE;
  if (triggered(e->latest, p->notify_after, p->notify_before, now) &&
      !atomic_load(&e->latest->material->notified))
    return DUE_NOTIFY;
  return DUE_NOTHING;
}

/* Shares of the latest versions of what is due from *pos on. */
static size_t find_due(struct vault *v, size_t *pos, struct key_version **due, enum due *what) {
  int64_t now = clock_now();
  size_t n = 0;
  READ_LOCKED(v);
  for (; *pos < v->active.count && n < DUE_AT_ONCE; ++*pos) {
    struct key_entry *e = v->active.entries[*pos];
    what[n] = entry_due(e, now);
    if (what[n] != DUE_NOTHING)
      due[n++] = key_version_ref(e->latest);
  }
  return n;
}

/* The entry whose latest version was found to be due, if it still is; under the stripe. Much may
 * have happened since: nothing is done by the name alone. */
static struct key_entry *still_due(struct vault *v, const char *folded,
                                   const struct key_version *latest) {
  struct key_entry *e = find_active(v, folded);
  bool same = e && entry_settled(e) && strcmp(e->latest->id, latest->id) == 0;
  return same && entry_due(e, clock_now()) == DUE_ROTATE ? e : NULL;
}

/* *fresh is NULL when there was nothing to do any more. */
static err_t rotate(struct vault *v, const struct key_version *old, struct key_version **fresh) {
  char folded[KEY_NAME_MAX + 1];
  AUTO(key) struct key *key = NULL;
  struct key_entry *e;
  name_fold(old->name, folded);
  { /* before the costly part; looked at again below */
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    if (!(e = still_due(v, folded, old)))
      return OK;
    TRY(change_room(e));
  }
  TRY(key_generate(&old->spec, &key));
  AUTO_STRIPE stripe = stripe_lock(v, folded);
  e = still_due(v, folded, old);
  return e ? change_rotate(v, e, key, fresh) : OK;
}

static err_t rotate_or_notify(struct vault *v, struct key_version *old, enum due what,
                              keys_due_done *done, void *ctx) {
  AUTO(key_version) struct key_version *fresh = NULL;
  if (what == DUE_NOTIFY) {
    atomic_store(&old->material->notified, true);
    return done(ctx, "KeyNearExpiry", old, OK);
  }
  err_t e = rotate(v, old, &fresh);
  tried(old, e);
  if (e == OK && !fresh)
    return OK;
  return done(ctx, "KeyRotateIfDue", fresh ? fresh : old, e);
}

static err_t carry_out_rotations(struct vault *v, keys_due_done *done, void *ctx) {
  size_t pos = 0, n;
  struct key_version *due[DUE_AT_ONCE];
  enum due what[DUE_AT_ONCE];
  err_t e = OK;
  while (e == OK && (n = find_due(v, &pos, due, what)) > 0)
    for (size_t i = 0; i < n; i++) {
      AUTO(key_version) struct key_version *old = due[i];
      if (e == OK)
        e = rotate_or_notify(v, old, what[i], done, ctx);
    }
  return e;
}

static bool purgeable(const struct key_entry *e, int64_t now) {
  return e->deleted && e->purge_at <= now && entry_settled(e) && may_try(e->latest, now);
}

static size_t find_purgeable(struct vault *v, struct key_version **due) {
  int64_t now = clock_now();
  size_t n = 0;
  READ_LOCKED(v);
  for (size_t i = 0; i < v->deleted.count && n < DUE_AT_ONCE; i++)
    if (purgeable(v->deleted.entries[i], now))
      due[n++] = key_version_ref(v->deleted.entries[i]->latest);
  return n;
}

static err_t purge(struct vault *v, const struct key_version *kv, keys_due_done *done, void *ctx) {
  char folded[KEY_NAME_MAX + 1];
  err_t e;
  name_fold(kv->name, folded);
  {
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    struct key_entry *entry = find_deleted(v, folded);
    if (!entry || !purgeable(entry, clock_now()))
      return OK; /* no longer */
    e = entry_purge(v, entry);
  }
  tried(kv, e);
  return done(ctx, "KeyPurgeIfDue", kv, e);
}

err_t keys_carry_out_due(struct vault *v, keys_due_done *done, void *ctx) {
  struct key_version *due[DUE_AT_ONCE];
  err_t e = carry_out_rotations(v, done, ctx);
  size_t n;
  while (e == OK && (n = find_purgeable(v, due)) > 0)
    for (size_t i = 0; i < n; i++) {
      AUTO(key_version) struct key_version *kv = due[i];
      if (e == OK)
        e = purge(v, kv, done, ctx);
    }
  return e;
}
