/* The hub's authority as the issuer "Hub" of its vaults' certificates. */
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

struct cert_authority hub_authority(struct hub *h) {
  return (struct cert_authority){ h, check, issue };
}
