/*
 * When a peer is dialled. Pauses double, up to a minute, until a tunnel has held for a minute: one
 * that is ended as soon as it is up, because a side's certificate is revoked, is not set up over
 * and over. It has no clock: now is in monotonic microseconds, never 0. One thread.
 */
#ifndef TRANSIT_VPN_REDIAL_H
#define TRANSIT_VPN_REDIAL_H

#include <stdbool.h>
#include <stdint.h>

struct redial {      /* zeroed: nothing was tried yet */
  uint64_t at;       /* not before; 0: not settled */
  uint64_t up_since; /* 0: it is not up */
  unsigned tries;    /* since a tunnel has held */
};
/* At each look: whether its tunnel is up. */
void redial_look(struct redial *r, bool up, uint64_t now);
/* Where there is no tunnel: whether it is dialled now, for this is then counted. turn_us: how long
 * the other side may dial first. */
bool redial_due(struct redial *r, uint64_t turn_us, uint64_t now);
/* The peer was refused. */
void redial_refused(struct redial *r, uint64_t now);

#endif
