#include "transit/vpn/guard_rules.h"

#include "transit/vpn/guard.h"
#include "transit/vpn/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define RULES_MAX 8192
static const uint8_t families[] = { AF_INET, AF_INET6 };
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A rule, as far as it matters here. */
struct rule {
  uint8_t family, action;
  uint32_t rank, table;
  bool narrow;     /* more than the destination has to fit */
  struct cidr net; /* the destination */
};

static const struct rule leads[] = {
  { .action = FR_ACT_TO_TBL, .rank = GUARD_GATE_RANK, .table = GUARD_GATE_TABLE },
  { .action = FR_ACT_TO_TBL, .rank = GUARD_TUNNEL_RANK, .table = GUARD_TUNNEL_TABLE },
};

static struct rule drop_of(const struct cidr *net) {
  return (struct rule){ .family = net->size == 4 ? AF_INET : AF_INET6,
                        .action = FR_ACT_BLACKHOLE,
                        .rank = GUARD_BLOCK_RANK,
                        .net = *net };
}

/* --- changes --- */

/* A machine without IPv6 has no such rules and needs none. */
static err_t change(int fd, unsigned type, const struct rule *rule, bool *changed) {
  const struct fib_rule_hdr h = { .family = rule->family,
                                  .action = rule->action,
                                  .dst_len = rule->net.bits };
  struct nl_request r;
  bool adds = type == RTM_NEWRULE;
  int error = 0;
  nl_begin(&r, type, adds ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof h);
  nl_put_u32(&r, FRA_PRIORITY, rule->rank);
  if (rule->table)
    nl_put_u32(&r, FRA_TABLE, rule->table);
  if (rule->net.bits)
    nl_put(&r, FRA_DST, rule->net.address, rule->net.size);
  TRY(nl_ask(fd, &r, NULL, NULL, &error));
  if (error == EPERM)
    FAIL(ERR_CONFIG, "cannot change routes: this needs root (CAP_NET_ADMIN)");
  if (error && error != (adds ? EEXIST : ENOENT) &&
      !(rule->family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP)))
    FAIL(ERR_CONFIG, "cannot change the rules of routing: %s", strerror(error));
  *changed |= error == 0;
  return OK;
}

static err_t change_leads(int fd, unsigned type, bool *changed) {
  bool unused = false;
  for (size_t f = 0; f < COUNT(families); f++)
    for (size_t i = 0; i < COUNT(leads); i++) {
      struct rule one = leads[i];
      one.family = families[f];
      TRY(change(fd, type, &one, one.table == GUARD_TUNNEL_TABLE ? &unused : changed));
    }
  return OK;
}

err_t guard_rules_put(int fd, const struct site *s, bool *changed) {
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++) {
      struct rule drop = drop_of(&s->peers[p].nets.items[i].is);
      TRY(change(fd, RTM_NEWRULE, &drop, changed));
    }
  return change_leads(fd, RTM_NEWRULE, changed);
}

/* --- what is there --- */

static bool is_narrow(const struct nl_answer *a, const struct fib_rule_hdr *h) {
  static const unsigned selectors[] = { FRA_IIFNAME,    FRA_OIFNAME,  FRA_FWMARK,
                                        FRA_FWMASK,     FRA_TUN_ID,   FRA_L3MDEV,
                                        FRA_UID_RANGE,  FRA_IP_PROTO, FRA_SPORT_RANGE,
                                        FRA_DPORT_RANGE };
  bool narrow = h->src_len || h->tos || (h->flags & FIB_RULE_INVERT);
  for (size_t i = 0; i < COUNT(selectors); i++)
    narrow |= nl_attribute(a, sizeof *h, selectors[i]).data != NULL;
  return narrow || nl_attribute_u32(a, sizeof *h, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX) != UINT32_MAX;
}

