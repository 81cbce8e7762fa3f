/*
 * Our certificate, its key, whom we trust and who is revoked, handed to strongSwan over its control
 * interface: no key is in a file for it. One thread.
 */
#ifndef TRANSIT_VPN_CREDS_H
#define TRANSIT_VPN_CREDS_H

#include "transit/enrol.h"
#include "transit/vpn/vici.h"

struct creds {
  char key_id[80]; /* strongSwan's name of the key that it has; "" */
};
/* The new ones are there before the key of earlier goes. *lists is false where a revocation list is
 * too large for the interface: then peer.h alone looks at it. */
err_t creds_load(struct vici *v, const struct enrolled *e, struct creds *c, bool *lists);

#endif
