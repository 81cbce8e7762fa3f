/* Addresses of this machine. Any thread. */
#ifndef TRANSIT_VPN_OWN_ADDRESS_H
#define TRANSIT_VPN_OWN_ADDRESS_H

#include "base/cidr.h"

/* The first one in that network. */
err_t own_address_find(const struct cidr *net, bool *found, struct cidr *out);

#endif
