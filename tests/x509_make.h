/* Certificates for tests, in a line: an authority, and a server's under it. */
#ifndef TESTS_X509_MAKE_H
#define TESTS_X509_MAKE_H

#include "crypto/cert.h"
#include "crypto/x509.h"

#include <arpa/inet.h>

struct x509_subject {
  const char *common_name;
  const char *const
    *names; /* DNS names and IP addresses (either family, as text) for subjectAltName */
  size_t name_count;
  int64_t not_before, not_after; /* Unix seconds */
};

/* A subject's names by kind. They are borrowed. */
struct x509_sorted {
  const char *dns[CERT_TEXTS_MAX], *ip[CERT_TEXTS_MAX];
};

static inline bool x509_is_address(const char *text) {
  uint8_t address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static inline err_t x509_sort(const struct x509_subject *s, struct x509_sorted *room,
                              struct cert_profile *p) {
  p->sans[SAN_DNS].items = room->dns;
  p->sans[SAN_IP].items = room->ip;
  if (s->name_count > CERT_TEXTS_MAX)
    FAIL(ERR_BAD_PARAMETER, "a certificate for %zu names", s->name_count);
  for (size_t i = 0; i < s->name_count; i++) {
    struct cert_texts *list = &p->sans[x509_is_address(s->names[i]) ? SAN_IP : SAN_DNS];
    list->items[list->count++] = s->names[i];
  }
  return OK;
}

/* CN="..", with the quotes that the parser of subjects takes. */
static inline const char *x509_subject_text(const char *common_name, struct buf *room) {
  buf_put_str(room, "CN=\"");
  for (const char *c = common_name; *c; c++) {
    if (*c == '"' || *c == '\\')
      buf_put_char(room, *c);
    buf_put_char(room, *c);
  }
  buf_put_char(room, '"');
  return buf_cstr(room);
}

/* Without an authority's certificate it is its own. */
static inline err_t x509_issue(const struct key *ca_key, struct bytes ca_der,
                               const struct key *subject_key, const struct x509_subject *s,
                               const struct cert_profile *kind, struct buf *der) {
  struct cert_profile p = *kind;
  struct x509_sorted names;
  AUTO_BUF subject = BUF_EMPTY;
  if (!(p.subject = x509_subject_text(s->common_name, &subject)))
    return ERR_NOMEM;
  TRY(x509_sort(s, &names, &p));
  p.not_before = s->not_before;
  p.not_after = s->not_after;
  return ca_der.size ? cert_issue(ca_key, ca_der, subject_key, &p, der)
                     : cert_self_sign(subject_key, &p, der);
}

static inline err_t x509_make_ca(const struct key *ca_key, const struct x509_subject *subject,
                                 struct buf *der) {
  const struct cert_profile p = { .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN, .ca = true };
  return x509_issue(ca_key, (struct bytes){ 0 }, ca_key, subject, &p, der);
}

static inline err_t x509_issue_server(const struct key *ca_key, struct bytes ca_der,
                                      const struct key *subject_key,
                                      const struct x509_subject *subject, struct buf *der) {
  static const char *ekus[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH };
  const struct cert_profile p = { .usage = USAGE_DIGITAL_SIGNATURE, .ekus = { ekus, 2 } };
  if (ca_der.size == 0)
    FAIL(ERR_BAD_PARAMETER, "no certificate of the authority");
  return x509_issue(ca_key, ca_der, subject_key, subject, &p, der);
}

#endif
