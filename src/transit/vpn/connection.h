/*
 * A tunnel as strongSwan is told of it: as text (swanctl.conf), for people and other gateways, or
 * as a message for its control interface. Any thread.
 */
#ifndef TRANSIT_VPN_CONNECTION_H
#define TRANSIT_VPN_CONNECTION_H

#include "transit/vpn/site.h"

#define CONNECTION_CHILD "net" /* the one child of each connection */

/* Views of a site and one of its peers. */
struct connection {
  const char *name;
  const char *local_name, *remote_name;       /* identities: DNS names */
  const char *local_address, *remote_address; /* or SITE_ANY */
  const struct site_nets *local, *remote;
  const struct site_peer *peer; /* policy and lifetimes */
  bool encap;
  bool lists; /* strongSwan has all revocation lists: it accepts nobody without them */
  unsigned dpd_s;
};
struct connection connection_of(const struct site *s, const struct site_peer *p);
/* The same tunnel, seen from its other end. */
struct connection connection_mirror(const struct connection *c);

/* For load-conn. Our own gateway waits until it is told to dial. */
void connection_put_message(const struct connection *c, struct buf *out);
/* A whole swanctl.conf for a gateway that is on its own: it dials at once. */
void connection_put_text(const struct connection *c, struct buf *out);

#endif
