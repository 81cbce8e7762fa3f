/*
 * What is known of a connection through a proxy when it has ended: for the access log and the
 * counters. Texts are borrowed for the time of the call and are "" where there is nothing to say;
 * what peers chose (names, protocols) is in them as they sent it.
 */
#ifndef TRANSIT_PROXY_ENDED_H
#define TRANSIT_PROXY_ENDED_H

#include "net/tls_io.h"

/* name, short text for logs and metrics, what it means. */
#define PROXY_ENDS(X) \
  X(DONE, "done", "both sides had said all") \
  X(CUT, "cut", "the TLS side ended without saying so") \
  X(RESET, "reset", "the plain side broke off") \
  X(HANDSHAKE, "handshake", "the TLS handshake failed") \
  X(DENIED, "denied", "the peer's certificate is good, but not one of those that may connect") \
  X(NAME, "name", "the client asked for a name that is not served") \
  X(DIAL, "dial", "no backend took the connection") \
  X(HEADER, "header", "the header of the PROXY protocol is missing or wrong") \
  X(FRONT, "front", "the protocol that is spoken before TLS went wrong") \
  X(LATE, "late", "what comes before data took too long") \
  X(IDLE, "idle", "nothing came for too long") \
  X(LIMIT, "limit", "there are too many connections, in all, of its source, or not proven") \
  X(REVOKED, "revoked", "the peer's certificate was revoked meanwhile") \
  X(STOPPED, "stopped", "the proxy stopped") \
  X(MEMORY, "memory", "memory or descriptors ran out")
enum proxy_end {
#define X(name, text, meaning) PROXY_END_##name,
  PROXY_ENDS(X)
#undef X
    PROXY_END_COUNT
};
const char *proxy_end_name(enum proxy_end e);

struct proxy_ended {
  const char *service;
  const char *from;     /* "192.0.2.1:5000", "[2001:db8::1]:5000"; "unix" */
  const char *identity; /* what of the peer's certificate was on the list */
  const char *sni, *backend, *tls_version, *cipher;
  struct bytes alpn;
  int64_t start_us;        /* clock_now_us() */
  uint64_t duration_us;    /* monotonic */
  uint64_t received, sent; /* bytes of content from and to the TLS side */
  enum proxy_end end;
  enum tls_failure failure; /* of PROXY_END_HANDSHAKE */
  const char *why;          /* more about it */
};

#endif
