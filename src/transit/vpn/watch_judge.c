/* What an IP packet is, as far as its headers say. */
#include "transit/vpn/watch.h"

#include <netinet/in.h>
#include <stdio.h>

#define IKE_PORT 500
#define NAT_PORT 4500
#define V4_HEADER 20
#define V6_HEADER 40

struct packet {
  struct cidr from, to;
  uint8_t protocol;
  struct bytes data; /* behind the IP header; empty in later fragments */
};

static struct cidr address_at(const uint8_t *p, uint8_t size) {
  struct cidr a = { .size = size, .bits = (uint8_t)(8 * size) };
  memcpy(a.address, p, size);
  return a;
}

static bool read_v4(struct bytes b, struct packet *out) {
  size_t header = (size_t)(b.data[0] & 15) * 4;
  if (header < V4_HEADER || b.size < header)
    return false;
  bool later = (b.data[6] & 0x1f) || b.data[7];
  out->from = address_at(b.data + 12, 4);
  out->to = address_at(b.data + 16, 4);
  out->protocol = b.data[9];
  out->data = bytes_of(b.data + header, later ? 0 : b.size - header);
  return true;
}

static bool read_v6(struct bytes b, struct packet *out) {
  if (b.size < V6_HEADER)
    return false;
  out->from = address_at(b.data + 8, 16);
  out->to = address_at(b.data + 24, 16);
  out->protocol = b.data[6];
  out->data = bytes_of(b.data + V6_HEADER, b.size - V6_HEADER);
  return true;
}

static bool read_packet(struct bytes b, struct packet *out) {
  if (b.size < V4_HEADER)
    return false;
  unsigned version = b.data[0] >> 4;
  return version == 4 ? read_v4(b, out) : version == 6 && read_v6(b, out);
}

static unsigned port_at(struct bytes data, size_t at) {
  return data.size >= at + 2 ? (unsigned)data.data[at] << 8 | data.data[at + 1] : 0;
}

/* RFC 3948: behind the UDP header four zeros are IKE, one byte 0xff is a keepalive, else it is
 * ESP's number of the association. */
static enum watch_kind judge_nat(struct bytes udp) {
  static const uint8_t zeros[4];
  struct bytes data = bytes_of(udp.data + 8, udp.size - 8);
  if (data.size < sizeof zeros || memcmp(data.data, zeros, sizeof zeros) == 0)
    return WATCH_IKE;
  return WATCH_ESP;
}

/* The packet that an error message is about (RFC 792, RFC 4443): a gateway whose strongSwan has
 * gone answers ESP in UDP with one. */
static bool read_quoted(const struct packet *p, struct packet *out) {
  static const uint8_t v4_errors[] = { 3, 11, 12 };
  bool error = false;
  if (p->data.size < 8)
    return false;
  if (p->protocol == IPPROTO_ICMPV6)
    error = p->data.data[0] < 128;
  for (size_t i = 0; p->protocol == IPPROTO_ICMP && i < sizeof v4_errors; i++)
    error |= p->data.data[0] == v4_errors[i];
  return error && read_packet(bytes_of(p->data.data + 8, p->data.size - 8), out);
}

/* Messages about IKE and ESP count as IKE. */
static enum watch_kind judge_protocol(const struct packet *p) {
  unsigned from = port_at(p->data, 0), to = port_at(p->data, 2);
  struct packet quoted;
  if (read_quoted(p, &quoted) && quoted.protocol != p->protocol &&
      judge_protocol(&quoted) != WATCH_FOREIGN)
    return WATCH_IKE;
  if (p->protocol == IPPROTO_ESP)
    return WATCH_ESP;
  if (p->protocol != IPPROTO_UDP || p->data.size < 8)
    return WATCH_FOREIGN;
  if (from == NAT_PORT || to == NAT_PORT)
    return judge_nat(p->data);
  return from == IKE_PORT || to == IKE_PORT ? WATCH_IKE : WATCH_FOREIGN;
}

static void describe(const struct packet *p, char what[static 48]) {
  static const char *const names[] = { [IPPROTO_ICMP] = "ICMP",
                                       [IPPROTO_TCP] = "TCP",
                                       [IPPROTO_UDP] = "UDP",
                                       [IPPROTO_ICMPV6] = "ICMPv6" };
  const char *name = p->protocol < sizeof names / sizeof *names ? names[p->protocol] : NULL;
  bool ports = p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP;
  if (name && ports)
    snprintf(what, 48, "%s port %u", name, port_at(p->data, 2));
  else if (name)
    snprintf(what, 48, "%s", name);
  else
    snprintf(what, 48, "IP protocol %u", p->protocol);
}

static bool is_inner(const struct watch_peer *w, const struct cidr *a) {
  for (size_t i = 0; i < w->nets->count; i++)
    if (cidr_covers(&w->nets->items[i].is, a))
      return true;
  return false;
}

enum watch_kind watch_judge(const struct watch_peer *w, struct bytes b, char what[static 48]) {
  struct packet p = { 0 };
  what[0] = '\0';
  if (!read_packet(b, &p))
    return WATCH_OTHER;
  describe(&p, what);
  if (is_inner(w, &p.from) || is_inner(w, &p.to))
    return WATCH_CLEAR;
  if (!cidr_covers(&w->address, &p.from) && !cidr_covers(&w->address, &p.to))
    return WATCH_OTHER;
  return judge_protocol(&p);
}
