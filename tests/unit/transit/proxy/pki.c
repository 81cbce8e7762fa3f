#include "pki.h"

#include "base/clock.h"
#include "crypto/crl.h"
#include "crypto/x509.h"

#define DAY 86400

static const struct key_spec p256 = { .type = KEY_EC, .bits = 256, .curve = CURVE_P256 };

err_t pki_init(struct pki *p) {
  int64_t now = clock_now();
  struct cert_profile root = { .subject = "CN=root",
                               .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                               .ca = true,
                               .not_before = now - DAY,
                               .not_after = now + DAY };
  struct cert_profile issuing = root;
  *p = (struct pki){ 0 };
  issuing.subject = "CN=issuing";
  issuing.ca_last = true;
  TRY(key_generate(&p256, &p->root_key));
  TRY(key_generate(&p256, &p->ca_key));
  TRY(cert_self_sign(p->root_key, &root, &p->root_der));
  TRY(cert_issue(p->root_key, buf_bytes(&p->root_der), p->ca_key, &issuing, &p->ca_der));
  return x509_to_pem(buf_bytes(&p->root_der), &p->root_pem);
}

void pki_free(struct pki *p) {
  key_free(p->root_key);
  key_free(p->ca_key);
  buf_free(&p->root_der);
  buf_free(&p->root_pem);
  buf_free(&p->ca_der);
  *p = (struct pki){ 0 };
}

err_t pki_issue(const struct pki *p, const struct identity_spec *s, struct identity *out) {
  static const char *both[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH };
  const char *dns[] = { s->dns }, *uri[] = { s->uri }, *eku[] = { s->eku };
  int64_t now = clock_now();
  bool dated = s->from || s->until;
  struct cert_profile profile = { .usage = USAGE_DIGITAL_SIGNATURE,
                                  .not_before = now + (dated ? s->from : -3600),
                                  .not_after = now + (dated ? s->until : DAY) };
  AUTO_BUF der = BUF_EMPTY;
  *out = (struct identity){ 0 };
  profile.sans[SAN_DNS] = (struct cert_texts){ dns, s->dns ? 1 : 0 };
  profile.sans[SAN_URI] = (struct cert_texts){ uri, s->uri ? 1 : 0 };
  profile.ekus = s->eku ? (struct cert_texts){ eku, 1 } : (struct cert_texts){ both, 2 };
  profile.serial = out->serial;
  TRY(cert_serial_random(out->serial));
  TRY(key_generate(&p256, &out->key));
  TRY(cert_issue(p->ca_key, buf_bytes(&p->ca_der), out->key, &profile, &der));
  TRY(x509_to_pem(buf_bytes(&der), &out->chain_pem));
  return x509_to_pem(buf_bytes(&p->ca_der), &out->chain_pem);
}

void identity_free(struct identity *i) {
  key_free(i->key);
  buf_free(&i->chain_pem);
  *i = (struct identity){ 0 };
}

err_t pki_list(const struct pki *p, const struct identity *revoked, int64_t until,
               struct buf *der) {
  static uint64_t number;
  int64_t now = clock_now();
  number++;
  struct crl_entry entry = { .when = now - 60 };
  if (revoked)
    entry.serial = bytes_of(revoked->serial, sizeof revoked->serial);
  struct crl_list list = { .number = number,
                           .this_update = now - 3600,
                           .next_update = now + until,
                           .entries = &entry,
                           .count = revoked ? 1 : 0 };
  return crl_sign(p->ca_key, buf_bytes(&p->ca_der), &list, der);
}

/* The root's list is empty, or has the issuing authority. */
static err_t root_list(const struct pki *p, struct buf *der) {
  AUTO_CERT_INFO info = { 0 };
  int64_t now = clock_now();
  TRY(cert_read(buf_bytes(&p->ca_der), &info));
  const struct crl_entry entry = { .serial = bytes_of(info.serial, info.serial_size),
                                   .when = now - 60 };
  const struct crl_list list = { .number = 1,
                                 .this_update = now - 3600,
                                 .next_update = now + DAY,
                                 .entries = &entry,
                                 .count = p->ca_revoked ? 1 : 0 };
  return crl_sign(p->root_key, buf_bytes(&p->root_der), &list, der);
}

err_t pki_tls(const struct pki *p, const struct identity *i, bool server, const struct buf *list,
              struct tls **out) {
  AUTO_BUF root = BUF_EMPTY;
  if (list)
    TRY(root_list(p, &root));
  struct bytes lists[] = { list ? buf_bytes(list) : (struct bytes){ 0 }, buf_bytes(&root) };
  struct tls_mutual o = { .server = server,
                          .chain_pem = buf_bytes(&i->chain_pem),
                          .key = i->key,
                          .ca_pem = buf_bytes(&p->root_pem),
                          .revocation = list != NULL,
                          .lists = lists,
                          .list_count = list ? 2 : 0 };
  return tls_mutual(&o, out);
}
