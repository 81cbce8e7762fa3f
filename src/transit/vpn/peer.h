/*
 * What a peer's certificate must be beyond what strongSwan looks at: one for gateways, so that
 * whoever may only be a web server under the peer's name is not the peer; and not revoked, also
 * when it was revoked after the tunnel was up. One thread.
 */
#ifndef TRANSIT_VPN_PEER_H
#define TRANSIT_VPN_PEER_H

#include "transit/enrol.h"
#include "transit/vpn/site.h"
#include "transit/vpn/vici.h"

struct peer_verdict {
  bool seen;         /* strongSwan has a certificate of that name from the other side */
  bool good;         /* all that it has are good */
  int64_t not_after; /* of the one that ends last; Unix seconds */
  char why[160];     /* not good */
};
/* Looks at all certificates of the peer's name that strongSwan has seen since peer_forget(), and
 * for them in the revocation lists of e; NULL: in none. */
err_t peer_look(struct vici *v, const struct site_peer *p, const struct enrolled *e,
                struct peer_verdict *out);
/* strongSwan forgets what it was shown, so that what was bad is not held against what comes. */
err_t peer_forget(struct vici *v);

#endif
