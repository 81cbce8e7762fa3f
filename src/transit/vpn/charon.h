/*
 * strongSwan's IKE daemon as a child process of ours (Debian's charon-systemd: the one that keeps
 * no file of its number, so that it disturbs no other of the machine), with a configuration and a
 * control socket in our state directory. It gets no environment of ours, writes its log to our
 * stderr, and ends when we do. One thread: the one that starts it must outlive it.
 */
#ifndef TRANSIT_VPN_CHARON_H
#define TRANSIT_VPN_CHARON_H

#include "transit/vpn/site.h"

#include <sys/types.h>

/* Where its control socket is. */
void charon_socket(const struct site *s, char out[static 108]);

/* user, here and below: ESP is in user space, because the site file says so or because the kernel
 * has none. ERR_CONFIG, saying what to install or to do, where something is missing: strongSwan,
 * its plugin for ESP in user space, TUN devices, addresses of ours in local networks, IKE's
 * ports. */
err_t charon_check(const struct site *s, bool user);

/* The addresses alone: strongSwan adds no route into a tunnel without an address of ours that it
 * may come from, so what is for the peer would be dropped. In user space it takes one for each pair
 * of networks, else one for the peer's. */
err_t charon_check_addresses(const struct site *s, bool user);

/* Writes its configuration and starts it; charon_wait() until it can be told something. ERR_TIMEOUT
 * (FAILed) when that takes longer than ten seconds; ERR_CONFLICT (FAILed) when it has ended. */
err_t charon_start(const struct site *s, bool user, pid_t *pid);
err_t charon_wait(const struct site *s, pid_t pid);
/* Whether it ends within so long; its wait status then. */
bool charon_ended(pid_t pid, int wait_ms, int *status);
/* Ends it, in ten seconds at most, and waits for that. */
void charon_stop(pid_t pid);

/* The interface that it makes for ESP in user space: its index; 0 where it is not there, or down.
 */
#define CHARON_TUN "ipsec0"
unsigned charon_tun(void);

/* The text of its configuration, appended. */
void charon_put_conf(const struct site *s, bool user, struct buf *out);

#endif