/* Appends a struct rule. */
static err_t collect(void *ctx, const struct nl_answer *a) {
  struct buf *all = ctx;
  struct fib_rule_hdr h;
  if (a->type != RTM_NEWRULE || a->body.size < sizeof h)
    return OK;
  memcpy(&h, a->body.data, sizeof h);
  struct bytes dst = nl_attribute(a, sizeof h, FRA_DST);
  struct rule one = { .family = h.family,
                      .action = h.action,
                      .rank = nl_attribute_u32(a, sizeof h, FRA_PRIORITY, 0),
                      .table = nl_attribute_u32(a, sizeof h, FRA_TABLE, h.table),
                      .narrow = is_narrow(a, &h) };
  if (dst.size > sizeof one.net.address)
    return OK;
  one.net.size = h.family == AF_INET ? 4 : 16;
  one.net.bits = h.dst_len;
  if (dst.size)
    memcpy(one.net.address, dst.data, dst.size);
  if (all->size / sizeof one < RULES_MAX)
    buf_put(all, &one, sizeof one);
  return OK;
}

static err_t list(int fd, struct buf *all) {
  for (size_t f = 0; f < COUNT(families); f++) {
    const struct fib_rule_hdr h = { .family = families[f] };
    struct nl_request r;
    int error = 0;
    nl_begin(&r, RTM_GETRULE, NLM_F_DUMP, &h, sizeof h);
    TRY(nl_ask(fd, &r, collect, all, &error));
  }
  return buf_ok(all);
}

static size_t count_of(const struct buf *all) {
  return all->size / sizeof(struct rule);
}

static struct rule rule_at(const struct buf *all, size_t i) {
  struct rule one;
  memcpy(&one, all->data + i * sizeof one, sizeof one);
  return one;
}

static bool is_drop(const struct rule *r) {
  return r->action == FR_ACT_BLACKHOLE && r->rank == GUARD_BLOCK_RANK && !r->narrow;
}

static bool is_behind(const struct site *s, const struct cidr *net) {
  for (size_t p = 0; s && p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++)
      if (cidr_same(&s->peers[p].nets.items[i].is, net))
        return true;
  return false;
}

/* s NULL: all of them. */
static err_t prune(int fd, const struct site *s) {
  AUTO_BUF all = BUF_EMPTY;
  bool unused = false;
  TRY(list(fd, &all));
  for (size_t i = 0; i < count_of(&all); i++) {
    struct rule one = rule_at(&all, i);
    if (is_drop(&one) && !is_behind(s, &one.net))
      TRY(change(fd, RTM_DELRULE, &one, &unused));
  }
  return OK;
}

err_t guard_rules_prune(int fd, const struct site *s) {
  return prune(fd, s);
}

err_t guard_rules_remove(int fd) {
  bool unused = false;
  TRY(change_leads(fd, RTM_DELRULE, &unused));
  return prune(fd, NULL);
}

static bool has_drop(const struct buf *all, const struct cidr *net) {
  for (size_t i = 0; i < count_of(all); i++) {
    struct rule one = rule_at(all, i);
    if (is_drop(&one) && cidr_same(&one.net, net))
      return true;
  }
  return false;
}

err_t guard_rules_stand(int fd, const struct site *s, bool *out) {
  AUTO_BUF all = BUF_EMPTY;
  TRY(list(fd, &all));
  *out = true;
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].nets.count; i++)
      *out = *out && has_drop(&all, &s->peers[p].nets.items[i].is);
  return OK;
}

static bool is_ours(const struct rule *r) {
  for (size_t i = 0; i < COUNT(leads); i++)
    if (r->rank == leads[i].rank && r->table == leads[i].table)
      return true;
  return false;
}

err_t guard_rules_before(int fd, int64_t *rank) {
  AUTO_BUF all = BUF_EMPTY;
  TRY(list(fd, &all));
  *rank = GUARD_ALONE;
  for (size_t i = 0; i < count_of(&all); i++) {
    struct rule one = rule_at(&all, i);
    bool goes_on = one.action == FR_ACT_TO_TBL || one.action == FR_ACT_GOTO;
    if (one.rank <= GUARD_BLOCK_RANK && goes_on && one.table != RT_TABLE_LOCAL && !is_ours(&one) &&
        (*rank == GUARD_ALONE || one.rank < *rank))
      *rank = one.rank;
  }
  return OK;
}
