/*
 * The mTLS proxy: any TCP service over TLS with certificates on both sides.
 *
 * A *server* proxy stands in front of a service: TLS comes in, plain text goes to a Unix socket or
 * a loopback address and nowhere else. A *client* proxy stands beside a program: plain text comes
 * in on a Unix socket or a loopback address and nowhere else, TLS goes out. What does not fit is
 * refused at the start. Who may pass is said by patterns (crypto/cert_match.h) over the peer's
 * certificate; an empty list lets nobody in.
 *
 * One epoll loop a core moves the bytes; nothing in a loop blocks. A connection that is not stuck
 * holds no buffer; one whose reader is slow holds one of 64 KiB a direction, and what OpenSSL has
 * received, and no more is read for it. An end of one direction is passed on as such (close_notify
 * and FIN); a stream that was cut is passed on as a reset, so that nobody takes it for a whole one.
 * What a backend has said before it broke off has two seconds to arrive.
 * Over a Unix socket there are no resets: there a cut looks like an end.
 *
 * proxy_new() copies its options. Any thread may call anything here; proxy_stop() once.
 */
#ifndef TRANSIT_PROXY_PROXY_H
#define TRANSIT_PROXY_PROXY_H

#include "transit/proxy/ended.h"

enum proxy_mode { PROXY_SERVER, PROXY_CLIENT };

/* Certificates that may pass. */
struct proxy_peers {
  const char *const *patterns;
  size_t count;
  bool any; /* whoever has a certificate of the authority */
};

/*
 * Where to. A server proxy picks a route by the name that the client asks for (SNI): "a.example",
 * ".example" (all below it, the longest such), "" (what no other route has, and clients that name
 * nothing). A client proxy has one, with the name "".
 */
struct proxy_route {
  const char *name;
  /* Tried in this order, from the last that worked on: "/run/a.sock", "127.0.0.1:80",
   * "[::1]:80", "localhost:80"; of a client proxy "host.example:443", too. */
  const char *const *backends;
  size_t backend_count;
  struct proxy_peers peers; /* of a server proxy */
  /* Of a client proxy: what the server's certificate must be for: a DNS name or address, or a
   * SPIFFE ID ("spiffe://..") that must be its only URI. */
  const char *server_name;
};

struct proxy_limits {
  unsigned connections; /* in all; further ones are closed at once. 0: no limit */
  /* Of one source: an IPv4 address, or an IPv6 /64. 0: no limit. Unix sockets have none. */
  unsigned per_source;
  unsigned per_second; /* new ones */
  unsigned burst;      /* new ones at once, after a quiet time; 0: per_second */
  /* To a server that speaks first (MySQL), whose clients have not shown a certificate yet: further
   * ones wait for handshake_ms at most. 0: the default. */
  unsigned unproven;
  unsigned handshake_ms, dial_ms; /* 0: the default */
  unsigned idle_ms;               /* 0: for ever, as long as the peers' kernels answer */
  unsigned half_ms; /* no byte in the one direction while the other has ended; 0: the default */
};
#define PROXY_LIMITS_DEFAULT \
  ((struct proxy_limits){ .connections = 16384, \
                          .unproven = 32, \
                          .handshake_ms = 10000, \
                          .dial_ms = 5000, \
                          .half_ms = 300000 })

struct proxy_options {
  const char *service; /* its name, for the log */
  enum proxy_mode mode;
  const char *const *listen; /* "192.0.2.1:443", "[::]:443" (IPv6 only), "/run/a.sock" */
  size_t listen_count;
  unsigned socket_mode; /* of Unix sockets that are made here; 0: 0600 */
  const int *inherited; /* sockets that listen already (net/listen.h); taken over on success */
  size_t inherited_count;
  const struct proxy_route *routes;
  size_t route_count;
  const char *front; /* a protocol that begins in plain text (front.h); NULL: TLS from the start */
  /* Balancers ("192.0.2.0/24") whose connections begin with a header of PROXY protocol 2; others
   * have none. */
  const char *const *header_from;
  size_t header_from_count;
  bool header_to;             /* such a header is written to the backend of a server proxy */
  struct proxy_limits limits; /* begin with PROXY_LIMITS_DEFAULT */
  unsigned loops;             /* threads; 0: one a core */
  /* Called by the loops, which it must not hold up, for every connection that has ended or was
   * turned away. May be NULL. */
  void (*ended)(void *ctx, const struct proxy_ended *e);
  void *ctx;
};

struct proxy;
/* Binds and listens; accepts from proxy_start() on. ERR_CONFIG (FAILed with what is wrong). tls:
 * of tls_mutual(), for the same side. */
err_t proxy_new(const struct proxy_options *o, struct tls *tls, struct proxy **out);
err_t proxy_start(struct proxy *p);
unsigned proxy_port(const struct proxy *p, size_t listener); /* the port bound; 0: a Unix socket */
/* Handshakes that begin from now on use tls; open connections live on. */
void proxy_use_tls(struct proxy *p, struct tls *tls);
/* Connections whose peer's certificate is on a revocation list of the present tls are cut. */
void proxy_recheck(struct proxy *p);
/* Accepts no more. Open connections live on. */
void proxy_drain(struct proxy *p);
/* Drains, waits until all connections have ended, at most grace_ms, cuts off the others, joins the
 * threads. */
void proxy_stop(struct proxy *p, unsigned grace_ms);
void proxy_free(struct proxy *p);
CLEANUP(proxy, struct proxy *, proxy_free)

struct proxy_stats {
  uint64_t open; /* now; the others: since the start */
  uint64_t accepted, refused_full, refused_source, refused_rate;
  uint64_t handshakes; /* that went well */
  uint64_t kernel;     /* of these: the kernel makes the records (net/tls_kernel.h) */
  uint64_t failures[TLS_FAILURE_COUNT];
  uint64_t ends[PROXY_END_COUNT]; /* of those accepted */
  uint64_t received, sent;        /* bytes of content from and to the TLS side */
};
void proxy_stats(const struct proxy *p, struct proxy_stats *out);

#endif
