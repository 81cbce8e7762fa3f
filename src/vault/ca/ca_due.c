/* What the authority does by time. */
#include "base/log.h"
#include "vault/ca/ca_internal.h"

#include <stdlib.h>

#define RENEW_BEFORE (548 * DAY) /* half of its life; longer than anything lives that it issues */
#define RENEW_GAIN (30 * DAY)    /* less is not worth a new authority: the root ends */
#define WARN_BEFORE (180 * DAY)
#define SWEEP_SECONDS 3600
#define FORGET_AFTER (2 * DAY) /* so that a list that names it was there after it expired */
#define FORGET_AT_ONCE 256

static bool renewal_due(struct ca *ca, int64_t now) {
  const struct authority *a = authority_now(ca);
  int64_t end =
    now + 2 * RENEW_BEFORE < ca->root.not_after ? now + 2 * RENEW_BEFORE : ca->root.not_after;
  return a->not_after - now < RENEW_BEFORE && end - a->not_after > RENEW_GAIN;
}

static err_t renew(struct ca *ca, int64_t now, unsigned *renewed) {
  CA_CHANGING(ca);
  if (!ca->root.key || !renewal_due(ca, now))
    return OK;
  TRY(authority_make(ca, ca->root.key, &authority_now(ca)->permitted, now));
  *renewed = authority_now(ca)->number;
  return OK;
}

/* Once a day: what only an operator can do something about. */
static void warn(struct ca *ca, int64_t now) {
  int64_t left = authority_now(ca)->not_after - now, root_left = ca->root.not_after - now;
  int64_t crl_left = ca->root.crl.next_update - now;
  if (now - ca->warned < DAY)
    return;
  ca->warned = now;
  if (left < WARN_BEFORE && !ca->root.key)
    log_warn("ca",
             "the issuing authority ends in %lld days and the root's key is offline: stop the hub "
             "and renew it with 'strongroom ca renew-issuing --root-key FILE'",
             (long long)(left / DAY));
  if (crl_left < ROOT_CRL_SECONDS / 4 && !ca->root.key)
    log_warn("ca",
             "the root's revocation list ends in %lld days and the root's key is offline: stop the "
             "hub and run 'strongroom ca renew-issuing --root-key FILE'",
             (long long)(crl_left / DAY));
  if (root_left < 2 * RENEW_BEFORE)
    log_warn("ca", "the root ends in %lld days: clients need a new one before",
             (long long)(root_left / DAY));
}

/* The first error of several parts, each of which is tried; the others are logged. */
static void keep_first(err_t *first, err_t e) {
  if (*first == OK)
    *first = e;
  else if (e != OK)
    log_err("ca", e, "keeping the authority up to date");
}

static err_t refresh_lists(struct ca *ca, int64_t now) {
  err_t first = OK;
  CA_CHANGING(ca);
  for (size_t i = 0; i < ca->authority_count; i++) {
    struct authority *a = ca->authorities[i];
    if (!authority_is_valid(a, now))
      continue;
    if (a->crl_stale || a->crl.next_update - now < CRL_SECONDS / 2)
      keep_first(&first, crl_refresh(ca, a, now));
    if (a->responder_until - now < RESPONDER_SECONDS / 2 && a->responder_until < a->not_after)
      keep_first(&first, ocsp_renew(ca, a, now));
  }
  if (ca->root.key && ca->root.crl.next_update - now < ROOT_CRL_SECONDS / 2)
    keep_first(&first, crl_refresh_root(ca, ca->root.key, now, NULL, 0));
  return first;
}

static err_t retire(struct ca *ca, int64_t now) {
  CA_CHANGING(ca);
  return authorities_retire(ca, now);
}

static size_t find_old(struct ca *ca, int64_t now, struct issued **old) {
  size_t n = 0;
  CA_READ_LOCKED(ca);
  for (struct issued *i = ca->ledger.oldest; i && n < FORGET_AT_ONCE; i = i->newer)
    if (i->not_after < now - FORGET_AFTER)
      old[n++] = i;
  return n;
}

static err_t remove_records(struct ca *ca, struct issued *const *old, size_t count) {
  struct place {
    char text[STORE_PLACE_MAX + 1];
  } *places AUTO_FREE = mem_alloc(count * sizeof *places);
  struct store_write *writes AUTO_FREE = mem_zalloc(count * sizeof *writes);
  if (!places || !writes)
    return ERR_NOMEM;
  for (size_t i = 0; i < count; i++) {
    issued_place(old[i], places[i].text);
    writes[i].place = places[i].text;
  }
  return store_commit(ca->store, writes, count);
}

static err_t forget(struct ca *ca, int64_t now, size_t *count) {
  struct issued *old[FORGET_AT_ONCE];
  CA_CHANGING(ca);
  *count = find_old(ca, now, old);
  if (*count == 0)
    return OK;
  TRY(remove_records(ca, old, *count));
  CA_WRITE_LOCKED(ca);
  for (size_t i = 0; i < *count; i++) {
    if (old[i]->revoked_at)
      authority_mark_stale(ca, old[i]->authority);
    ledger_remove(&ca->ledger, old[i]);
    issued_free(old[i]);
  }
  return OK;
}

static err_t sweep(struct ca *ca, int64_t now) {
  size_t count = FORGET_AT_ONCE;
  if (now - ca->swept < SWEEP_SECONDS)
    return OK;
  while (count == FORGET_AT_ONCE)
    TRY(forget(ca, now, &count));
  ca->swept = now;
  return OK;
}

/* First what verifiers wait for; no part keeps the others from being done. */
err_t ca_carry_out_due(struct ca *ca, int64_t now, unsigned *renewed) {
  *renewed = 0;
  err_t first = refresh_lists(ca, now);
  keep_first(&first, retire(ca, now));
  keep_first(&first, renew(ca, now, renewed));
  warn(ca, now);
  keep_first(&first, sweep(ca, now));
  return first;
}
