/* Issuing: what a request says is bounded, signed, recorded, and only then handed out. */
#include "base/cidr.h"
#include "base/clock.h"
#include "crypto/cert_match.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

#define BACKDATE 300           /* seconds that others' clocks may be behind */
#define BACKDATE_MAX (2 * DAY) /* what a request may ask for, before now and after */
#define EKU_OCSP_SIGNING "1.3.6.1.5.5.7.3.9"
#define EKU_ANY "2.5.29.37.0"

/* What a certificate is to say, and room for what the authority adds to the request. */
struct composed {
  struct cert_profile says;
  uint8_t serial[CERT_SERIAL_SIZE];
  char crl_url[URL_MAX + 40], ocsp_url[URL_MAX + 40], issuer_url[URL_MAX + 40];
  struct cert_texts attributes; /* of the subject */
  const char *name[1];
};
static void composed_free(struct composed *c) {
  cert_texts_free(&c->attributes);
}

static err_t set_usages(const struct ca_request *rq, struct cert_profile *says) {
  const struct ca_profile_row *row = profile_row(rq->profile);
  if (says->usage & (USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN))
    REFUSE(ERR_BAD_PARAMETER, "The hub's authority issues no authorities: keyCertSign and cRLSign "
                              "are not for a certificate's key usage.");
  if (says->usage == 0)
    says->usage = row->usage | (key_spec(rq->key)->type == KEY_RSA ? row->usage_rsa : 0);
  for (size_t i = 0; i < says->ekus.count; i++)
    if (strcmp(says->ekus.items[i], EKU_OCSP_SIGNING) == 0 ||
        strcmp(says->ekus.items[i], EKU_ANY) == 0)
      REFUSE(ERR_BAD_PARAMETER, "The hub's authority issues nothing for the extended key usage %s.",
             says->ekus.items[i]);
  if (says->ekus.count == 0)
    says->ekus = (struct cert_texts){ (const char **)row->ekus, row->eku_count };
  return OK;
}

/* It begins about now, by the clock of whoever asks: vaults' certificates live by one that tests
 * move. So nobody stocks up on certificates for later, when the name may be another's. */
