/* Whether this machine passes on what is for others, as a gateway has to. Any thread. */
#ifndef TRANSIT_VPN_FORWARDING_H
#define TRANSIT_VPN_FORWARDING_H

#include "transit/vpn/site.h"

/* The setting of the kernel (sysctl) without which no host behind this gateway reaches the other
 * sites; NULL: all that the site's networks need are on. Networks of one address need none: it is
 * this machine's. */
const char *forwarding_missing(const struct site *s);

#endif
