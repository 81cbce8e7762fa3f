#include "transit/vpn/guard.h"

#include "base/file.h"
#include "transit/vpn/block.h"
#include "transit/vpn/guard_rules.h"
#include "transit/vpn/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static const uint8_t families[] = { AF_INET, AF_INET6 };
#define COUNT(a) (sizeof(a) / sizeof *(a))

static uint8_t family_of(const struct cidr *net) {
  return net->size == 4 ? AF_INET : AF_INET6;
}

/* A name among abstract sockets: each network namespace has its own, and it goes with its holder.
 */
err_t guard_claim(int *fd) {
  struct sockaddr_un name = { .sun_family = AF_UNIX };
  static const char text[] = "strongroom-vpn-guard";
  memcpy(name.sun_path + 1, text, sizeof text - 1);
  AUTO_FD s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0)
    FAIL(ERR_IO, "socket: %s", strerror(errno));
  if (bind(s, (struct sockaddr *)&name,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof text)) != 0)
    FAIL(ERR_CONFLICT, "another 'strongroom vpn up' runs on this machine: one site file has all "
                       "its peers");
  *fd = s;
  s = -1;
  return OK;
}

/* Done, or as it should be already; *changed (may be NULL) where it was not. */
static err_t settle(int fd, struct nl_request *r, const char *what, int fine, bool *changed) {
  int error = 0;
  TRY(nl_ask(fd, r, NULL, NULL, &error));
  if (changed)
    *changed |= error == 0;
  if (error == EPERM)
    FAIL(ERR_CONFIG, "cannot change routes: this needs root (CAP_NET_ADMIN)");
  if (error && error != fine)
    FAIL(ERR_CONFIG, "cannot %s: %s", what, strerror(error));
  return OK;
}

/* --- the gate --- */

static void put_drop(struct nl_request *r, unsigned type, unsigned flags, const struct cidr *net) {
  const struct rtmsg h = { .rtm_family = family_of(net),
                           .rtm_dst_len = net->bits,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_BLACKHOLE };
  nl_begin(r, type, flags, &h, sizeof h);
  nl_put(r, RTA_DST, net->address, net->size);
  nl_put_u32(r, RTA_TABLE, GUARD_GATE_TABLE);
}

static err_t change_drop(int fd, unsigned type, const struct cidr *net) {
  struct nl_request r;
  bool adds = type == RTM_NEWROUTE;
  put_drop(&r, type, adds ? NLM_F_CREATE | NLM_F_REPLACE : 0, net);
  return settle(fd, &r, adds ? "add a route that drops" : "remove a route that drops",
                adds ? 0 : ESRCH, NULL);
}

/* Adds it if there is none: *changed then. */
static err_t mend_drop(int fd, const struct cidr *net, bool *changed) {
  struct nl_request r;
  put_drop(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, net);
  return settle(fd, &r, "put a route that drops back", EEXIST, changed);
}

/* --- what is there --- */

#define ROUTES_MAX 8192
struct route {
  struct cidr net;
  uint8_t type, tos;
  uint32_t metric, interface; /* 0: none */
};
struct routes {
  uint32_t table;
  struct buf items; /* struct route each */
};

static err_t collect(void *ctx, const struct nl_answer *a) {
  struct routes *all = ctx;
  struct rtmsg h;
  if (a->type != RTM_NEWROUTE || a->body.size < sizeof h)
    return OK;
  memcpy(&h, a->body.data, sizeof h);
  struct bytes dst = nl_attribute(a, sizeof h, RTA_DST);
  struct route one = { .type = h.rtm_type,
                       .tos = h.rtm_tos,
                       .metric = nl_attribute_u32(a, sizeof h, RTA_PRIORITY, 0),
                       .interface = nl_attribute_u32(a, sizeof h, RTA_OIF, 0) };
  if (nl_attribute_u32(a, sizeof h, RTA_TABLE, 0) != all->table ||
      dst.size > sizeof one.net.address)
    return OK;
  if (dst.size)
    memcpy(one.net.address, dst.data, dst.size);
  one.net.size = h.rtm_family == AF_INET ? 4 : 16;
  one.net.bits = h.rtm_dst_len;
  if (all->items.size / sizeof one < ROUTES_MAX)
    buf_put(&all->items, &one, sizeof one);
  return OK;
}

static err_t list_table(int fd, uint32_t table, struct buf *routes) {
  for (size_t f = 0; f < COUNT(families); f++) {
    const struct rtmsg h = { .rtm_family = families[f] };
    struct routes all = { table, BUF_EMPTY };
    struct nl_request r;
    int error = 0;
    nl_begin(&r, RTM_GETROUTE, NLM_F_DUMP, &h, sizeof h);
    nl_put_u32(&r, RTA_TABLE, table);
    err_t e = nl_ask(fd, &r, collect, &all, &error);
    buf_put_bytes(routes, buf_bytes(&all.items));
    buf_free(&all.items);
    TRY(e);
  }
  return buf_ok(routes);
}

static size_t count_of(const struct buf *routes) {
  return routes->size / sizeof(struct route);
}

