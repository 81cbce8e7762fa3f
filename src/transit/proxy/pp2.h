/*
 * The PROXY protocol, version 2 (haproxy's proxy-protocol.txt): who connected to a proxy, and with
 * which certificate, told to the server behind it before the first byte. Any thread.
 *
 * Version 1, which is text and has no room for the certificate, is neither written nor read.
 */
#ifndef TRANSIT_PROXY_PP2_H
#define TRANSIT_PROXY_PP2_H

#include "base/bytes.h"

#include <sys/socket.h>

#define PP2_SIZE_MAX 4096 /* bytes of a header, read or written: what other servers take too */

struct pp2 {
  bool local; /* LOCAL: a health check of the proxy itself; nothing else is set */
  /* Of one family: AF_INET, AF_INET6, AF_UNIX (whose path need not end with a NUL), or AF_UNSPEC:
   * not known. */
  struct sockaddr_storage from, to;
  /* Texts; written when they are not empty. Views of what was read, whose bytes the client may have
   * chosen. */
  struct bytes alpn, authority; /* PP2_TYPE_ALPN, PP2_TYPE_AUTHORITY (SNI) */
  struct bytes tls_version;     /* "TLSv1.3": there was TLS; without it the next two are nothing */
  struct bytes cipher;
  struct bytes common_name; /* PP2_SUBTYPE_SSL_CN: what the proxy knows the client by. Read only
                               where the proxy says that it has verified the certificate */
};
/* ERR_TOO_LARGE: over PP2_SIZE_MAX, which texts of at most 255 bytes never are. No text is cut: who
 * the client is would change with it. Addresses that are of two families, or of another one, are
 * written as not known. */
err_t pp2_write(const struct pp2 *p, struct buf *out);
/* *used 0 and OK: more is needed. ERR_BAD_PARAMETER, FAILed with why: it is no header, or one that
 * is not allowed (datagrams; something twice; a checksum that is wrong). */
err_t pp2_read(struct bytes in, struct pp2 *out, size_t *used);

#endif
