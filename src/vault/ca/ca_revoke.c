/* Revocation, by serial or by name. It is durable before it shows; the list follows at once, or
 * with the scheduler if that fails. */
#include "base/clock.h"
#include "base/log.h"
#include "vault/ca/ca_internal.h"

#define REVOKE_AT_ONCE 64

/* NULL: not for a revocation that lasts. */
static const char *const reasons[] = {
  "unspecified", "keyCompromise",        "cACompromise", "affiliationChanged",
  "superseded",  "cessationOfOperation", NULL,           NULL,
  NULL,          "privilegeWithdrawn",   "aACompromise"
};
#define REASONS (sizeof reasons / sizeof *reasons)

const char *ca_reason_name(unsigned reason) {
  return reason < REASONS && reasons[reason] ? reasons[reason] : reasons[0];
}

bool ca_reason_parse(struct bytes text, unsigned *out) {
  for (unsigned i = 0; i < REASONS; i++)
    if (reasons[i] && bytes_equal_nocase(text, reasons[i])) {
      *out = i;
      return true;
    }
  return false;
}

static err_t check_reason(unsigned reason) {
  if (reason >= REASONS || !reasons[reason])
    REFUSE(ERR_BAD_PARAMETER, "There is no such reason to revoke a certificate.");
  return OK;
}

static err_t commit(struct ca *ca, struct issued *const *list, size_t count, int64_t now,
                    unsigned reason) {
  struct place {
    char text[STORE_PLACE_MAX + 1];
  } places[REVOKE_AT_ONCE];
  struct store_write writes[REVOKE_AT_ONCE];
  struct ends {
    size_t from, to;
  } ends[REVOKE_AT_ONCE];
  AUTO_BUF records = BUF_EMPTY;
  for (size_t i = 0; i < count; i++) {
    struct issued next = *list[i];
    next.revoked_at = now;
    next.reason = reason;
    issued_place(&next, places[i].text);
    ends[i].from = records.size;
    issued_pack(&next, &records);
    ends[i].to = records.size;
  }
  TRY(buf_ok(&records));
  for (size_t i = 0; i < count; i++)
    writes[i] = (struct store_write){ places[i].text, bytes_of(records.data + ends[i].from,
                                                               ends[i].to - ends[i].from) };
  return store_commit(ca->store, writes, count);
}

/* The caller holds changing, so nobody else writes. */
static err_t revoke(struct ca *ca, struct issued *const *list, size_t count, unsigned reason) {
  int64_t now = clock_real();
  TRY(commit(ca, list, count, now, reason));
  CA_WRITE_LOCKED(ca);
  for (size_t i = 0; i < count; i++) {
    list[i]->revoked_at = now;
    list[i]->reason = reason;
    ledger_put_revoked(&ca->ledger, list[i]);
    authority_mark_stale(ca, list[i]->authority);
  }
  atomic_fetch_add(&ca->revision, 1);
  return OK;
}

static void refresh(struct ca *ca) {
  for (size_t i = 0; i < ca->authority_count; i++) {
    err_t e =
      ca->authorities[i]->crl_stale ? crl_refresh(ca, ca->authorities[i], clock_real()) : OK;
    if (e != OK)
      log_err("ca", e, "signing the revocation list; it is tried again");
  }
}

static struct issued *find(struct ca *ca, const char *serial) {
  CA_READ_LOCKED(ca);
  return ledger_serial(&ca->ledger, serial);
}

err_t ca_revoke(struct ca *ca, const char *serial, unsigned reason, const char *oid) {
  TRY(check_reason(reason));
  CA_CHANGING(ca);
  struct issued *i = find(ca, serial);
  if (!i || (oid && strcmp(oid, i->oid) != 0))
    REFUSE(ERR_CERTIFICATE_NOT_FOUND, "The hub's authority issued no certificate of that serial.");
  if (i->revoked_at)
    REFUSE(ERR_CONFLICT, "The certificate is revoked already.");
  TRY(revoke(ca, &i, 1, reason));
  refresh(ca);
  return OK;
}

static size_t find_named(struct ca *ca, const char *name, struct issued **list) {
  int64_t now = clock_real();
  const struct issued_name *at = NULL;
  size_t n = 0;
  CA_READ_LOCKED(ca);
  for (struct issued *i; n < REVOKE_AT_ONCE && (i = ledger_name(&ca->ledger, name, &at));)
    if (i->revoked_at == 0 && i->not_after >= now)
      list[n++] = i;
  return n;
}

err_t ca_revoke_name(struct ca *ca, const char *name, unsigned reason, size_t *count) {
  struct issued *list[REVOKE_AT_ONCE];
  *count = 0;
  TRY(check_reason(reason));
  CA_CHANGING(ca);
  for (size_t n; (n = find_named(ca, name, list)) > 0; *count += n)
    TRY(revoke(ca, list, n, reason));
  if (*count)
    refresh(ca);
  return OK;
}
