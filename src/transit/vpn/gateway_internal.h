/* What the files of gateway share. */
#ifndef TRANSIT_VPN_GATEWAY_INTERNAL_H
#define TRANSIT_VPN_GATEWAY_INTERNAL_H

#include "transit/enrol.h"
#include "transit/vpn/creds.h"
#include "transit/vpn/gateway.h"
#include "transit/vpn/tunnel.h"

#include <sys/types.h>

#define GOOD_MAX 8 /* tunnels of one peer whose certificates were looked at */

struct peer_state {
  bool open;               /* its gate */
  uint64_t good[GOOD_MAX]; /* strongSwan's numbers of its tunnels; 0: none */
  unsigned next_good;
  uint64_t dial_at; /* monotonic microseconds: not before */
  unsigned tries;   /* since it was up */
};

struct gateway {
  const struct site *site;
  bool user; /* ESP in user space */
  struct enrol *enrol;
  struct enrolled *now; /* what strongSwan has */
  struct creds creds;
  pid_t charon;                             /* 0: not running */
  uint64_t started_at, start_at, review_at; /* monotonic microseconds */
  unsigned deaths;
  struct vici *ask, *events; /* NULL while it does not run */
  int signals, changed, lock;
  struct peer_state *peers; /* by the site's order */
  struct tunnels *tunnels;
};

/* gateway_peers.c: all on a gateway whose strongSwan runs; ERR_AWAY: it does not answer. */

/* Looks at all tunnels: who is new is looked at, gates are opened and shut, who is to be dialled is
 * dialled. */
err_t peers_look(struct gateway *g);
/* Ends the tunnels of peers whose certificates are not good any more. */
err_t peers_review(struct gateway *g);
/* All tunnels anew, with our present certificate. */
err_t peers_renew(struct gateway *g);
/* strongSwan is gone: no gate is open. */
void peers_shut(struct gateway *g);
bool peers_all_up(const struct gateway *g);

#endif
