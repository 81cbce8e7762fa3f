/*
 * Listening sockets, and taking in what comes by them. TCP sockets that are accepted have inherited
 * what net_set_tcp() sets from their listener, so that it costs nothing for each connection. Any
 * thread.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/dial.h"

/* "192.0.2.1:443" or "[2001:db8::1]:443" (IPv6 only); port 0 takes a free one. ERR_CONFIG, ERR_IO
 * (FAILed with what is wrong). */
err_t listen_tcp(const char *address, int *fd);
/* A Unix socket of that mode. One that nobody listens on any more is replaced. */
err_t listen_unix(const char *path, unsigned mode, int *fd);
/* One that another program opened: made non-blocking; ERR_CONFIG unless it is a stream that
 * listens. */
err_t listen_adopt(int fd);
/* Where it is bound to. */
err_t listen_address(int fd, struct net_address *out);
unsigned listen_port(int fd); /* 0: it has none */

#define LISTEN_INHERITED_MAX 64
/*
 * Socket activation: how many descriptors the service manager passed, the first being *first;
 * LISTEN_FDS and LISTEN_PID are removed from the environment. ERR_CONFIG when they make no sense.
 * While the program has one thread.
 */
err_t listen_inherited(int *first, unsigned *count);

enum listen_result {
  LISTEN_DRAINED, /* nobody waits */
  LISTEN_MORE,    /* a round is over: others get their turn */
  LISTEN_PAUSE    /* out of descriptors or memory: that passes only with time */
};
/* Accepts a round of connections. deal() takes fd over, which does not block. */
enum listen_result listen_accept(int listener, const char *area,
                                 void (*deal)(void *ctx, int fd, const struct net_address *from),
                                 void *ctx);

#endif
