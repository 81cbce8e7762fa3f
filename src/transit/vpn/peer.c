#include "transit/vpn/peer.h"

#include "crypto/cert.h"

#include <stdio.h>

#define EKU_IKE "1.3.6.1.5.5.7.3.17" /* id-kp-ipsecIKE (RFC 4945, 5.1.3.12) */

struct look {
  const struct site_peer *peer;
  const struct enrolled *enrolled;
  struct peer_verdict *verdict;
};

static bool is_for_gateways(const struct cert_info *info) {
  for (size_t i = 0; i < info->is.ekus.count; i++)
    if (strcmp(info->is.ekus.items[i], EKU_IKE) == 0)
      return true;
  return false;
}

static void refuse(struct peer_verdict *v, const char *why) {
  v->seen = true;
  v->good = false;
  snprintf(v->why, sizeof v->why, "%s", why);
}

static void look_at(const struct look *l, const struct cert_info *info) {
  struct peer_verdict *v = l->verdict;
  v->seen = true;
  if (info->is.not_after > v->not_after)
    v->not_after = info->is.not_after;
  if (!l->peer->policy->any_purpose && !is_for_gateways(info))
    refuse(v, "its certificate is not one for gateways (the authority's profile vpn)");
}

/* One list-cert event: a certificate, and whether its key is ours. */
static err_t take(void *ctx, struct bytes message) {
  const struct look *l = ctx;
  AUTO_CERT_INFO info = { 0 };
  struct bytes der = vici_value(message, "data");
  if (vici_value(message, "has_privkey").data || !der.data)
    return OK;
  err_t e = cert_read(der, &info);
  if (e == OK)
    look_at(l, &info);
  else
    refuse(l->verdict, "its certificate is not of a kind that is known");
  return e == ERR_NOMEM ? e : OK;
}

err_t peer_look(struct vici *v, const struct site_peer *p, const struct enrolled *e,
                struct peer_verdict *out) {
  AUTO_BUF request = BUF_EMPTY;
  struct look l = { p, e, out };
  *out = (struct peer_verdict){ .good = true };
  vici_put_str(&request, "type", "X509");
  vici_put_str(&request, "flag", "ANY");
  vici_put_str(&request, "subject", p->name);
  return vici_list(v, "list-certs", "list-cert", &request, take, &l);
}

err_t peer_forget(struct vici *v) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509");
  return vici_call(v, "flush-certs", &request, NULL);
}