err_t ca_check_times(enum ca_profile profile, const struct cert_profile *says) {
  const struct ca_profile_row *row = profile_row(profile);
  int64_t real = clock_real(), moved = clock_now(), latest = moved > real ? moved : real;
  if (says->not_before < real - BACKDATE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The certificate would begin in the past.");
  if (says->not_before > latest + BACKDATE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "A certificate begins %lld days from now at most.",
           (long long)(BACKDATE_MAX / DAY));
  if (says->not_after - says->not_before > row->longest + BACKDATE_MAX ||
      says->not_after - latest > row->longest + BACKDATE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "A certificate of the profile %s lives %lld days at most.", row->name,
           (long long)(row->longest / DAY));
  return OK;
}

static err_t set_times(const struct ca_request *rq, const struct authority *a,
                       struct cert_profile *says) {
  const struct ca_profile_row *row = profile_row(rq->profile);
  int64_t now = clock_real();
  if (now < a->not_before)
    REFUSE(ERR_CONFLICT, "The authority that issues begins in the future: is this machine's clock "
                         "right?");
  if (says->not_before == 0)
    says->not_before = now - BACKDATE;
  if (says->not_after == 0 && rq->lifetime)
    says->not_after = now + rq->lifetime;
  if (says->not_after == 0)
    says->not_after = now + row->lifetime < a->not_after ? now + row->lifetime : a->not_after;
  if (says->not_after <= now || says->not_after <= says->not_before)
    REFUSE(ERR_BAD_PARAMETER, "The certificate would be over already, or end before it begins.");
  TRY(ca_check_times(rq->profile, says));
  if (says->not_before < a->not_before) /* begun a moment ago */
    says->not_before = a->not_before;
  if (says->not_after > a->not_after)
    REFUSE(ERR_BAD_PARAMETER,
           "The certificate would outlive the authority that issues it, which "
           "ends in %lld days.",
           (long long)((a->not_after - now) / DAY));
  return OK;
}

/* Verifiers of today look at alternative names alone: a server that names itself in the subject
 * only gets that name as one, too. */
static err_t add_common_name(const struct ca_request *rq, struct composed *c) {
  const struct cert_profile *says = &c->says;
  struct cidr unused;
  bool serves = rq->profile == CA_SERVER || rq->profile == CA_VPN;
  if (!serves || says->sans[SAN_DNS].count || says->sans[SAN_IP].count)
    return OK;
  TRY(cert_subject_attributes(says->subject, &c->attributes));
  for (size_t i = 0; i < c->attributes.count; i++) {
    const char *text = c->attributes.items[i];
    if (!bytes_starts(bytes_str(text), "CN=") || !cert_looks_like_host(bytes_str(text + 3)))
      continue;
    bool address = cidr_parse(bytes_str(text + 3), &unused);
    c->name[0] = text + 3;
    c->says.sans[address ? SAN_IP : SAN_DNS] = (struct cert_texts){ c->name, 1 };
    return OK;
  }
  return OK;
}

static void set_urls(const struct ca *ca, const struct authority *a, struct composed *c) {
  if (!ca->url[0])
    return;
  snprintf(c->crl_url, sizeof c->crl_url, "%s/pki/issuing-%u.crl", ca->url, a->number);
  snprintf(c->issuer_url, sizeof c->issuer_url, "%s/pki/issuing-%u.cer", ca->url, a->number);
  snprintf(c->ocsp_url, sizeof c->ocsp_url, "%s/pki/ocsp", ca->url);
  c->says.crl_url = c->crl_url;
  c->says.issuer_url = c->issuer_url;
  c->says.ocsp_url = c->ocsp_url;
}

static err_t compose(struct ca *ca, const struct authority *a, const struct ca_request *rq,
                     struct composed *c) {
  struct cert_profile *says = &c->says;
  *says = rq->says;
  if (says->ca)
    REFUSE(ERR_BAD_PARAMETER, "The hub's authority issues no authorities.");
  says->ca_last = says->ocsp_nocheck = false;
  says->permitted = (struct cert_texts){ 0 };
  says->crl_url = says->ocsp_url = says->issuer_url = NULL;
  TRY(set_usages(rq, says));
  TRY(set_times(rq, a, says));
  TRY(profile_check_names(rq->profile, says));
  TRY(add_common_name(rq, c));
  TRY(constraints_check(&a->permitted, rq->profile, says));
  set_urls(ca, a, c);
  TRY(cert_serial_random(c->serial));
  says->serial = c->serial;
  return OK;
}

err_t issued_commit(struct ca *ca, const struct issued *i) {
  AUTO_BUF record = BUF_EMPTY;
  char place[STORE_PLACE_MAX + 1];
  issued_place(i, place);
  issued_pack(i, &record);
  TRY(buf_ok(&record));
  return store_commit(ca->store, &(struct store_write){ place, buf_bytes(&record) }, 1);
}

err_t ca_issue_facts(struct ca *ca, const struct ca_request *rq, struct cert_chain *out,
                     struct ca_facts *facts) {
  struct composed c __attribute__((cleanup(composed_free))) = { 0 };
  AUTO(issued) struct issued *entry = NULL;
  AUTO_CERT_CHAIN chain = { .count = 2 };
  const struct authority *a = authority_now(ca);
  if (!a)
    FAIL(ERR_INTERNAL, "no issuing authority");
  TRY(compose(ca, a, rq, &c));
  TRY(cert_issue_by(a->issuer, rq->key, &c.says, &chain.ders[0]));
  buf_put_bytes(&chain.ders[1], buf_bytes(&a->der));
  TRY(buf_ok(&chain.ders[1]));
  TRY(issued_new(rq, &c.says, &entry));
  entry->authority = a->number;
  entry->at = clock_real();
  TRY(issued_commit(ca, entry));
  memcpy(facts->serial, entry->serial, sizeof facts->serial);
  facts->not_before = entry->not_before;
  facts->not_after = entry->not_after;
  {
    CA_WRITE_LOCKED(ca);
    ledger_put(&ca->ledger, TAKE(entry));
  }
  *out = chain;
  chain = (struct cert_chain){ 0 };
  return OK;
}

err_t ca_issue(struct ca *ca, const struct ca_request *rq, struct cert_chain *out) {
  struct ca_facts unused;
  return ca_issue_facts(ca, rq, out, &unused);
}

bool ca_knows(struct ca *ca, struct bytes der, int64_t now) {
  char serial[2 * CERT_SERIAL_MAX + 1];
  AUTO_CERT_INFO info = { 0 };
  if (cert_read(der, &info) != OK)
    return false;
  hex_encode(bytes_of(info.serial, info.serial_size), serial);
  CA_READ_LOCKED(ca);
  const struct issued *i = ledger_serial(&ca->ledger, serial);
  if (!i || i->revoked_at || i->not_after < now)
    return false;
  for (size_t k = 0; k < ca->authority_count; k++)
    if (ca->authorities[k]->number == i->authority)
      return ca->authorities[k]->revoked_at == 0;
  return false;
}
