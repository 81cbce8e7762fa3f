/* Finalization (RFC 8555, 7.4), the certificate, its revocation (7.6) and renewal (RFC 9773). */
#include "base/clock.h"
#include "base/write.h"
#include "vault/acme/state.h"

#include <stdio.h>
#include <strings.h>

#define BAD_CSR(r, ...) PROBLEM(r, ERR_BAD_PARAMETER, "badCSR", __VA_ARGS__)

/* What of an order's names a request asked for. */
struct asked {
  const struct acme_order *order;
  bool seen[ACME_NAMES_MAX];
};

static bool ask(struct asked *a, const char *name, bool any_kind, bool address) {
  char full[ACME_NAME_SIZE + 3];
  for (size_t i = 0; i < a->order->count; i++) {
    const struct acme_authz *z = &a->order->authzs[i];
    acme_full_name(z, full);
    if ((any_kind || z->address == address) && strcasecmp(full, name) == 0)
      return a->seen[i] = true;
  }
  return false;
}

/* Exactly the order's names: none more, none less, none in the subject alone that is no name. */
static err_t check_csr_names(struct acme_request *r, const struct acme_order *o,
                             const struct cert_profile *says, const struct cert_texts *subject) {
  struct asked asked = { .order = o };
  if (says->sans[SAN_EMAIL].count || says->sans[SAN_UPN].count || says->sans[SAN_URI].count)
    BAD_CSR(r, "The request asks for names that are neither DNS names nor addresses.");
  for (size_t i = 0; i < says->sans[SAN_DNS].count; i++)
    if (!ask(&asked, says->sans[SAN_DNS].items[i], false, false))
      BAD_CSR(r, "The request asks for a DNS name that is not in the order.");
  for (size_t i = 0; i < says->sans[SAN_IP].count; i++)
    if (!ask(&asked, says->sans[SAN_IP].items[i], false, true))
      BAD_CSR(r, "The request asks for an address that is not in the order.");
  for (size_t i = 0; i < subject->count; i++)
    if (bytes_starts(bytes_str(subject->items[i]), "CN=") &&
        !ask(&asked, subject->items[i] + 3, true, false))
      BAD_CSR(r, "The request's common name is not in the order.");
  for (size_t i = 0; i < o->count; i++)
    if (!asked.seen[i])
      BAD_CSR(r, "The request does not ask for all names of the order.");
  return OK;
}

struct csr {
  struct cert_info info;
  struct cert_texts subject; /* its attributes */
};
static void csr_free(struct csr *c) {
  cert_texts_free(&c->subject);
  cert_info_free(&c->info);
}

static err_t read_csr(struct acme_request *r, struct csr *out) {
  AUTO_JSON *payload = NULL;
  AUTO_BUF der = BUF_EMPTY;
  char thumbprint[44];
  bool found = false;
  TRY(json_read(buf_bytes(&r->jws->payload), &payload));
  TRY(json_get_b64url(payload, "csr", &der, &found));
  err_t e = cert_request_read(buf_bytes(&der), &out->info);
  if (e == OK)
    e = cert_subject_attributes(out->info.is.subject, &out->subject);
  if (e == ERR_BAD_PARAMETER)
    r->problem = "badCSR";
  TRY(e);
  const struct key_spec *spec = key_spec(out->info.public_key);
  if (spec->type == KEY_EC && spec->curve == CURVE_P256K)
    BAD_CSR(r, "The request's key is over a curve that TLS does not have.");
  TRY(key_thumbprint(out->info.public_key, thumbprint));
  if (strcmp(thumbprint, r->thumbprint) == 0)
    BAD_CSR(r, "The request's key is the account's: a certificate needs a key of its own.");
  return OK;
}

static err_t not_ready(struct acme_request *r, enum order_status status) {
  static const char *const why[] = {
    [STATUS_PENDING] = "The order waits for its authorizations.",
    [STATUS_PROCESSING] = "The order's certificate is being issued.",
    [STATUS_VALID] = "The order has its certificate already.",
    [STATUS_INVALID] = "The order has failed or expired.",
  };
  PROBLEM(r, ERR_FORBIDDEN, "orderNotReady", "%s", why[status]);
}

