#include "transit/vpn/guard.h"

#include "base/file.h"
#include "transit/vpn/block.h"
#include "transit/vpn/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct {
  uint32_t table, rank;
} rules[] = { { GUARD_GATE_TABLE, GUARD_GATE_RANK },
              { GUARD_TUNNEL_TABLE, GUARD_TUNNEL_RANK },
              { GUARD_BLOCK_TABLE, GUARD_BLOCK_RANK } };
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

/* A machine without IPv6 has no such rules and needs none. */
static err_t change_rule(int fd, unsigned type, uint8_t family, uint32_t table, uint32_t rank,
                         bool *changed) {
  const struct fib_rule_hdr h = { .family = family, .action = FR_ACT_TO_TBL };
  struct nl_request r;
  bool adds = type == RTM_NEWRULE;
  int error = 0;
  nl_begin(&r, type, adds ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof h);
  nl_put_u32(&r, FRA_PRIORITY, rank);
  nl_put_u32(&r, FRA_TABLE, table);
  TRY(nl_ask(fd, &r, NULL, NULL, &error));
  if (error == EPERM)
    FAIL(ERR_CONFIG, "cannot change routes: this needs root (CAP_NET_ADMIN)");
  if (error && error != (adds ? EEXIST : ENOENT) &&
      !(family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP)))
    FAIL(ERR_CONFIG, "cannot change the rules of routing: %s", strerror(error));
  *changed |= error == 0;
  return OK;
}

/* *changed: one that lets the routes that drop be asked. strongSwan itself removes the other one
 * when it ends. */
static err_t change_rules(int fd, unsigned type, bool *changed) {
  bool unused = false;
  for (size_t f = 0; f < COUNT(families); f++)
    for (size_t i = 0; i < COUNT(rules); i++)
      TRY(change_rule(fd, type, families[f], rules[i].table, rules[i].rank,
                      rules[i].table == GUARD_TUNNEL_TABLE ? &unused : changed));
  return OK;
}

static void put_drop(struct nl_request *r, unsigned type, unsigned flags, const struct cidr *net,
                     uint32_t table) {
  const struct rtmsg h = { .rtm_family = family_of(net),
                           .rtm_dst_len = net->bits,
                           .rtm_protocol = RTPROT_STATIC,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_BLACKHOLE };
  nl_begin(r, type, flags, &h, sizeof h);
  nl_put(r, RTA_DST, net->address, net->size);
  nl_put_u32(r, RTA_TABLE, table);
}

static err_t change_drop(int fd, unsigned type, const struct cidr *net, uint32_t table) {
  struct nl_request r;
  bool adds = type == RTM_NEWROUTE;
  put_drop(&r, type, adds ? NLM_F_CREATE | NLM_F_REPLACE : 0, net, table);
  return settle(fd, &r, adds ? "add a route that drops" : "remove a route that drops",
                adds ? 0 : ESRCH, NULL);
}

/* Adds it if there is none: *changed then. */
static err_t mend_drop(int fd, const struct cidr *net, uint32_t table, bool *changed) {
  struct nl_request r;
  put_drop(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, net, table);
  return settle(fd, &r, "put a route that drops back", EEXIST, changed);
}

/* --- what is there --- */

#define ROUTES_MAX 8192
struct routes {
  uint32_t table;
  struct buf nets; /* struct cidr each */
};

static err_t collect(void *ctx, const struct nl_answer *a) {
  struct routes *all = ctx;
  struct rtmsg h;
  struct cidr net = { 0 };
  uint32_t table = 0;
  if (a->type != RTM_NEWROUTE || a->body.size < sizeof h)
    return OK;
  memcpy(&h, a->body.data, sizeof h);
  struct bytes dst = nl_attribute(a, sizeof h, RTA_DST), in = nl_attribute(a, sizeof h, RTA_TABLE);
  if (in.size == sizeof table)
    memcpy(&table, in.data, sizeof table);
  if (table != all->table || dst.size > sizeof net.address)
    return OK;
  if (dst.size)
    memcpy(net.address, dst.data, dst.size);
  net.size = h.rtm_family == AF_INET ? 4 : 16;
  net.bits = h.rtm_dst_len;
  if (all->nets.size / sizeof net < ROUTES_MAX)
    buf_put(&all->nets, &net, sizeof net);
  return OK;
}

static err_t list_table(int fd, uint32_t table, struct buf *nets) {
  for (size_t f = 0; f < COUNT(families); f++) {
    const struct rtmsg h = { .rtm_family = families[f] };
    struct routes all = { table, BUF_EMPTY };
    struct nl_request r;
    int error = 0;
    nl_begin(&r, RTM_GETROUTE, NLM_F_DUMP, &h, sizeof h);
    nl_put_u32(&r, RTA_TABLE, table);
    err_t e = nl_ask(fd, &r, collect, &all, &error);
    buf_put_bytes(nets, buf_bytes(&all.nets));
    buf_free(&all.nets);
    TRY(e);
  }
  return buf_ok(nets);
}

static struct cidr net_at(const struct buf *nets, size_t i) {
  struct cidr net;
  memcpy(&net, nets->data + i * sizeof net, sizeof net);
  return net;
}

static bool same(const struct cidr *a, const struct cidr *b) {
  return a->bits == b->bits && cidr_covers(a, b);
}

static bool is_wanted(const struct site *s, const struct cidr *net) {
  for (size_t p = 0; s && p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++)
      if (same(&s->peers[p].nets.items[i].is, net))
        return true;
  return false;
}

