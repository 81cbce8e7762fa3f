/* What the files of gateway share. */
#ifndef TRANSIT_VPN_GATEWAY_INTERNAL_H
#define TRANSIT_VPN_GATEWAY_INTERNAL_H

#include "transit/enrol.h"
#include "transit/vpn/creds.h"
#include "transit/vpn/gateway.h"
#include "transit/vpn/guard_watch.h"
#include "transit/vpn/peer.h"
#include "transit/vpn/redial.h"
#include "transit/vpn/tunnel.h"

#include <sys/types.h>

/* A tunnel that was looked at, and what it may have come up with. */
struct good_tunnel {
  uint64_t id; /* strongSwan's; 0: none */
  struct peer_certs certs;
};
#define GOOD_MAX 8 /* of one peer */

struct peer_state {
  bool open; /* its gate */
  struct good_tunnel good[GOOD_MAX];
  unsigned next_good;
  unsigned unseen; /* looks at tunnels whose certificate strongSwan has not shown */
  unsigned astray; /* looks at tunnels that are up and have no route into them */
  struct redial redial;
};

struct gateway {
  const struct site *site;
  bool user; /* ESP in user space */
  struct enrol *enrol;
  struct enrolled *now; /* what strongSwan has */
  struct peer_cert own; /* its certificate */
  bool revoked;         /* .. is on a list: whom should we dial with it? */
  bool lists;           /* .. with all revocation lists: it lets nobody in who is on one */
  struct revocation revocation;
  struct creds creds;
  pid_t charon;                             /* 0: not running */
  unsigned tun;                             /* index of its interface; 0: none was seen */
  uint64_t started_at, start_at, review_at; /* monotonic microseconds */
  uint64_t hand_over_at;                    /* what is new has not been handed over; 0: it has */
  unsigned deaths;
  struct vici *ask, *events; /* NULL while it does not run */
  int signals, changed, lock;
  int claim; /* of the kill switch */
  struct guard_watch *guard;
  bool rerouted;            /* routes into tunnels are to be looked at */
  struct peer_state *peers; /* by the site's order */
  struct tunnels *tunnels;
};

/* gateway_peers.c: all on a gateway whose strongSwan runs; ERR_AWAY: it does not answer. */

/* Looks at all tunnels: who is new is looked at, gates are opened and shut, who is to be dialled is
 * dialled. */
err_t peers_look(struct gateway *g);
/* Ends the tunnels of peers whose certificates are revoked, or have ended. */
err_t peers_review(struct gateway *g);
/* All tunnels anew, with our present certificate, and those that were put off at once. */
err_t peers_renew(struct gateway *g);
/* strongSwan is gone: no gate is open. */
void peers_shut(struct gateway *g);
bool peers_all_up(const struct gateway *g);

#endif
