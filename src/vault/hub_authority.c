/* The hub's authority as the issuer "Hub" of its vaults' certificates. */
#include "base/codec.h"
#include "base/log.h"
#include "vault/hub_internal.h"

#include <stdio.h>

/* A certificate for servers needs that profile's names; any other is a client's. */
static enum ca_profile profile_of(const struct cert_profile *says) {
  for (size_t i = 0; i < says->ekus.count; i++)
    if (strcmp(says->ekus.items[i], EKU_SERVER_AUTH) == 0)
      return CA_SERVER;
  return CA_CLIENT;
}

static err_t check(void *ctx, const char *oid, const struct cert_profile *says) {
  const struct hub *h = ctx;
  struct caller who = { .app_id = "" };
  snprintf(who.oid, sizeof who.oid, "%s", oid);
  return api_may_issue(h->ca, h->roles, &who, profile_of(says), says);
}

/* Checked each time: who lost the right has no more certificates renewed. */
static err_t issue(void *ctx, const char *oid, const struct cert_profile *says,
                   const struct key *key, struct cert_chain *out) {
  const struct hub *h = ctx;
  TRY(check(ctx, oid, says));
  const struct ca_request rq = {
    .profile = profile_of(says), .says = *says, .key = key, .oid = oid, .via = "vault"
  };
  return ca_issue(h->ca, &rq, out);
}

/* Nobody has it: a failure leaves it good, and is the log's. */
static void take_back(void *ctx, struct bytes der) {
  enum { CESSATION_OF_OPERATION = 5 };
  struct hub *h = ctx;
  char serial[2 * CERT_SERIAL_MAX + 1];
  AUTO_CERT_INFO info = { 0 };
  err_t e = cert_read(der, &info);
  if (e == OK) {
    hex_encode(bytes_of(info.serial, info.serial_size), serial);
    e = ca_revoke(h->ca, serial, CESSATION_OF_OPERATION, NULL);
  }
  if (e != OK)
    log_err("ca", e, "revoking a certificate that could not be kept");
}

struct cert_authority hub_authority(struct hub *h) {
  return (struct cert_authority){ h, check, issue, take_back };
}
