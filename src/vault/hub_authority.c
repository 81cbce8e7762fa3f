/* The hub's authority as the issuer "Hub" of its vaults' certificates. */
#include "base/codec.h"
#include "base/log.h"
#include "vault/hub_internal.h"

#include <stdio.h>

#define SPIFFE "spiffe:"

/* What only gateways have makes it theirs. Else a certificate for servers is of that profile, and
 * any other a client's. */
static enum ca_profile profile_of(const struct cert_profile *says) {
  enum ca_profile is = CA_CLIENT;
  for (size_t i = 0; i < says->ekus.count; i++) {
    const char *eku = says->ekus.items[i];
    if (ca_profile_has_eku(CA_SERVER, eku))
      is = CA_SERVER;
    else if (!ca_profile_has_eku(CA_CLIENT, eku) && ca_profile_has_eku(CA_VPN, eku))
      return CA_VPN;
  }
  return is;
}

static bool is_for_clients(const struct cert_profile *says) {
  for (size_t i = 0; i < says->ekus.count; i++)
    if (ca_profile_has_eku(CA_CLIENT, says->ekus.items[i]))
      return true;
  return false;
}

static bool has_spiffe_id(const struct cert_profile *says) {
  for (size_t i = 0; i < says->sans[SAN_URI].count; i++) {
    struct bytes uri = bytes_str(says->sans[SAN_URI].items[i]);
    size_t n = sizeof SPIFFE - 1;
    if (uri.size >= n && bytes_equal_nocase(bytes_of(uri.data, n), SPIFFE))
      return true;
  }
  return false;
}

/* One for servers and clients needs both profiles. They live equally long. */
static err_t check_both(const struct hub *h, const struct caller *who,
                        const struct cert_profile *says) {
  const char *client[] = { EKU_CLIENT_AUTH };
  struct cert_profile part = *says;
  part.ekus = (struct cert_texts){ client, 1 };
  TRY(api_may_issue(h->ca, h->roles, who, CA_CLIENT, &part));
  const char **others AUTO_FREE = mem_alloc(says->ekus.count * sizeof *others);
  if (!others)
    return ERR_NOMEM;
  part.ekus = (struct cert_texts){ others, 0 };
  for (size_t i = 0; i < says->ekus.count; i++)
    if (!ca_profile_has_eku(CA_CLIENT, says->ekus.items[i]))
      others[part.ekus.count++] = says->ekus.items[i];
  return api_may_issue(h->ca, h->roles, who, CA_SERVER, &part);
}

static err_t check(void *ctx, const char *oid, const struct cert_profile *says) {
  const struct hub *h = ctx;
  enum ca_profile profile = profile_of(says);
  struct caller who = { .app_id = "" };
  TRY(ca_check_times(profile, says));
  snprintf(who.oid, sizeof who.oid, "%s", oid);
  if (has_spiffe_id(says) && !api_may_issue_any(h->roles, &who))
    REFUSE(ERR_ACCESS_DENIED,
           "A certificate with a SPIFFE ID is of the profile workload and lives for days, while "
           "those of a vault live for months: get one with 'strongroom ca issue'.");
  if (profile == CA_SERVER && is_for_clients(says))
    return check_both(h, &who, says);
  return api_may_issue(h->ca, h->roles, &who, profile, says);
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
