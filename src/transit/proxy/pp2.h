/*
 * The PROXY protocol, version 2 (haproxy's proxy-protocol.txt): who connected to a proxy, and with
 * which certificate, told to the server behind it before the first byte. Any thread.
 */
#ifndef TRANSIT_PROXY_PP2_H
#define TRANSIT_PROXY_PP2_H

#include "base/bytes.h"

#include <sys/socket.h>

#define PP2_SIZE_MAX 4096 /* bytes of a header that is read */

struct pp2 {
  bool local; /* LOCAL: a health check of the proxy itself; no addresses */
  struct sockaddr_storage from, to; /* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC: not known */
  /* Texts of the TLS connection; written when not empty. Views of what was read. */
  struct bytes alpn, authority; /* PP2_TYPE_ALPN, PP2_TYPE_AUTHORITY (SNI) */
  struct bytes tls_version;     /* "TLSv1.3": there was TLS, with a client's certificate */
  struct bytes common_name;     /* PP2_SUBTYPE_SSL_CN: what the proxy knows the client by */
  struct bytes cipher;
};
/* ERR_TOO_LARGE is impossible with texts of at most 255 bytes each; longer ones are cut. */
err_t pp2_write(const struct pp2 *p, struct buf *out);
/* *used 0 and OK: more is needed. ERR_BAD_PARAMETER: it is no header, or one that is not allowed. */
err_t pp2_read(struct bytes in, struct pp2 *out, size_t *used);

#endif
