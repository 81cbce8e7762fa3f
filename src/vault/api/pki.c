/*
 * What everyone may fetch, without a token: the authorities' certificates, revocation lists, OCSP.
 * Certificates name these addresses.
 *
 *   /pki/root.cer, /pki/root.crl                  the root's
 *   /pki/issuing-<number>.cer, .crl               of an issuing authority
 *   /pki/issuing.cer, .crl                        of the one that issues now
 */
#include "base/clock.h"
#include "vault/api/api.h"

#define CERTIFICATE "application/pkix-cert"
#define CERTIFICATE_SECONDS 86400
#define CRL "application/pkix-crl"
#define CRL_SECONDS 300         /* it may be replaced at any time */
#define LISTS_MAX (64ull << 20) /* bytes that are on their way at once */
#define OCSP_RESPONSE "application/ocsp-response"

static err_t answer(struct call *c, const char *type, int64_t max_age) {
  c->content_type = type;
  c->max_age = max_age > 0 ? max_age : 0;
  return OK;
}

static err_t answer_crl(struct call *c, int64_t next_update) {
  int64_t left = next_update - clock_real();
  return answer(c, CRL, left < CRL_SECONDS ? left : CRL_SECONDS);
}

/* "issuing.cer" is number 0, "issuing-3.cer" 3. */
static bool issuing_number(struct bytes name, unsigned *number) {
  struct bytes text, rest = bytes_split(name, '-', &text);
  uint64_t n = 0;
  if (!bytes_equal_str(text, "issuing") ||
      (rest.data && (bytes_to_u64(rest, UINT32_MAX, &n) != OK || n == 0)))
    return false;
  *number = (unsigned)n;
  return true;
}

/* Long lists to many clients that read slowly would fill the memory: each answer has a copy. */
static err_t answer_list(struct call *c, bool is_root, unsigned number) {
  int64_t next_update = 0;
  struct ca *ca = c->api->ca;
  if (atomic_load(&c->api->lists) >= LISTS_MAX)
    return ERR_BUSY;
  TRY(is_root ? ca_root_crl(ca, call_body(c), &next_update)
              : ca_crl(ca, number, call_body(c), &next_update));
  c->list = call_body(c)->size;
  atomic_fetch_add(&c->api->lists, c->list);
  return answer_crl(c, next_update);
}

err_t pki_get(struct call *c) {
  struct bytes name, ending = bytes_split(bytes_str(c->id), '.', &name);
  bool is_root = bytes_equal_str(name, "root"), is_crl = bytes_equal_str(ending, "crl");
  struct ca *ca = c->api->ca;
  unsigned number = 0;
  if ((!is_root && !issuing_number(name, &number)) || (!is_crl && !bytes_equal_str(ending, "cer")))
    return ERR_NOT_FOUND;
  if (is_crl)
    return answer_list(c, is_root, number);
  TRY(is_root ? ca_root(ca, call_body(c)) : ca_issuer(ca, number, call_body(c)));
  return answer(c, CERTIFICATE, number ? CERTIFICATE_SECONDS : CRL_SECONDS);
}

static err_t answer_ocsp(struct call *c, struct bytes request) {
  int64_t fresh_until;
  TRY(ca_ocsp(c->api->ca, request, call_body(c), &fresh_until));
  return answer(c, OCSP_RESPONSE, fresh_until ? fresh_until - clock_real() : 0);
}

err_t pki_ocsp_post(struct call *c) {
  return answer_ocsp(c, c->x->req.body);
}

/* RFC 6960, A.1: base64, percent-encoded in the path. */
err_t pki_ocsp_get(struct call *c) {
  uint8_t request[2048];
  size_t n = 0;
  if (b64_decode(bytes_str(c->id), request, sizeof request, &n) != OK)
    n = 0; /* nothing is malformed, too */
  return answer_ocsp(c, bytes_of(request, n));
}
