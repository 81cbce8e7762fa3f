/*
 * The site file: which networks are here, which other sites there are, and how they are reached.
 * base/conf.h's grammar; what is above the first section is of this site, and each other site has a
 * section [peer NAME], where NAME is the DNS name in its certificate.
 *
 * What is read is checked as a whole: no network is in two places, no gateway's address is inside a
 * tunnel, both ends of each are of one family, and all names and addresses are such. So whoever
 * holds a struct site may write its texts into other programs' configuration. It is immutable; any
 * thread.
 */
#ifndef TRANSIT_VPN_SITE_H
#define TRANSIT_VPN_SITE_H

#include "base/cidr.h"
#include "transit/vpn/policy.h"

#define SITE_FILE "/etc/strongroom/vpn.conf"
#define SITE_STATE "/var/lib/strongroom-vpn"
#define SITE_NAME_SIZE 254 /* a DNS name and a NUL */
#define SITE_NETS_MAX 32   /* of one list */
#define SITE_PEERS_MAX 64
#define SITE_ANY "%any" /* for an address: whatever it is; as a peer's, the peer dials */

struct site_net {
  struct cidr is;
  char text[50]; /* "10.1.0.0/24" */
};
struct site_nets {
  struct site_net items[SITE_NETS_MAX];
  size_t count;
};

struct site_peer {
  char name[SITE_NAME_SIZE];
  char address[SITE_NAME_SIZE]; /* IP address, DNS name or SITE_ANY */
  struct site_nets nets;        /* behind it */
  struct site_nets local;       /* of ours that it reaches, also those that we pass on */
  const struct vpn_policy *policy;
  unsigned ike_s, reauth_s, esp_s; /* the policy's, or the file's */
};

enum site_esp { ESP_AUTO, ESP_KERNEL, ESP_USER };

struct site {
  char name[SITE_NAME_SIZE];    /* in our certificate */
  char address[SITE_NAME_SIZE]; /* of ours; SITE_ANY: the route's */
  struct site_nets nets;        /* here */
  enum site_esp esp;
  bool encap;          /* ESP in UDP also where no NAT is seen */
  unsigned dpd_s;      /* a peer that is silent so long is asked whether it lives */
  unsigned lists_s;    /* between looks for revocation lists */
  uint64_t lifetime_s; /* of our certificate; 0: the authority's choice */
  unsigned log_level;  /* strongSwan's, 0 to 2 */
  char state[64];      /* directory; short, because a socket is in it */
  struct site_peer *peers;
  size_t peer_count;
};

/* ERR_CONFIG (FAILed with file and line, or with what does not fit together). */
err_t site_read(const char *path, struct site **out);
err_t site_parse(struct bytes text, const char *origin, struct site **out);
void site_free(struct site *s);
CLEANUP(site, struct site *, site_free)

/* NULL when there is none of that name (any case). */
const struct site_peer *site_peer(const struct site *s, struct bytes name);

/* A DNS name as certificates and peers have it: labels of letters, digits and '-', no wildcard, no
 * dot at the end. */
bool site_name_valid(const char *name);
bool site_overlap(const struct cidr *a, const struct cidr *b);

#endif
