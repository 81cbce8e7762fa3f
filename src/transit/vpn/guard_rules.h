/*
 * The kill switch's rules of routing (guard.h): two that lead into the gate's and the tunnels'
 * tables, and behind them one for each network of a peer, which drops what came so far. Rules need
 * neither a table nor a device: unlike IPv6 routes that drop, which are bound to the loopback
 * device, they stay whatever becomes of interfaces. fd: of nl_open(NETLINK_ROUTE). Any thread.
 */
#ifndef TRANSIT_VPN_GUARD_RULES_H
#define TRANSIT_VPN_GUARD_RULES_H

#include "transit/vpn/site.h"

/* Adds those that drop where they are absent, then the two others. *changed (else left as it is):
 * one was absent, other than that of the tunnels' table, which strongSwan removes when it ends. */
err_t guard_rules_put(int fd, const struct site *s, bool *changed);
/* Removes those that drop what is no network of the site's. */
err_t guard_rules_prune(int fd, const struct site *s);
err_t guard_rules_remove(int fd);
/* Whether all that drop are there. */
err_t guard_rules_stand(int fd, const struct site *s, bool *out);
/* The least rank of a rule that is not ours, leads somewhere and is asked before our last one;
 * GUARD_ALONE: there is none. The kernel's own for local addresses does not count. */
err_t guard_rules_before(int fd, int64_t *rank);

#endif
