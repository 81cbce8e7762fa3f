#include "transit/vpn/peer.h"

#include "base/clock.h"
#include "crypto/crl.h"

#include <stdio.h>

/* --- revocation lists --- */

/* The lists, read. */
struct revoked {
  struct crl *lists;
  size_t count;
};
static void revoked_free(struct revoked *r) {
  for (size_t i = 0; i < r->count; i++)
    crl_free(&r->lists[i]);
  mem_free(r->lists);
}

/* An authority that strongSwan knows: one of the lists may be its. */
struct reading {
  const struct enrolled *enrolled;
  struct revoked *out;
};

static err_t read_lists_of(void *ctx, struct bytes message) {
  const struct reading *r = ctx;
  struct bytes authority = vici_value(message, "data");
  for (size_t i = 0; i < r->enrolled->list_count && r->out->count < r->enrolled->list_count; i++) {
    err_t e = crl_read(buf_bytes(&r->enrolled->lists[i]), authority, &r->out->lists[r->out->count]);
    if (e == ERR_NOMEM)
      return e;
    r->out->count += e == OK;
  }
  return OK;
}

static err_t list_certs(struct vici *v, const char *flag, const char *subject, vici_each *each,
                        void *ctx) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509");
  vici_put_str(&request, "flag", flag);
  if (subject)
    vici_put_str(&request, "subject", subject);
  return vici_list(v, "list-certs", "list-cert", &request, each, ctx);
}

static err_t read_lists(struct vici *v, const struct enrolled *e, struct revoked *out) {
  struct reading r = { e, out };
  if (!e || e->list_count == 0)
    return OK;
  if (!(out->lists = mem_zalloc(e->list_count * sizeof *out->lists)))
    return ERR_NOMEM;
  return list_certs(v, "CA", NULL, read_lists_of, &r);
}

static bool is_revoked(const struct revoked *r, const struct cert_info *info) {
  for (size_t i = 0; i < r->count; i++)
    if (crl_has(&r->lists[i], bytes_of(info->serial, info->serial_size)))
      return true;
  return false;
}

/* --- certificates --- */

#define EKU_IKE "1.3.6.1.5.5.7.3.17" /* id-kp-ipsecIKE (RFC 4945, 5.1.3.12) */

struct look {
  const struct site_peer *peer;
  const struct revoked *revoked;
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
  if (is_revoked(l->revoked, info))
    refuse(v, "its certificate is revoked");
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
  struct revoked revoked __attribute__((cleanup(revoked_free))) = { 0 };
  struct look l = { p, &revoked, out };
  *out = (struct peer_verdict){ .good = true };
  TRY(read_lists(v, e, &revoked));
  TRY(list_certs(v, "ANY", p->name, take, &l));
  if (out->seen && out->good && out->not_after <= clock_real())
    refuse(out, "its certificate has ended");
  return OK;
}

err_t peer_forget(struct vici *v) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509");
  return vici_call(v, "flush-certs", &request, NULL);
}
