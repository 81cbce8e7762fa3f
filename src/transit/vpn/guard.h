/*
 * The kill switch: what is for a peer's networks goes through its tunnel or nowhere.
 *
 * The kernel asks two routing tables of ours before its main one. The first is the gate: it drops
 * what is for a peer that has not proven yet to be the gateway that it says it is. The second is
 * strongSwan's: a route into each tunnel that is up. Rules of routing behind them drop the rest
 * (guard_rules.h). All that drops needs no process: it stays until guard_remove() or a restart of
 * the machine, whatever becomes of strongSwan and of us. On kernels with ESP, IPsec policies of the
 * lowest rank say the same once more, so that what no tunnel's policy covers (other sources) is
 * dropped as well.
 *
 * Needs CAP_NET_ADMIN. Any thread; what two of them change at once is for them to settle
 * (guard_watch.h).
 */
#ifndef TRANSIT_VPN_GUARD_H
#define TRANSIT_VPN_GUARD_H

#include "transit/vpn/site.h"

#define GUARD_GATE_TABLE 7219
#define GUARD_TUNNEL_TABLE 7220 /* strongSwan's: charon.routing_table */
#define GUARD_GATE_RANK 219
#define GUARD_TUNNEL_RANK 220 /* charon.routing_table_prio */
#define GUARD_BLOCK_RANK 221
#define GUARD_ALONE (-1) /* no rule is asked before ours */

/* The tables are the machine's (the network namespace's), so one gateway at a time has them: until
 * *fd is closed, or its process ends. Before any of the others. ERR_CONFLICT, FAILed. */
err_t guard_claim(int *fd);
/* Drops all that is for the peers' networks; what an earlier site file left is removed after that,
 * strongSwan's routes too. kernel_esp: with policies. */
err_t guard_put(const struct site *s, bool kernel_esp);
/* Puts back what was taken away of it since, and removes the routes that others have put into the
 * gate's table: *mended, whether there was anything. open: for each peer, whether its gate is. The
 * rule that leads into tunnels is put back, too, without a word. */
err_t guard_mend(const struct site *s, bool kernel_esp, const bool *open, bool *mended);
/* Opens or shuts the gate of one peer. */
err_t guard_gate(const struct site_peer *p, bool open);
/* Whether any of a peer's networks has a way into its tunnel: strongSwan's routes, as they are. */
err_t guard_leads(const struct site_peer *p, bool *out);
/* Traffic passes in clear from now on, if there is a way. */
err_t guard_remove(void);
/* Whether all of the site's networks are dropped where there is no tunnel, unless rules of others
 * are asked before. */
err_t guard_stands(const struct site *s, bool *out);
/* The least rank of such a rule, GUARD_ALONE: there is none. It may lead around the kill switch. */
err_t guard_before(int64_t *rank);

#endif