/* Takes the order for this finalization, if it may have what is asked for. */
static err_t claim(struct acme_request *r, const char *id, const struct csr *csr,
                   struct acme_order **out) {
  struct acme_order *o;
  ACME_LOCKED(r->acme);
  TRY(acme_order_find(r, id, &o));
  enum order_status status = acme_order_status(o, clock_now());
  if (status != STATUS_READY)
    return not_ready(r, status);
  TRY(check_csr_names(r, o, &csr->info.is, &csr->subject));
  TRY(acme_check_names(r, o));
  o->busy = true;
  *out = o;
  return OK;
}

/* While the order is busy nobody else changes it, and it is not forgotten. */
static err_t issue(struct acme_request *r, const struct acme_order *o, const struct key *key,
                   struct cert_chain *chain) {
  const struct acme_authority *ca = &r->acme->conf.authority;
  struct ca_request rq = { .profile = CA_SERVER, .key = key, .oid = r->oid, .via = "acme" };
  AUTO_FREE struct acme_names *room = mem_alloc(sizeof *room);
  if (!room)
    return ERR_NOMEM;
  acme_profile(o, room, &rq.says);
  err_t e = ca->issue(ca->ca, &rq, chain);
  if (e == ERR_BAD_PARAMETER)
    r->problem = "badCSR";
  if (e == ERR_ACCESS_DENIED)
    r->problem = "rejectedIdentifier";
  return e;
}

/* The certificate becomes the order's, durably, or not at all: then the order is ready as before.
 */
static err_t fulfil(struct acme *a, struct acme_order *o, struct cert_chain *chain) {
  struct acme_order next = *o;
  struct bytes leaf = buf_bytes(&chain->ders[0]);
  next.state = ORDER_VALID;
  next.chain = *chain;
  TRY(x509_validity(leaf, &next.cert_from, &next.cert_until));
  TRY(acme_cert_id(leaf, next.cert_id, next.serial));
  TRY(acme_index_reserve(a));
  TRY(acme_commit_order(a, &next));
  *chain = (struct cert_chain){ 0 };
  *o = next;
  acme_index_order(a, o);
  acme_not_open(a, o);
  return OK;
}

/* A certificate that nobody will be given. */
static void take_back(struct acme_request *r, const struct cert_chain *chain) {
  const struct acme_authority *ca = &r->acme->conf.authority;
  char id[ACME_CERT_ID_MAX + 1], serial[2 * CERT_SERIAL_MAX + 1];
  if (chain->count && acme_cert_id(buf_bytes(&chain->ders[0]), id, serial) == OK)
    IGNORE(ca->revoke(ca->ca, serial, 5, r->oid));
}

err_t acme_finalize(struct acme_request *r, const char *id) {
  __attribute__((cleanup(csr_free))) struct csr csr = { 0 };
  AUTO_CERT_CHAIN chain = { 0 };
  struct acme_order *o;
  TRY(read_csr(r, &csr));
  TRY(claim(r, id, &csr, &o));
  err_t e = issue(r, o, csr.info.public_key, &chain);
  ACME_LOCKED(r->acme);
  if (e == OK && (e = fulfil(r->acme, o, &chain)) != OK)
    take_back(r, &chain);
  o->busy = false;
  TRY(e);
  acme_write_order(r, o);
  snprintf(r->object, sizeof r->object, "acme/orders/%s?serial=%s", o->id, o->serial);
  return OK;
}

err_t acme_certificate(struct acme_request *r, const char *id) {
  struct acme_order *o;
  ACME_LOCKED(r->acme);
  TRY(acme_order_find(r, id, &o));
  snprintf(r->object, sizeof r->object, "acme/orders/%s", o->id);
  if (o->state != ORDER_VALID)
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "The order has no certificate.");
  r->content_type = "application/pem-certificate-chain";
  for (size_t i = 0; i < o->chain.count; i++)
    TRY(x509_to_pem(buf_bytes(&o->chain.ders[i]), r->body));
  return OK;
}