/* Removes what a table has beyond the site's networks; s NULL: all. */
static err_t prune(int fd, uint32_t table, const struct site *s) {
  AUTO_BUF nets = BUF_EMPTY;
  TRY(list_table(fd, table, &nets));
  for (size_t i = 0; i < nets.size / sizeof(struct cidr); i++) {
    struct cidr net = net_at(&nets, i);
    const struct rtmsg h = { .rtm_family = family_of(&net),
                             .rtm_dst_len = net.bits,
                             .rtm_scope = RT_SCOPE_NOWHERE };
    struct nl_request r;
    if (is_wanted(s, &net))
      continue;
    nl_begin(&r, RTM_DELROUTE, 0, &h, sizeof h);
    nl_put(&r, RTA_DST, net.address, net.size);
    nl_put_u32(&r, RTA_TABLE, table);
    TRY(settle(fd, &r, "remove a route", ESRCH, NULL));
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
    for (size_t i = 0; i < s->peers[p].nets.count; i++) {
      TRY(change_drop(fd, RTM_NEWROUTE, &s->peers[p].nets.items[i].is, GUARD_BLOCK_TABLE));
      TRY(change_drop(fd, RTM_NEWROUTE, &s->peers[p].nets.items[i].is, GUARD_GATE_TABLE));
    }
  TRY(change_rules(fd, RTM_NEWRULE, &changed));
  TRY(vpn_block_put(kernel_esp ? s : NULL));
  TRY(prune(fd, GUARD_TUNNEL_TABLE, NULL));
  TRY(prune(fd, GUARD_GATE_TABLE, s));
  return prune(fd, GUARD_BLOCK_TABLE, s);
}

err_t guard_mend(const struct site *s, bool kernel_esp, const bool *open, bool *mended) {
  AUTO_FD fd = -1;
  int unused;
  *mended = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++) {
      const struct cidr *net = &s->peers[p].nets.items[i].is;
      TRY(mend_drop(fd, net, GUARD_BLOCK_TABLE, mended));
      if (!open[p])
        TRY(mend_drop(fd, net, GUARD_GATE_TABLE, mended));
    }
  TRY(change_rules(fd, RTM_NEWRULE, mended));
  return kernel_esp ? vpn_block_mend(s, mended) : OK;
}

err_t guard_gate(const struct site_peer *p, bool open) {
  AUTO_FD fd = -1;
  int unused;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  for (size_t i = 0; i < p->nets.count; i++)
    TRY(
      change_drop(fd, open ? RTM_DELROUTE : RTM_NEWROUTE, &p->nets.items[i].is, GUARD_GATE_TABLE));
  return OK;
}

err_t guard_leads(const struct site_peer *p, bool *out) {
  AUTO_FD fd = -1;
  AUTO_BUF nets = BUF_EMPTY;
  int unused;
  bool leads = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(list_table(fd, GUARD_TUNNEL_TABLE, &nets));
  for (size_t k = 0; k < nets.size / sizeof(struct cidr); k++) {
    struct cidr there = net_at(&nets, k);
    for (size_t i = 0; i < p->nets.count; i++)
      leads |= site_overlap(&there, &p->nets.items[i].is);
  }
  *out = leads;
  return OK;
}

err_t guard_remove(void) {
  AUTO_FD fd = -1;
  int unused;
  bool changed = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(change_rules(fd, RTM_DELRULE, &changed));
  TRY(prune(fd, GUARD_TUNNEL_TABLE, NULL));
  TRY(prune(fd, GUARD_GATE_TABLE, NULL));
  TRY(prune(fd, GUARD_BLOCK_TABLE, NULL));
  return vpn_block_put(NULL);
}

struct rule_search {
  uint32_t table;
  bool found;
};

static err_t find_rule(void *ctx, const struct nl_answer *a) {
  struct rule_search *search = ctx;
  uint32_t table = 0;
  struct bytes in = nl_attribute(a, sizeof(struct fib_rule_hdr), FRA_TABLE);
  if (a->type == RTM_NEWRULE && in.size == sizeof table)
    memcpy(&table, in.data, sizeof table);
  search->found |= table == search->table;
  return OK;
}

static err_t has_rule(int fd, uint8_t family, bool *out) {
  const struct fib_rule_hdr h = { .family = family };
  struct rule_search search = { GUARD_BLOCK_TABLE, false };
  struct nl_request r;
  int error = 0;
  nl_begin(&r, RTM_GETRULE, NLM_F_DUMP, &h, sizeof h);
  TRY(nl_ask(fd, &r, find_rule, &search, &error));
  *out = search.found;
  return OK;
}

err_t guard_stands(const struct site *s, bool *out) {
  AUTO_FD fd = -1;
  AUTO_BUF nets = BUF_EMPTY;
  int unused;
  bool stands = true, rule = false;
  TRY(nl_open(NETLINK_ROUTE, &fd, &unused));
  TRY(list_table(fd, GUARD_BLOCK_TABLE, &nets));
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++) {
      const struct cidr *net = &s->peers[p].nets.items[i].is;
      bool found = false;
      for (size_t k = 0; k < nets.size / sizeof *net; k++) {
        struct cidr there = net_at(&nets, k);
        found |= same(&there, net);
      }
      TRY(has_rule(fd, family_of(net), &rule));
      stands = stands && found && rule;
    }
  *out = stands;
  return OK;
}
