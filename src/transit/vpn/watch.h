/*
 * The proof by looking: packets are captured on the interface towards a peer (AF_PACKET), while
 * packets are sent to its networks. Nothing but IKE and ESP may pass between the two gateways, and
 * nothing from or to the tunnel's networks may be seen at all. Needs CAP_NET_RAW. One thread.
 */
#ifndef TRANSIT_VPN_WATCH_H
#define TRANSIT_VPN_WATCH_H

#include "transit/vpn/site.h"

/* A frame, judged. */
enum watch_kind {
  WATCH_OTHER,   /* nothing to do with the peer */
  WATCH_IKE,     /* UDP 500, or 4500 with a marker of zeros; keepalives */
  WATCH_ESP,     /* protocol 50, or in UDP 4500 */
  WATCH_CLEAR,   /* of the tunnel's networks, and seen */
  WATCH_FOREIGN, /* between the gateways, and neither */
  WATCH_KINDS
};
struct watch_peer {
  struct cidr address;          /* one address: the peer's */
  const struct site_nets *nets; /* behind it */
};
/* packet: an IP packet, without the link's header. what (for people): "TCP port 80". */
enum watch_kind watch_judge(const struct watch_peer *p, struct bytes packet, char what[static 48]);

struct watch_report {
  char interface[16], address[46]; /* towards the peer, and the peer's */
  uint64_t count[WATCH_KINDS];     /* packets, by what they are */
  uint64_t sent;                   /* for the peer's networks, by us */
  char worst[48];                  /* what the first CLEAR or FOREIGN one was; "" */
};
/* address: the peer's, where the site file has a name or none. Captures for seconds, sends five
 * packets a second. ERR_NOT_FOUND (FAILed): its address is not known, or no route leads there;
 * ERR_CONFIG (FAILed): no right to capture. */
err_t watch_run(const struct site *s, const struct site_peer *p, const char *address,
                unsigned seconds, struct watch_report *out);

#endif
