/*
 * The other side's settings, for a gateway that is not ours. Texts for people, to be read before
 * they are used: what is only known over there stands in capitals. Any thread.
 */
#ifndef TRANSIT_VPN_EXPORT_H
#define TRANSIT_VPN_EXPORT_H

#include "transit/vpn/site.h"

#define EXPORT_KINDS "azure strongswan text"

/* kind: one of EXPORT_KINDS. ca_pem: the hub's root, whom the other side is to trust; empty where
 * it is not at hand. Appended. */
err_t export_put(const char *kind, const struct site *s, const struct site_peer *p,
                 struct bytes ca_pem, struct buf *out);

#endif
