/*
 * What strongSwan does not look at in a peer's certificate: that it is one for gateways, so that
 * whoever may only be a web server under the peer's name is not the peer; and, for a tunnel that is
 * up, that it is not revoked since. One thread.
 */
#ifndef TRANSIT_VPN_PEER_H
#define TRANSIT_VPN_PEER_H

#include "crypto/crl.h"
#include "transit/enrol.h"
#include "transit/vpn/site.h"
#include "transit/vpn/vici.h"

/* --- certificates --- */

#define PEER_CERTS_MAX 8
struct peer_cert {
  uint8_t serial[CERT_SERIAL_MAX];
  size_t serial_size;
  int64_t not_after; /* Unix seconds */
};
/* The first one of a PEM text. */
err_t peer_cert_read(struct bytes pem, struct peer_cert *out);
/* Those of one name that strongSwan was shown. It does not say which one a tunnel came up with. */
struct peer_certs {
  struct peer_cert items[PEER_CERTS_MAX];
  size_t count;
  const char *wrong; /* why one of them is none to come with; NULL: all are well */
};
err_t peer_look(struct vici *v, const struct site_peer *p, struct peer_certs *out);
/* The latest end of them; 0: there are none. */
int64_t peer_certs_end(const struct peer_certs *c);
/* strongSwan forgets what it was shown, so that what was bad is not held against what comes. */
err_t peer_forget(struct vici *v);

/* --- revocation --- */

/* The lists, read, and the authorities that strongSwan has seen, whose they may be. */
#define PEER_AUTHORITIES_MAX 65
struct revocation {
  struct buf authorities[PEER_AUTHORITIES_MAX];
  size_t authority_count;
  const struct enrolled *read; /* whose lists these are; borrowed */
  struct crl *lists;
  size_t count;
};
void revocation_free(struct revocation *r); /* a zeroed struct is fine */
/* Reads the lists of e, unless nothing has changed since. */
err_t revocation_update(struct revocation *r, struct vici *v, const struct enrolled *e);
bool revocation_has(const struct revocation *r, const struct peer_cert *c);

#endif
