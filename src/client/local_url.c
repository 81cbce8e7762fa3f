#include "client/local_url.h"

#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

static bool is_local(const struct net_address *a) {
  if (a->socket.ss_family == AF_INET) {
    uint32_t ip = ntohl(((const struct sockaddr_in *)&a->socket)->sin_addr.s_addr);
    return ip >> 24 == 127 || ip >> 16 == (169u << 8 | 254);
  }
  const struct in6_addr *ip = &((const struct sockaddr_in6 *)&a->socket)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_LINKLOCAL(ip);
}

/* The name means this machine by itself (RFC 6761, 6.3): nobody is asked. */
static bool address_of(const char *host, struct net_address *out) {
  static const char name[] = "localhost";
  char text[64];
  size_t n = sizeof name - 1;
  if (strncasecmp(host, name, n) != 0 || (host[n] != '\0' && host[n] != ':'))
    return net_address_parse(host, 80, out);
  return (size_t)snprintf(text, sizeof text, "127.0.0.1%s", host + n) < sizeof text &&
         net_address_parse(text, 80, out);
}

static bool starts_with(const char *url, const char *scheme) {
  return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* Visible ASCII, and nothing that is not sent to a server. */
static bool is_clean(const char *url) {
  for (const char *p = url; *p; p++)
    if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '@')
      return false;
  return true;
}

err_t local_url_parse(const char *name, const char *url, struct local_url *out) {
  struct local_url u = { .tls = starts_with(url, "https://") };
  size_t scheme = strlen(u.tls ? "https://" : "http://");
  if ((!u.tls && !starts_with(url, "http://")) || !is_clean(url))
    FAIL(ERR_CONFIG, "%s must be http://.. or https://.., not '%s'", name, url);
  size_t end = scheme + strcspn(url + scheme, "/?");
  const char *slash = url[end] == '/' ? "" : "/";
  if (end == scheme || end >= sizeof u.origin ||
      (size_t)snprintf(u.path, sizeof u.path, "%s%s", slash, url + end) >= sizeof u.path)
    FAIL(ERR_CONFIG, "%s is not an address: '%s'", name, url);
  memcpy(u.origin, url, end);
  if (!u.tls && (!address_of(u.origin + scheme, &u.address) || !is_local(&u.address)))
    FAIL(
      ERR_CONFIG,
      "%s is '%s': without TLS a token is only asked of this machine (127.0.0.1, ::1, localhost) "
      "or of its link (169.254.x.x, fe80::..)",
      name, url);
  *out = u;
  out->host = out->origin + scheme;
  return OK;
}
