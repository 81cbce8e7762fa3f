#include "crypto/x509.h"

#include "crypto/cert_evp.h"
#include "crypto/pem.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* A subject's names by kind. They are borrowed. */
struct sorted {
  const char *dns[CERT_TEXTS_MAX], *ip[CERT_TEXTS_MAX];
};

static bool is_address(const char *text) {
  uint8_t address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static err_t sort(const struct x509_subject *s, struct sorted *room, struct cert_profile *p) {
  p->sans[SAN_DNS].items = room->dns;
  p->sans[SAN_IP].items = room->ip;
  if (s->name_count > CERT_TEXTS_MAX)
    FAIL(ERR_BAD_PARAMETER, "a certificate for %zu names", s->name_count);
  for (size_t i = 0; i < s->name_count; i++) {
    struct cert_texts *list = &p->sans[is_address(s->names[i]) ? SAN_IP : SAN_DNS];
    list->items[list->count++] = s->names[i];
  }
  return OK;
}

/* CN="..", with the quotes that the parser of subjects takes. */
static const char *subject_text(const char *common_name, struct buf *room) {
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
static err_t issue(const struct key *ca_key, struct bytes ca_der, const struct key *subject_key,
                   const struct x509_subject *s, const struct cert_profile *kind, struct buf *der) {
  struct cert_profile p = *kind;
  struct sorted names;
  AUTO_BUF subject = BUF_EMPTY;
  if (!(p.subject = subject_text(s->common_name, &subject)))
    return ERR_NOMEM;
  TRY(sort(s, &names, &p));
  p.not_before = s->not_before;
  p.not_after = s->not_after;
  return ca_der.size ? cert_issue(ca_key, ca_der, subject_key, &p, der)
                     : cert_self_sign(subject_key, &p, der);
}

err_t x509_make_ca(const struct key *ca_key, const struct x509_subject *subject, struct buf *der) {
  const struct cert_profile p = { .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN, .ca = true };
  return issue(ca_key, (struct bytes){ 0 }, ca_key, subject, &p, der);
}

err_t x509_issue_server(const struct key *ca_key, struct bytes ca_der,
                        const struct key *subject_key, const struct x509_subject *subject,
                        struct buf *der) {
  static const char *ekus[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH };
  const struct cert_profile p = { .usage = USAGE_DIGITAL_SIGNATURE, .ekus = { ekus, 2 } };
  if (ca_der.size == 0)
    FAIL(ERR_BAD_PARAMETER, "no certificate of the authority");
  return issue(ca_key, ca_der, subject_key, subject, &p, der);
}

err_t x509_public_key(struct bytes der, struct key **out) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  return cert_public_key(x, out);
}

err_t x509_validity(struct bytes der, int64_t *not_before, int64_t *not_after) {
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(der, &x));
  return cert_validity(x, not_before, not_after);
}

bool x509_covers(struct bytes der, const char *name) {
  X509 *x AUTO(x509) = NULL;
  if (cert_parse(der, &x) != OK)
    return false;
  const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  bool covered =
    X509_check_ip_asc(x, name, 0) == 1 || X509_check_host(x, name, 0, flags, NULL) == 1;
  ERR_clear_error();
  return covered;
}

err_t x509_to_pem(struct bytes der, struct buf *pem) {
  AUTO_SECRET text = { 0 };
  TRY(pem_write(PEM_STRING_X509, der, &text));
  buf_put_bytes(pem, secret_bytes(&text));
  return buf_ok(pem);
}

err_t x509_from_pem(struct bytes text, struct buf *der) {
  static const char *const labels[] = { PEM_STRING_X509, NULL };
  AUTO_SECRET decoded = { 0 };
  bool is_der = text.size && text.data[0] == 0x30; /* SEQUENCE */
  if (!is_der)
    TRY(pem_read(text, labels, &decoded));
  X509 *x AUTO(x509) = NULL;
  TRY(cert_parse(is_der ? text : secret_bytes(&decoded), &x));
  return cert_put(x, der);
}

err_t x509_request_from_pem(struct bytes text, struct buf *der) {
  static const char *const labels[] = { PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, NULL };
  AUTO_SECRET decoded = { 0 };
  TRY(pem_read(text, labels, &decoded));
  buf_put_bytes(der, secret_bytes(&decoded));
  return buf_ok(der);
}

err_t x509_request_to_pem(struct bytes der, struct buf *pem) {
  AUTO_SECRET text = { 0 };
  TRY(pem_write(PEM_STRING_X509_REQ, der, &text));
  buf_put_bytes(pem, secret_bytes(&text));
  return buf_ok(pem);
}