static struct route route_at(const struct buf *routes, size_t i) {
  struct route one;
  memcpy(&one, routes->data + i * sizeof one, sizeof one);
  return one;
}

static err_t remove_route(int fd, uint32_t table, const struct route *one, bool *changed) {
  const struct rtmsg h = { .rtm_family = family_of(&one->net),
                           .rtm_dst_len = one->net.bits,
                           .rtm_tos = one->tos,
                           .rtm_scope = RT_SCOPE_NOWHERE,
                           .rtm_type = one->type };
  struct nl_request r;
  nl_begin(&r, RTM_DELROUTE, 0, &h, sizeof h);
  if (one->net.bits)
    nl_put(&r, RTA_DST, one->net.address, one->net.size);
  if (one->metric)
    nl_put_u32(&r, RTA_PRIORITY, one->metric);
  if (one->interface)
    nl_put_u32(&r, RTA_OIF, one->interface);
  nl_put_u32(&r, RTA_TABLE, table);
  return settle(fd, &r, "remove a route", ESRCH, changed);
}

static err_t clear(int fd, uint32_t table) {
  AUTO_BUF routes = BUF_EMPTY;
  bool unused = false;
  TRY(list_table(fd, table, &routes));
  for (size_t i = 0; i < count_of(&routes); i++) {
    struct route one = route_at(&routes, i);
    TRY(remove_route(fd, table, &one, &unused));
  }
  return OK;
}

/* Of a peer whose gate is shut; open NULL: all are. */
static bool is_shut(const struct site *s, const bool *open, const struct cidr *net) {
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++)
      if (cidr_same(&s->peers[p].nets.items[i].is, net))
        return !(open && open[p]);
  return false;
}

/* Removes what is no shut gate: routes that others have put there lead around the tunnel. */
static err_t prune_gates(int fd, const struct site *s, const bool *open, bool *changed) {
  AUTO_BUF routes = BUF_EMPTY;
  TRY(list_table(fd, GUARD_GATE_TABLE, &routes));
  for (size_t i = 0; i < count_of(&routes); i++) {
    struct route one = route_at(&routes, i);
    if (one.type != RTN_BLACKHOLE || !is_shut(s, open, &one.net))
      TRY(remove_route(fd, GUARD_GATE_TABLE, &one, changed));
  }
  return OK;
}

/* --- all of it --- */

err_t guard_put(const struct site *s, bool kernel_esp) {
  AUTO_FD fd = -1;
  int unused;
  bool changed = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++)
      TRY(change_drop(fd, RTM_NEWROUTE, &s->peers[p].nets.items[i].is));
  TRY(guard_rules_put(fd, s, &changed));
  TRY(vpn_block_put(kernel_esp ? s : NULL));
  TRY(clear(fd, GUARD_TUNNEL_TABLE));
  TRY(prune_gates(fd, s, NULL, &changed));
  return guard_rules_prune(fd, s);
}

err_t guard_mend(const struct site *s, bool kernel_esp, const bool *open, bool *mended) {
  AUTO_FD fd = -1;
  int unused;
  *mended = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(guard_rules_put(fd, s, mended));
  TRY(prune_gates(fd, s, open, mended));
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count && !open[p]; i++)
      TRY(mend_drop(fd, &s->peers[p].nets.items[i].is, mended));
  return kernel_esp ? vpn_block_mend(s, mended) : OK;
}

err_t guard_gate(const struct site_peer *p, bool open) {
  AUTO_FD fd = -1;
  int unused;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  for (size_t i = 0; i < p->nets.count; i++)
    TRY(change_drop(fd, open ? RTM_DELROUTE : RTM_NEWROUTE, &p->nets.items[i].is));
  return OK;
}

err_t guard_leads(const struct site_peer *p, bool *out) {
  AUTO_FD fd = -1;
  AUTO_BUF routes = BUF_EMPTY;
  int unused;
  bool leads = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(list_table(fd, GUARD_TUNNEL_TABLE, &routes));
  for (size_t k = 0; k < count_of(&routes); k++) {
    struct route there = route_at(&routes, k);
    for (size_t i = 0; i < p->nets.count; i++)
      leads |= site_overlap(&there.net, &p->nets.items[i].is);
  }
  *out = leads;
  return OK;
}

err_t guard_remove(void) {
  AUTO_FD fd = -1;
  int unused;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(guard_rules_remove(fd));
  TRY(clear(fd, GUARD_TUNNEL_TABLE));
  TRY(clear(fd, GUARD_GATE_TABLE));
  return vpn_block_put(NULL);
}

err_t guard_stands(const struct site *s, bool *out) {
  AUTO_FD fd = -1;
  AUTO_BUF routes = BUF_EMPTY;
  int unused;
  bool stands;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(guard_rules_stand(fd, s, &stands));
  TRY(list_table(fd, GUARD_GATE_TABLE, &routes));
  for (size_t i = 0; i < count_of(&routes); i++)
    stands = stands && route_at(&routes, i).type == RTN_BLACKHOLE;
  *out = stands;
  return OK;
}

err_t guard_before(int64_t *rank) {
  AUTO_FD fd = -1;
  int unused;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  return guard_rules_before(fd, rank);
}
