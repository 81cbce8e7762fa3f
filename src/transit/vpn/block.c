#include "transit/vpn/block.h"

#include "base/file.h"
#include "transit/vpn/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define RANK 0x7fffff00u /* behind every policy of strongSwan; ours are known by it */
#define TEST_SPI 0x73727670u
#define TEST_KEY 36 /* AES-256 and the salt of RFC 4106 */
#define FOREVER UINT64_MAX

static const uint8_t directions[] = { XFRM_POLICY_OUT, XFRM_POLICY_IN, XFRM_POLICY_FWD };

static const struct xfrm_lifetime_cfg unlimited = { .soft_byte_limit = FOREVER,
                                                    .hard_byte_limit = FOREVER,
                                                    .soft_packet_limit = FOREVER,
                                                    .hard_packet_limit = FOREVER };

static uint16_t family_of(const struct cidr *net) {
  return net->size == 4 ? AF_INET : AF_INET6;
}

/* type: whether one that is there is written again, or left. *added: it was not there, if left. */
static err_t put_one(int fd, unsigned type, const struct cidr *net, uint8_t direction,
                     bool *added) {
  struct xfrm_userpolicy_info p = { .lft = unlimited,
                                    .priority = RANK,
                                    .dir = direction,
                                    .action = XFRM_POLICY_BLOCK,
                                    .sel.family = family_of(net) };
  struct nl_request r;
  int error = 0;
  bool out = direction == XFRM_POLICY_OUT;
  memcpy(out ? &p.sel.daddr : &p.sel.saddr, net->address, net->size);
  *(out ? &p.sel.prefixlen_d : &p.sel.prefixlen_s) = net->bits;
  nl_begin(&r, type, 0, &p, sizeof p);
  TRY(nl_ask(fd, &r, NULL, NULL, &error));
  *added |= error == 0;
  if (error && !(error == EEXIST && type == XFRM_MSG_NEWPOLICY))
    FAIL(ERR_CONFIG, "cannot add an IPsec policy that drops: %s", strerror(error));
  return OK;
}

/* --- those of earlier --- */

static err_t collect(void *ctx, const struct nl_answer *a) {
  struct xfrm_userpolicy_info p;
  if (a->type != XFRM_MSG_NEWPOLICY || a->body.size < sizeof p)
    return OK;
  memcpy(&p, a->body.data, sizeof p);
  if (p.priority == RANK && p.action == XFRM_POLICY_BLOCK)
    buf_put(ctx, &p, sizeof p);
  return OK;
}

static bool is_wanted(const struct site *s, const struct xfrm_userpolicy_info *p) {
  bool out = p->dir == XFRM_POLICY_OUT;
  for (size_t i = 0; s && i < s->peer_count; i++)
    for (size_t k = 0; k < s->peers[i].nets.count; k++) {
      const struct cidr *net = &s->peers[i].nets.items[k].is;
      if (family_of(net) == p->sel.family &&
          net->bits == (out ? p->sel.prefixlen_d : p->sel.prefixlen_s) &&
          memcmp(net->address, out ? &p->sel.daddr : &p->sel.saddr, net->size) == 0)
        return true;
    }
  return false;
}

static err_t prune(int fd, const struct site *s) {
  const struct xfrm_userpolicy_id all = { 0 };
  struct xfrm_userpolicy_info p;
  AUTO_BUF found = BUF_EMPTY;
  struct nl_request r;
  int error = 0;
  nl_begin(&r, XFRM_MSG_GETPOLICY, NLM_F_DUMP, &all, sizeof all);
  TRY(nl_ask(fd, &r, collect, &found, &error));
  TRY(buf_ok(&found));
  for (size_t i = 0; i < found.size / sizeof p; i++) {
    memcpy(&p, found.data + i * sizeof p, sizeof p);
    const struct xfrm_userpolicy_id id = { .sel = p.sel, .dir = p.dir };
    if (is_wanted(s, &p))
      continue;
    nl_begin(&r, XFRM_MSG_DELPOLICY, 0, &id, sizeof id);
    TRY(nl_ask(fd, &r, NULL, NULL, &error));
    if (error && error != ENOENT)
      FAIL(ERR_CONFIG, "cannot remove an IPsec policy that drops: %s", strerror(error));
  }
  return OK;
}

static err_t put_all(int fd, unsigned type, const struct site *s, bool *added) {
  for (size_t i = 0; i < s->peer_count; i++)
    for (size_t k = 0; k < s->peers[i].nets.count; k++)
      for (size_t d = 0; d < sizeof directions; d++)
        TRY(put_one(fd, type, &s->peers[i].nets.items[k].is, directions[d], added));
  return OK;
}

err_t vpn_block_put(const struct site *s) {
  AUTO_FD fd = -1;
  bool added = false;
  int error;
  err_t e = nl_open(NETLINK_XFRM, &fd, &error);
  if (e != OK)
    return s || error != EPROTONOSUPPORT ? e : OK;
  if (s)
    TRY(put_all(fd, XFRM_MSG_UPDPOLICY, s, &added));
  return prune(fd, s);
}

err_t vpn_block_mend(const struct site *s, bool *mended) {
  AUTO_FD fd = -1;
  int error;
  TRY(nl_open(NETLINK_XFRM, &fd, &error));
  return put_all(fd, XFRM_MSG_NEWPOLICY, s, mended);
}

/* --- what the kernel can --- */

/* An association between two addresses of documentation (RFC 5737), for a moment. */
static void make_test(struct nl_request *r, struct xfrm_usersa_id *id) {
  const struct xfrm_algo_aead alg = { .alg_name = "rfc4106(gcm(aes))",
                                      .alg_key_len = TEST_KEY * 8,
                                      .alg_icv_len = 128 };
  uint8_t aead[sizeof alg + TEST_KEY] = { 0 };
  struct xfrm_usersa_info sa = { .family = AF_INET, .mode = XFRM_MODE_TUNNEL, .lft = unlimited };
  sa.id.spi = htonl(TEST_SPI);
  sa.id.proto = IPPROTO_ESP;
  sa.id.daddr.a4 = inet_addr("192.0.2.1");
  sa.saddr.a4 = inet_addr("192.0.2.2");
  *id = (struct xfrm_usersa_id){ sa.id.daddr, sa.id.spi, AF_INET, IPPROTO_ESP };
  nl_begin(r, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &sa, sizeof sa);
  memcpy(aead, &alg, sizeof alg);
  nl_put(r, XFRMA_ALG_AEAD, aead, sizeof aead);
}

err_t block_kernel_esp(bool *out) {
  AUTO_FD fd = -1;
  struct xfrm_usersa_id id;
  struct nl_request r;
  int error;
  *out = false;
  err_t e = nl_open(NETLINK_XFRM, &fd, &error);
  if (e != OK)
    return error == EPROTONOSUPPORT ? OK : e;
  make_test(&r, &id);
  TRY(nl_ask(fd, &r, NULL, NULL, &error));
  if (error == EPERM)
    FAIL(ERR_CONFIG, "cannot ask the kernel for ESP: this needs root (CAP_NET_ADMIN)");
  *out = error == 0;
  if (error)
    return OK;
  nl_begin(&r, XFRM_MSG_DELSA, 0, &id, sizeof id);
  return nl_ask(fd, &r, NULL, NULL, &error);
}
