/*
 * The tunnels that there are, as strongSwan lists them: an IKE SA each, with what its CHILD SA
 * carries. While certificates or keys are changed there are two for one peer. One thread.
 */
#ifndef TRANSIT_VPN_TUNNEL_H
#define TRANSIT_VPN_TUNNEL_H

#include "transit/vpn/site.h"
#include "transit/vpn/vici.h"

#define TUNNEL_ALGS 128

struct tunnel {
  const struct site_peer *peer;
  uint64_t id;           /* strongSwan's */
  bool established;      /* the peer has proven its name */
  bool dialling;         /* on the way there */
  bool up;               /* and traffic passes */
  bool nat;              /* between us */
  uint64_t since_s;      /* seconds since it was established */
  uint64_t in, out;      /* bytes, of its CHILD SAs */
  char ike[TUNNEL_ALGS]; /* "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384" */
  char esp[TUNNEL_ALGS];
  char address[64]; /* the peer's */
};
#define TUNNELS_MAX (4 * SITE_PEERS_MAX)
struct tunnels {
  struct tunnel items[TUNNELS_MAX];
  size_t count;
};
/* Those of the site's peers. out: zeroed. */
err_t tunnels_list(struct vici *v, const struct site *s, struct tunnels *out);
/* What one list-sa event says; of a connection that is no peer's nothing is taken. ERR_CORRUPT when
 * it is malformed. */
err_t tunnel_parse(struct bytes message, const struct site *s, struct tunnels *out);

/* The one that counts for a peer: that is up, else established, else any; of several such the one
 * with most bytes, then the youngest. NULL: none. */
const struct tunnel *tunnels_best(const struct tunnels *t, const struct site_peer *p);
/* The bytes of all that a peer has. */
void tunnels_bytes(const struct tunnels *t, const struct site_peer *p, uint64_t *in, uint64_t *out);

/* None of them waits for its end. */
err_t tunnel_dial(struct vici *v, const struct site_peer *p);
err_t tunnel_end(struct vici *v, uint64_t id);
/* Anew, with certificates, while it goes on. */
err_t tunnel_renew(struct vici *v, uint64_t id);

#endif
