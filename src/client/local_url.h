/*
 * The addresses of services that hand out tokens on this machine, or on its link: URLs with a path,
 * with TLS or without. Without it only where what is sent stays on the machine or with its host:
 * loopback (127.0.0.0/8, ::1, "localhost") and link-local (169.254.0.0/16, fe80::/10) addresses.
 */
#ifndef CLIENT_LOCAL_URL_H
#define CLIENT_LOCAL_URL_H

#include "net/dial.h"

#define LOCAL_URL_MAX 1024

struct local_url {
  bool tls;
  char origin[300];           /* "http://host:port" */
  const char *host;           /* in origin: with the port, as in a Host header */
  char path[LOCAL_URL_MAX];   /* starts with '/'; with the query, if there is one */
  struct net_address address; /* without TLS */
};
/* ERR_CONFIG, FAILed, naming it: what is no such URL, and http:// to elsewhere. */
err_t local_url_parse(const char *name, const char *url, struct local_url *out);

#endif
