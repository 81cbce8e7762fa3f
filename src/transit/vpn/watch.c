#include "transit/vpn/watch.h"

#include "base/clock.h"
#include "base/file.h"
#include "net/dial.h"
#include "transit/vpn/netlink.h"
#include "transit/vpn/own_address.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>

#define DISCARD_PORT 9
#define SEND_US 200000u
#define FRAME_MAX 65536

/* --- the way to the peer --- */

static err_t take_interface(void *ctx, const struct nl_answer *a) {
  struct bytes index = nl_attribute(a, sizeof(struct rtmsg), RTA_OIF);
  if (a->type == RTM_NEWROUTE && index.size == sizeof(uint32_t))
    memcpy(ctx, index.data, sizeof(uint32_t));
  return OK;
}

static err_t find_interface(const struct cidr *to, uint32_t *index) {
  const struct rtmsg h = { .rtm_family = to->size == 4 ? AF_INET : AF_INET6,
                           .rtm_dst_len = to->bits };
  AUTO_FD fd = -1;
  struct nl_request r;
  int error = 0;
  *index = 0;
  TRY(nl_open(NETLINK_ROUTE, &fd, &error));
  nl_begin(&r, RTM_GETROUTE, 0, &h, sizeof h);
  nl_put(&r, RTA_DST, to->address, to->size);
  TRY(nl_ask(fd, &r, take_interface, index, &error));
  if (error || !*index)
    FAIL(ERR_NOT_FOUND, "there is no route to the peer: %s", strerror(error ? error : ENETUNREACH));
  return OK;
}

static err_t open_capture(uint32_t index, int *out) {
  struct sockaddr_ll at = { .sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = (int)index };
  AUTO_FD fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0)
    FAIL(ERR_CONFIG, "cannot capture packets (this needs CAP_NET_RAW): %s", strerror(errno));
  *out = fd;
  fd = -1;
  return OK;
}

/* --- what is sent --- */

/* An address of ours in a local network, so that what is sent is for the tunnel. */
static err_t bind_inside(int fd, int family, const struct site_nets *local) {
  struct net_address from;
  struct cidr source;
  bool found = false;
  for (size_t i = 0; i < local->count && !found; i++)
    if ((local->items[i].is.size == 4) == (family == AF_INET))
      TRY(own_address_find(&local->items[i].is, &found, &source));
  if (!found)
    return OK;
  net_address_make(family, source.address, 0, &from);
  if (bind(fd, (const struct sockaddr *)&from.socket, from.size) != 0)
    FAIL(ERR_IO, "cannot send packets: %s", strerror(errno));
  return OK;
}

/* A socket that sends to the first host of a network behind the peer. */
static err_t open_sender(const struct site_peer *p, struct net_address *to, int *out) {
  struct cidr host = p->nets.items[0].is;
  int family = host.size == 4 ? AF_INET : AF_INET6;
  if (host.bits < 8 * host.size)
    host.address[host.size - 1] |= 1;
  net_address_make(family, host.address, DISCARD_PORT, to);
  AUTO_FD fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    FAIL(ERR_IO, "cannot send packets: %s", strerror(errno));
  TRY(bind_inside(fd, family, &p->local));
  *out = fd;
  fd = -1;
  return OK;
}

/* --- the watch --- */

static void take_frames(int fd, const struct watch_peer *w, struct buf *frame,
                        struct watch_report *r) {
  char what[48];
  ssize_t n;
  while ((n = recv(fd, frame->data, FRAME_MAX, 0)) > 0) {
    enum watch_kind kind = watch_judge(w, bytes_of(frame->data, (size_t)n), what);
    r->count[kind]++;
    if ((kind == WATCH_CLEAR || kind == WATCH_FOREIGN) && !r->worst[0])
      memcpy(r->worst, what, sizeof r->worst);
  }
}

static err_t watch(int capture, int sender, const struct net_address *to,
                   const struct watch_peer *w, unsigned seconds, struct watch_report *r) {
  AUTO_BUF frame = BUF_EMPTY;
  uint64_t now = clock_mono_us(), end = now + seconds * 1000000ull, next = now;
  struct pollfd wait = { capture, POLLIN, 0 };
  if (!buf_reserve(&frame, FRAME_MAX))
    return ERR_NOMEM;
  for (; now < end; now = clock_mono_us()) {
    if (now >= next) {
      static const char text[] = "strongroom vpn check";
      (void)sendto(sender, text, sizeof text, 0, (const struct sockaddr *)&to->socket, to->size);
      r->sent++;
      next = now + SEND_US;
    }
    poll(&wait, 1, (int)(SEND_US / 1000));
    take_frames(capture, w, &frame, r);
  }
  return OK;
}

err_t watch_run(const struct site *s, const struct site_peer *p, const char *address,
                unsigned seconds, struct watch_report *out) {
  struct watch_peer w = { .nets = &p->nets };
  struct net_address to;
  AUTO_FD capture = -1, sender = -1;
  uint32_t index;
  *out = (struct watch_report){ 0 };
  if (!cidr_parse(bytes_str(address), &w.address))
    FAIL(ERR_NOT_FOUND, "absent: it has no tunnel, and the site file has no IP address of it");
  snprintf(out->address, sizeof out->address, "%s", address);
  TRY(find_interface(&w.address, &index));
  char name[IF_NAMESIZE] = "";
  snprintf(out->interface, sizeof out->interface, "%s", if_indextoname(index, name) ? name : "?");
  TRY(open_capture(index, &capture));
  TRY(open_sender(p, &to, &sender));
  return watch(capture, sender, &to, &w, seconds, out);
}