/* RFC 8555, 7.6, lets servers choose: what a holder can know. */
static err_t read_reason(struct acme_request *r, json_t *payload, unsigned *out) {
  static const unsigned allowed[] = { 0, 1, 3, 4, 5 }; /* unspecified, keyCompromise, .. */
  int64_t reason = 0;
  TRY(json_get_i64(payload, "reason", &reason, NULL));
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (reason == allowed[i]) {
      *out = allowed[i];
      return OK;
    }
  PROBLEM(r, ERR_BAD_PARAMETER, "badRevocationReason",
          "The reason is not one of 0 (unspecified), 1 (keyCompromise), 3 (affiliationChanged), 4 "
          "(superseded) and 5 (cessationOfOperation).");
}

/* By the account that got it, or by its own key. Under the lock. */
static err_t may_revoke(struct acme_request *r, struct bytes der, struct acme_order **out) {
  char id[ACME_CERT_ID_MAX + 1], serial[2 * CERT_SERIAL_MAX + 1], thumbprint[44];
  AUTO(key) struct key *key = NULL;
  struct acme_account *account;
  TRY(acme_cert_id(der, id, serial));
  struct acme_order *o = acme_order_by_cert(r->acme, id);
  if (!o || !bytes_equal(der, buf_bytes(&o->chain.ders[0])))
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "The certificate was not issued here by ACME.");
  snprintf(r->object, sizeof r->object, "acme/orders/%s?serial=%s", o->id, o->serial);
  TRY(x509_public_key(der, &key));
  TRY(key_thumbprint(key, thumbprint));
  if (r->account[0])
    TRY(acme_signer(r, &account));
  if (r->account[0] ? strcmp(o->account, r->account) != 0 : strcmp(thumbprint, r->thumbprint) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "A certificate is revoked by the account that it was issued to, or by its own key.");
  *out = o;
  return OK;
}

err_t acme_revoke(struct acme_request *r) {
  AUTO_JSON *payload = NULL;
  AUTO_BUF der = BUF_EMPTY;
  const struct acme_authority *ca = &r->acme->conf.authority;
  struct acme_order *o;
  unsigned reason;
  TRY(json_read(buf_bytes(&r->jws->payload), &payload));
  TRY(json_get_b64url(payload, "certificate", &der, NULL));
  TRY(read_reason(r, payload, &reason));
  ACME_LOCKED(r->acme);
  TRY(may_revoke(r, buf_bytes(&der), &o));
  err_t e = ca->revoke(ca->ca, o->serial, reason, NULL);
  if (e == ERR_CONFLICT)
    PROBLEM(r, ERR_BAD_PARAMETER, "alreadyRevoked", "The certificate is revoked already.");
  return e;
}

/* In the last third of its life, over a twentieth of it; at once when it is revoked. */
static void window_of(const struct acme *a, const struct acme_order *o, int64_t *from,
                      int64_t *to) {
  const struct acme_authority *ca = &a->conf.authority;
  int64_t life = o->cert_until - o->cert_from;
  bool good = ca->knows(ca->ca, buf_bytes(&o->chain.ders[0]), o->cert_from);
  *from = good ? o->cert_from + life / 3 * 2 : clock_now() - 3600;
  *to = *from + (good ? life / 20 + 1 : 60);
}

err_t acme_renewal_info(struct acme_request *r, const char *id) {
  int64_t from, to;
  ACME_LOCKED(r->acme);
  const struct acme_order *o = acme_order_by_cert(r->acme, id);
  if (!o)
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "There is no such certificate.");
  window_of(r->acme, o, &from, &to);
  int64_t again = (o->cert_until - o->cert_from) / 20;
  r->retry_after = again > 21600 ? 21600 : again < 60 ? 60 : (unsigned)again;
  write_open(r->body, NULL, '{');
  write_open(r->body, "suggestedWindow", '{');
  acme_write_time(r->body, "start", from);
  acme_write_time(r->body, "end", to);
  write_close(r->body, '}');
  write_close(r->body, '}');
  return OK;
}
