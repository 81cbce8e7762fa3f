#include "transit/vpn/own_address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

CLEANUP(ifaddrs, struct ifaddrs *, freeifaddrs)

static bool read_address(const struct sockaddr *a, struct cidr *out) {
  *out = (struct cidr){ 0 };
  if (!a || (a->sa_family != AF_INET && a->sa_family != AF_INET6))
    return false;
  const void *bytes = a->sa_family == AF_INET
                        ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
                        : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;
  out->size = a->sa_family == AF_INET ? 4 : 16;
  out->bits = (uint8_t)(8 * out->size);
  memcpy(out->address, bytes, out->size);
  return true;
}

err_t own_address_find(const struct cidr *net, bool *found, struct cidr *out) {
  AUTO(ifaddrs) struct ifaddrs *all = NULL;
  struct cidr one;
  *found = false;
  if (getifaddrs(&all) != 0)
    FAIL(ERR_IO, "cannot list this machine's addresses: %s", strerror(errno));
  for (const struct ifaddrs *a = all; a && !*found; a = a->ifa_next)
    if (read_address(a->ifa_addr, &one) && cidr_covers(net, &one)) {
      *found = true;
      *out = one;
    }
  return OK;
}
