/*
 * What two gateways may agree on: rows of one table, each with strongSwan's names of its proposals
 * (IKEv2, RFC 7296; ESP, RFC 4303) and its lifetimes. There are no weaker ones to fall back to.
 */
#ifndef TRANSIT_VPN_POLICY_H
#define TRANSIT_VPN_POLICY_H

#include "base/bytes.h"

struct vpn_policy {
  const char *name;
  const char *ike, *esp; /* proposals, best first, separated by commas */
  unsigned ike_s;        /* an IKE SA's keys are exchanged anew by then */
  unsigned reauth_s;     /* and certificates looked at anew; 0: never on our initiative */
  unsigned esp_s;        /* a tunnel's keys */
  bool any_purpose;      /* the peer's certificate need not be one of the profile vpn */
  /* The same for a gateway of Azure; NULL where it has no such thing. */
  const char *azure;
};

/* NULL when there is none of that name. */
const struct vpn_policy *vpn_policy_find(const char *name);
#define VPN_POLICIES "strict azure"

#endif
