/* What time makes due, for the scheduler: the kinds' own actions, and purges at the end of the
 * retention. */
#include "base/clock.h"
#include "vault/kind.h"

#include <stdio.h>

#define DUE_AT_ONCE 64
#define RETRY_SECONDS 3600 /* what fails once fails again */

bool due_may_try(const struct version *version, int64_t now) {
  return atomic_load(&version->retry_at) <= now;
}

void due_tried(struct version *version, err_t e) {
  if (e != OK)
    atomic_store(&version->retry_at, clock_now() + RETRY_SECONDS);
}

static bool purgeable(const struct entry *e, int64_t now) {
  return e->deleted && !e->latest->managed && e->purge_at <= now && entry_settled(e) &&
         due_may_try(e->latest, now);
}

static size_t find_purgeable(struct vault *v, enum kind_id kind, struct version **due) {
  int64_t now = clock_now();
  size_t n = 0;
  READ_LOCKED(v);
  const struct index *x = &v->shelves[kind].deleted;
  for (size_t i = 0; i < x->count && n < DUE_AT_ONCE; i++)
    if (purgeable(x->entries[i], now))
      due[n++] = version_ref(x->entries[i]->latest);
  return n;
}

static err_t purge(struct vault *v, struct version *latest, due_done *done, void *ctx) {
  char folded[OBJECT_NAME_MAX + 1], operation[32];
  err_t e;
  name_fold(latest->name, folded);
  {
    AUTO_STRIPE stripe = stripe_lock(v, folded);
    struct entry *entry = find_deleted(v, latest->kind, folded);
    if (!entry || !purgeable(entry, clock_now()))
      return OK; /* no longer */
    e = entry_purge(v, entry);
  }
  due_tried(latest, e);
  snprintf(operation, sizeof operation, "%sPurgeIfDue", kind_of(latest->kind)->noun);
  return done(ctx, operation, latest, e);
}

static err_t carry_out_purges(struct vault *v, enum kind_id kind, due_done *done, void *ctx) {
  struct version *due[DUE_AT_ONCE];
  err_t e = OK;
  size_t n;
  while (e == OK && (n = find_purgeable(v, kind, due)) > 0)
    for (size_t i = 0; i < n; i++) {
      AUTO(version) struct version *latest = due[i];
      if (e == OK)
        e = purge(v, latest, done, ctx);
    }
  return e;
}

static unsigned entry_due(const struct entry *e, int64_t now) {
  return entry_settled(e) ? e->kind->due(e, now) : 0;
}

/* Shares of the latest versions of what is due from *pos on. */
static size_t find_due(struct vault *v, enum kind_id kind, size_t *pos, struct version **due,
                       unsigned *what) {
  int64_t now = clock_now();
  size_t n = 0;
  READ_LOCKED(v);
  const struct index *x = &v->shelves[kind].active;
  for (; *pos < x->count && n < DUE_AT_ONCE; ++*pos)
    if ((what[n] = entry_due(x->entries[*pos], now)))
      due[n++] = version_ref(x->entries[*pos]->latest);
  return n;
}

struct entry *due_still(struct vault *v, const char *folded, const struct version *latest,
                        unsigned what) {
  struct entry *e = find_active(v, latest->kind, folded);
  bool same = e && strcmp(e->latest->id, latest->id) == 0;
  return same && entry_due(e, clock_now()) == what ? e : NULL;
}

static err_t carry_out_actions(struct vault *v, const struct kind *k, due_done *done, void *ctx) {
  struct version *due[DUE_AT_ONCE];
  unsigned what[DUE_AT_ONCE];
  size_t pos = 0, n;
  err_t e = OK;
  while (e == OK && (n = find_due(v, k->id, &pos, due, what)) > 0)
    for (size_t i = 0; i < n; i++) {
      AUTO(version) struct version *latest = due[i];
      if (e == OK)
        e = k->carry_out(v, latest, what[i], done, ctx);
    }
  return e;
}

err_t vault_carry_out_due(struct vault *v, due_done *done, void *ctx) {
  err_t e = OK;
  for (int kind = 0; e == OK && kind < KINDS; kind++) {
    const struct kind *k = kind_of((enum kind_id)kind);
    if (k->due)
      e = carry_out_actions(v, k, done, ctx);
  }
  for (int kind = 0; e == OK && kind < KINDS; kind++)
    e = carry_out_purges(v, (enum kind_id)kind, done, ctx);
  return e;
}
