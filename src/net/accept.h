/*
 * Listening sockets and what comes in by them. The first loop accepts for all and deals each
 * connection to the loop that has the fewest: with many loops and few clients, as long-lived
 * connections are, neither SO_REUSEPORT's hash nor the kernel's choice among waiting threads would
 * spread them evenly.
 */
#ifndef NET_ACCEPT_H
#define NET_ACCEPT_H

#include "net/serve.h"

/* address: "192.0.2.1:443" or "[2001:db8::1]:443". */
err_t accept_listen(struct listener *l, const char *address);
err_t accept_start(struct http_server *s); /* watches the listeners in the first loop */
void accept_event(struct loop *l, struct listener *from);
void accept_resume(struct loop *l); /* once a tick: after the process had run out of something */
void accept_stop(struct loop *l);

#endif
