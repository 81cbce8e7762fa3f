/*
 * The kill switch, watched while a gateway runs: what somebody takes away of it (a network manager
 * that tidies up, 'ip rule flush') is put back as soon as the kernel tells of it, by a thread of
 * its own that waits for nothing else, so also while the gateway waits for the hub or for
 * strongSwan. What leaves in between has left. A rule of others that is asked before ours is told
 * in the log. The gates are opened and shut through here. One thread, beside the watch's own.
 */
#ifndef TRANSIT_VPN_GUARD_WATCH_H
#define TRANSIT_VPN_GUARD_WATCH_H

#include "transit/vpn/site.h"

struct guard_watch;
/* After guard_put(), which has shut all gates. The site is borrowed. */
err_t guard_watch_new(const struct site *s, bool kernel_esp, struct guard_watch **out);
void guard_watch_free(struct guard_watch *w); /* the kill switch stays */
CLEANUP(guard_watch, struct guard_watch *, guard_watch_free)

/* peer: its place in the site file. */
err_t guard_watch_gate(struct guard_watch *w, size_t peer, bool open);
/* Whether a route into a tunnel was removed, by strongSwan or somebody else, since this was asked.
 */
bool guard_watch_rerouted(struct guard_watch *w);

#endif
