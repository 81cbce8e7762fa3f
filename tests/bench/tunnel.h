/*
 * Clients of a proxy: TLS connections of net/tls_io to the service of echo.h, and what they
 * measure. A tunnel is used by one thread at a time.
 */
#ifndef BENCH_TUNNEL_H
#define BENCH_TUNNEL_H

#include "bench.h"
#include "net/tls_io.h"

/* Where to, and as whom. */
struct tunnel_end {
  struct tls *tls; /* of tls_mutual(), a client's */
  unsigned port;   /* on the loopback address */
};
struct tunnel {
  struct tls_io io;
};
/* Connected, with its handshake done and the first byte said. */
err_t tunnel_open(const struct tunnel_end *to, char what, struct tunnel *t);
void tunnel_close(struct tunnel *t); /* close_notify, FIN; one that is zeroed is fine */
/* Sends that many bytes and waits until they come back: at most 64. */
err_t tunnel_ping(struct tunnel *t, size_t size);

/* Many of them, for one direction: threads move what they can until they are told to stop. */
struct stream;
err_t stream_start(const struct tunnel_end *to, char what, unsigned connections, unsigned threads,
                   struct stream **out);
uint64_t stream_received(const struct stream *s); /* bytes of TLS so far */
err_t stream_stop(struct stream *s);              /* an error that ended a thread early */

/* Connects, has one byte echoed and closes, on that many threads. *count: how many did. */
err_t tunnel_connects(const struct tunnel_end *to, unsigned threads, double seconds,
                      uint64_t *count);

#endif
