/* Revocation, by serial or by name. */
#include "base/clock.h"
#include "vault/ca/ca_internal.h"

#define REASON_MAX 10
#define REASON_UNUSED 7
#define REASON_HOLD 6 /* it would have to be lifted again */
#define REASON_REMOVE 8

static err_t check_reason(unsigned reason) {
  if (reason > REASON_MAX || reason == REASON_UNUSED || reason == REASON_HOLD ||
      reason == REASON_REMOVE)
    REFUSE(ERR_BAD_PARAMETER, "There is no such reason to revoke a certificate.");
  return OK;
}

/* What of a certificate a revocation changes. The caller holds changing, so nobody else writes. */
static err_t revoke(struct ca *ca, struct issued *i, unsigned reason, int64_t now) {
  struct issued next = *i;
  next.revoked_at = now;
  next.reason = reason;
  TRY(issued_commit(ca, &next));
  CA_WRITE_LOCKED(ca);
  i->revoked_at = now;
  i->reason = reason;
  return OK;
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
  return revoke(ca, i, reason, clock_real());
}
