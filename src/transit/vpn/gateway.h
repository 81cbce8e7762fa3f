/*
 * A gateway that runs: the kill switch first, then our certificate, then strongSwan, which is
 * started again when it ends; peers that are to be dialled are dialled, new certificates and
 * revocation lists are handed over, tunnels that should not be are ended. It goes on until SIGTERM
 * or SIGINT, which it blocks for this process and takes one after the other; SIGHUP makes it look
 * for certificate and lists at once. One thread, the process's first.
 */
#ifndef TRANSIT_VPN_GATEWAY_H
#define TRANSIT_VPN_GATEWAY_H

#include "client/client.h"
#include "transit/vpn/site.h"

/* Where ESP is done, and what else people want to know, once it runs. */
struct gateway_ready {
  bool user_esp;
  int64_t not_after; /* of our certificate, Unix seconds */
};
/* Makes the state directory where there is none. ERR_CONFIG, saying what to do, when that can't be
 * done, or others may use it. gateway_run() begins with it. */
err_t gateway_state(const struct site *s);
/* ERR_CONFLICT (FAILed) when another one has the state directory; else as charon.h and enrol.h say.
 * The kill switch stays, whatever comes back. */
err_t gateway_run(const struct site *s, struct client *c,
                  void (*ready)(const struct site *s, const struct gateway_ready *r));

/* The process that runs a gateway in this site's state directory; 0: none. */
err_t gateway_pid(const struct site *s, pid_t *out);

#endif
