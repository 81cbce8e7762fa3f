/*
 * Connecting to an address that is known, without waiting longer than one is willing to. Any
 * thread.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/bytes.h"

#include <sys/socket.h>

struct net_address {
  struct sockaddr_storage socket;
  socklen_t size;
};

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53"; without a port it is the one
 * given. False when the text is none of these. */
bool net_address_parse(const char *text, unsigned port, struct net_address *out);
/* family AF_INET or AF_INET6, bytes 4 or 16 of them. */
void net_address_make(int family, const uint8_t *bytes, unsigned port, struct net_address *out);

/* The address alone, as text: "192.0.2.1"; "" when it is neither family's. */
#define NET_HOST_MAX 46
void net_address_host(const struct net_address *a, char out[static NET_HOST_MAX]);

/* No delay for small pieces; the kernel notices within two minutes that a silent peer is gone. */
void net_set_tcp(int fd);

/* A connected socket of that type (SOCK_STREAM, SOCK_DGRAM) that does not block; the errno of the
 * failure, or 0. *budget_us is reduced by the time waited. */
int net_dial(const struct sockaddr *to, socklen_t size, int type, uint64_t *budget_us, int *out);

#endif
