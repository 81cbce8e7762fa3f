#include "transit/vpn/peer.h"

#include "crypto/x509.h"

#define EKU_IKE "1.3.6.1.5.5.7.3.17" /* id-kp-ipsecIKE (RFC 4945, 5.1.3.12) */

static err_t list_certs(struct vici *v, const char *flag, const char *subject, vici_each *each,
                        void *ctx) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509");
  vici_put_str(&request, "flag", flag);
  if (subject)
    vici_put_str(&request, "subject", subject);
  return vici_list(v, "list-certs", "list-cert", &request, each, ctx);
}

/* --- certificates --- */

struct look {
  const struct site_peer *peer;
  struct peer_certs *out;
};

static bool is_for_gateways(const struct cert_info *info) {
  for (size_t i = 0; i < info->is.ekus.count; i++)
    if (strcmp(info->is.ekus.items[i], EKU_IKE) == 0)
      return true;
  return false;
}

static struct peer_cert cert_of(const struct cert_info *info) {
  struct peer_cert c = { .serial_size = info->serial_size, .not_after = info->is.not_after };
  memcpy(c.serial, info->serial, sizeof c.serial);
  return c;
}

err_t peer_cert_read(struct bytes pem, struct peer_cert *out) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(x509_from_pem(pem, &der));
  TRY(cert_read(buf_bytes(&der), &info));
  *out = cert_of(&info);
  return OK;
}

static void add(const struct look *l, const struct cert_info *info) {
  struct peer_certs *out = l->out;
  if (!l->peer->policy->any_purpose && !is_for_gateways(info))
    out->wrong = "its certificate is not one for gateways (the authority's profile vpn)";
  if (out->count == PEER_CERTS_MAX) {
    out->wrong = "it has shown too many certificates";
    return;
  }
  out->items[out->count++] = cert_of(info);
}

/* One list-cert event: a certificate, and whether its key is ours. */
static err_t take_cert(void *ctx, struct bytes message) {
  const struct look *l = ctx;
  AUTO_CERT_INFO info = { 0 };
  struct bytes der = vici_value(message, "data");
  if (vici_value(message, "has_privkey").data || !der.data)
    return OK;
  err_t e = cert_read(der, &info);
  if (e == OK)
    add(l, &info);
  else
    l->out->wrong = "its certificate is not of a kind that is known";
  return e == ERR_NOMEM ? e : OK;
}

err_t peer_look(struct vici *v, const struct site_peer *p, struct peer_certs *out) {
  struct look l = { p, out };
  *out = (struct peer_certs){ 0 };
  return list_certs(v, "ANY", p->name, take_cert, &l);
}

int64_t peer_certs_end(const struct peer_certs *c) {
  int64_t end = 0;
  for (size_t i = 0; i < c->count; i++)
    end = c->items[i].not_after > end ? c->items[i].not_after : end;
  return end;
}

err_t peer_forget(struct vici *v) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509");
  return vici_call(v, "flush-certs", &request, NULL);
}

/* --- revocation --- */

static void drop_lists(struct revocation *r) {
  for (size_t i = 0; i < r->count; i++)
    crl_free(&r->lists[i]);
  mem_free(TAKE(r->lists));
  r->count = 0;
  r->read = NULL;
}

void revocation_free(struct revocation *r) {
  drop_lists(r);
  for (size_t i = 0; i < r->authority_count; i++)
    buf_free(&r->authorities[i]);
  r->authority_count = 0;
}

static err_t take_authority(void *ctx, struct bytes message) {
  struct revocation *r = ctx;
  struct bytes der = vici_value(message, "data");
  for (size_t i = 0; i < r->authority_count; i++)
    if (bytes_equal(buf_bytes(&r->authorities[i]), der))
      return OK;
  if (!der.data || r->authority_count == PEER_AUTHORITIES_MAX)
    return OK;
  struct buf *copy = &r->authorities[r->authority_count++];
  buf_put_bytes(copy, der);
  r->read = NULL; /* one of the lists may be its */
  return buf_ok(copy);
}

/* A list of an authority that strongSwan has not seen is not needed yet. */
static err_t read_list(struct revocation *r, struct bytes der) {
  for (size_t i = 0; i < r->authority_count; i++) {
    err_t e = crl_read(der, buf_bytes(&r->authorities[i]), &r->lists[r->count]);
    if (e == OK)
      r->count++;
    if (e != ERR_BAD_PARAMETER)
      return e;
  }
  return OK;
}

err_t revocation_update(struct revocation *r, struct vici *v, const struct enrolled *e) {
  TRY(list_certs(v, "CA", NULL, take_authority, r));
  if (r->read == e)
    return OK;
  drop_lists(r);
  if (e->list_count && !(r->lists = mem_zalloc(e->list_count * sizeof *r->lists)))
    return ERR_NOMEM;
  for (size_t i = 0; i < e->list_count; i++)
    TRY(read_list(r, buf_bytes(&e->lists[i])));
  r->read = e;
  return OK;
}

bool revocation_has(const struct revocation *r, const struct peer_cert *c) {
  for (size_t i = 0; i < r->count; i++)
    if (crl_has(&r->lists[i], bytes_of(c->serial, c->serial_size)))
      return true;
  return false;
}
