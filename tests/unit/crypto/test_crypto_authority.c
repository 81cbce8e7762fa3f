/* What only authorities make: name constraints, revocation lists, OCSP answers. OpenSSL judges. */
#include "cert_check.h"

#include "crypto/crl.h"
#include "crypto/ocsp.h"

#include <openssl/ocsp.h>

static struct key *ca_key, *leaf_key;
static struct buf ca = BUF_EMPTY, leaf = BUF_EMPTY;

static struct cert_texts texts(const char **items, size_t count) {
  return (struct cert_texts){ items, count };
}

static int begin(void **state) {
  struct cert_profile root = authority("CN=root"), p = named("CN=leaf");
  ca_key = new_key(KEY_EC, 0, CURVE_P256);
  leaf_key = new_key(KEY_EC, 0, CURVE_P256);
  assert_ok(cert_self_sign(ca_key, &root, &ca));
  assert_ok(cert_issue(ca_key, buf_bytes(&ca), leaf_key, &p, &leaf));
  return 0;
}

static int end(void **state) {
  key_free(ca_key);
  key_free(leaf_key);
  buf_free(&ca);
  buf_free(&leaf);
  return 0;
}

/* Name constraints. */

static const struct name_case {
  enum cert_san kind;
  const char *name;
  bool permitted; /* by { dns:corp.example, ip:10.0.0.0/8, uri:.corp.example } */
} name_cases[] = {
  { SAN_DNS, "corp.example", true },
  { SAN_DNS, "a.b.corp.example", true },
  { SAN_DNS, "*.corp.example", true },
  { SAN_DNS, "notcorp.example", false },
  { SAN_DNS, "corp.example.evil", false },
  { SAN_IP, "10.255.0.1", true },
  { SAN_IP, "11.0.0.1", false },
  { SAN_IP, "fd00::1", false },
  { SAN_URI, "spiffe://a.corp.example/x", true },
  { SAN_URI, "spiffe://other.example/x", false },
  { SAN_EMAIL, "a@corp.example", false }, /* none is permitted */
};

/* Where another kind is permitted alone, nothing of these is. */
static const struct name_case elsewhere[] = {
  { SAN_EMAIL, "a@corp.example", true },
  { SAN_EMAIL, "a@other.example", false },
  { SAN_DNS, "corp.example", false },
  { SAN_IP, "10.0.0.1", false },
  { SAN_IP, "::1", false },
  { SAN_URI, "spiffe://corp.example/x", false },
};

static bool accepted(const struct key *key, struct bytes issuing, const struct name_case *c) {
  AUTO_BUF der = BUF_EMPTY;
  const char *name[] = { c->name };
  struct cert_profile p = named("");
  p.sans[c->kind] = texts(name, 1);
  assert_ok(cert_issue(key, issuing, leaf_key, &p, &der));
  return trusted_by(buf_bytes(&der), issuing);
}

static void judge(const char **permit, size_t permit_count, const struct name_case *cases,
                  size_t count) {
  struct cert_profile p = authority("CN=constrained");
  AUTO_BUF issuing = BUF_EMPTY;
  p.permitted = texts(permit, permit_count);
  assert_ok(cert_self_sign(ca_key, &p, &issuing));
  X509 *x = parsed(buf_bytes(&issuing));
  int critical = 0;
  NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x, NID_name_constraints, &critical, NULL);
  assert_non_null(nc);
  assert_int_equal(critical, 1);
  NAME_CONSTRAINTS_free(nc);
  X509_free(x);
  for (size_t i = 0; i < count; i++) {
    bool is = accepted(ca_key, buf_bytes(&issuing), &cases[i]);
    if (is != cases[i].permitted)
      fail_msg("%s is %s", cases[i].name, is ? "accepted" : "refused");
  }
}

static void constraints(void **state) {
  static const char *permit[] = { "dns:corp.example", "ip:10.0.0.0/8", "uri:.corp.example" };
  static const char *email[] = { "email:corp.example" };
  judge(permit, 3, name_cases, sizeof name_cases / sizeof *name_cases);
  judge(email, 1, elsewhere, sizeof elsewhere / sizeof *elsewhere);
}

static void malformed_subtrees(void **state) {
  static const char *const good[] = { "dns:a",          "ip:fd00::/8",
                                      "ip:10.1.2.3",    "email:a@b.example",
                                      "email:.example", "uri:example" };
  static const char *const bad[] = {
    "",         "dns:",          "a.example",      "dns:.example", "dns:*.example",
    "dns:a b",  "ip:10.0.0.1/8", "ip:10.0.0.0/33", "ip:x",         "email:@a",
    "email:a@", "uri:",          "uri:a/b",        "upn:a@b",      "dir:CN=a",
    "dns:a\n"
  };
  struct cert_subtree t;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_ok(cert_subtree_parse(str(good[i]), &t));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_err(cert_subtree_parse(str(bad[i]), &t), ERR_BAD_PARAMETER);
}

static void no_authority_under_the_last(void **state) {
  struct cert_profile last = authority("CN=last"), sub = authority("CN=sub"), p = named("CN=leaf");
  AUTO_BUF last_der = BUF_EMPTY, sub_der = BUF_EMPTY, der = BUF_EMPTY;
  last.ca_last = true;
  assert_ok(cert_self_sign(ca_key, &last, &last_der));
  assert_ok(cert_issue(ca_key, buf_bytes(&last_der), leaf_key, &sub, &sub_der));
  assert_ok(cert_issue(leaf_key, buf_bytes(&sub_der), leaf_key, &p, &der));
  X509 *root = parsed(buf_bytes(&last_der)), *middle = parsed(buf_bytes(&sub_der)),
       *x = parsed(buf_bytes(&der));
  assert_int_equal(X509_get_pathlen(root), 0);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *chain = sk_X509_new_null();
  sk_X509_push(chain, middle);
  X509_STORE_add_cert(store, root);
  X509_STORE_CTX_init(ctx, store, x, chain);
  X509_STORE_CTX_set_time(ctx, 0, NOW);
  assert_int_not_equal(X509_verify_cert(ctx), 1);
  assert_int_equal(X509_STORE_CTX_get_error(ctx), X509_V_ERR_PATH_LENGTH_EXCEEDED);
  sk_X509_free(chain);
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  X509_free(root);
  X509_free(middle);
  X509_free(x);
  ERR_clear_error();
}

static void addresses(void **state) {
  struct cert_profile p = named("CN=leaf");
  AUTO_BUF der = BUF_EMPTY;
  p.crl_url = "https://hub.example/pki/issuing-1.crl";
  p.ocsp_url = "https://hub.example/pki/ocsp";
  p.issuer_url = "https://hub.example/pki/issuing-1.cer";
  p.ocsp_nocheck = true;
  assert_ok(cert_issue(ca_key, buf_bytes(&ca), leaf_key, &p, &der));
  assert_true(trusted_by(buf_bytes(&der), buf_bytes(&ca)));
  X509 *x = parsed(buf_bytes(&der));
  STACK_OF(OPENSSL_STRING) *ocsp = X509_get1_ocsp(x);
  assert_string_equal(sk_OPENSSL_STRING_value(ocsp, 0), p.ocsp_url);
  X509_email_free(ocsp);
  assert_int_not_equal(X509_get_ext_by_NID(x, NID_crl_distribution_points, -1), -1);
  assert_int_not_equal(X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1), -1);
  X509_free(x);
}

static void subject_attributes(void **state) {
  struct cert_texts list = { 0 };
  assert_ok(cert_subject_attributes("CN=\"a, b\", O=Example + OU=x, CN=second", &list));
  assert_int_equal(list.count, 4);
  bool first = false, second = false;
  for (size_t i = 0; i < list.count; i++) {
    first = first || strcmp(list.items[i], "CN=a, b") == 0;
    second = second || strcmp(list.items[i], "CN=second") == 0;
  }
  assert_true(first && second);
  cert_texts_free(&list);
  assert_ok(cert_subject_attributes(NULL, &list));
  assert_int_equal(list.count, 0);
}

/* Revocation lists. */

static void lists(void **state) {
  static const uint8_t one[] = { 0x40, 1 }, two[] = { 0x50, 2, 3 };
  const struct crl_entry entries[] = { { { one, sizeof one }, NOW - 10, 1 },
                                       { { two, sizeof two }, NOW - 5, 0 } };
  const struct crl_list list = { 12345678901234, NOW, NOW + DAY, entries, 2 };
  AUTO_BUF der = BUF_EMPTY;
  assert_ok(crl_sign(ca_key, buf_bytes(&ca), &list, &der));
  const uint8_t *p = der.data;
  X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.size);
  assert_non_null(crl);
  assert_int_equal(X509_CRL_verify(crl, key_evp(ca_key)), 1);
  assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
  ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
  uint64_t value = 0;
  assert_int_equal(ASN1_INTEGER_get_uint64(&value, number), 1);
  assert_int_equal(value, 12345678901234);
  assert_int_not_equal(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1), -1);
  STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
  assert_int_equal(sk_X509_REVOKED_num(revoked), 2);
  unsigned reasons = 0;
  for (int i = 0; i < 2; i++)
    reasons +=
      X509_REVOKED_get_ext_by_NID(sk_X509_REVOKED_value(revoked, i), NID_crl_reason, -1) >= 0;
  assert_int_equal(reasons, 1); /* unspecified is not written */
  ASN1_INTEGER_free(number);
  X509_CRL_free(crl);
  buf_clear(&der);
  assert_err(crl_sign(leaf_key, buf_bytes(&ca), &list, &der), ERR_BAD_PARAMETER);
  assert_int_equal(der.size, 0);
}

/* OCSP. */

static OCSP_REQUEST *ask(unsigned count, const EVP_MD *md, int nonce) {
  X509 *issuer = parsed(buf_bytes(&ca)), *x = parsed(buf_bytes(&leaf));
  OCSP_REQUEST *rq = OCSP_REQUEST_new();
  for (unsigned i = 0; i < count; i++)
    assert_non_null(OCSP_request_add0_id(rq, OCSP_cert_to_id(md, x, issuer)));
  if (nonce)
    assert_int_equal(OCSP_request_add1_nonce(rq, NULL, nonce), 1);
  X509_free(issuer);
  X509_free(x);
  return rq;
}

static struct bytes encoded(OCSP_REQUEST *rq, uint8_t **room) {
  int n = i2d_OCSP_REQUEST(rq, room);
  assert_true(n > 0);
  return bytes_of(*room, (size_t)n);
}

static err_t read_request(unsigned count, const EVP_MD *md, int nonce, struct ocsp_request *out) {
  uint8_t *room = NULL;
  OCSP_REQUEST *rq = ask(count, md, nonce);
  err_t e = ocsp_request_read(encoded(rq, &room), out);
  OPENSSL_free(room);
  OCSP_REQUEST_free(rq);
  return e;
}

static void requests(void **state) {
  struct ocsp_request rq;
  struct ocsp_issuer issuer, other;
  assert_ok(ocsp_issuer_of(buf_bytes(&ca), &issuer));
  assert_ok(ocsp_issuer_of(buf_bytes(&leaf), &other));
  assert_ok(read_request(1, EVP_sha1(), 0, &rq));
  assert_int_equal(rq.count, 1);
  assert_int_equal(rq.nonce_size, 0);
  assert_int_equal(rq.certs[0].hash, OCSP_SHA1);
  assert_true(ocsp_is_of(&rq.certs[0], &issuer));
  assert_false(ocsp_is_of(&rq.certs[0], &other));
  assert_ok(read_request(OCSP_CERTS_MAX, EVP_sha256(), 32, &rq));
  assert_int_equal(rq.count, OCSP_CERTS_MAX);
  assert_int_equal(rq.nonce_size, 32);
  assert_true(ocsp_is_of(&rq.certs[OCSP_CERTS_MAX - 1], &issuer));
  assert_int_equal(rq.certs[0].serial_size, CERT_SERIAL_SIZE);
  assert_err(read_request(OCSP_CERTS_MAX + 1, EVP_sha1(), 0, &rq), ERR_BAD_PARAMETER);
  assert_err(read_request(1, EVP_sha1(), 33, &rq), ERR_BAD_PARAMETER);
  assert_err(read_request(1, EVP_sha384(), 0, &rq), ERR_BAD_PARAMETER);
  assert_err(ocsp_request_read(str(""), &rq), ERR_BAD_PARAMETER);
}

/* Cut off anywhere, with any byte changed, or followed by one more: refused or read, never more. */
static void malformed_requests(void **state) {
  uint8_t *room = NULL;
  OCSP_REQUEST *asked = ask(2, EVP_sha256(), 16);
  struct bytes der = encoded(asked, &room);
  struct ocsp_request rq;
  for (size_t n = 0; n < der.size; n++)
    assert_err(ocsp_request_read(bytes_of(der.data, n), &rq), ERR_BAD_PARAMETER);
  for (size_t i = 0; i < der.size; i++) {
    room[i] ^= 0x41;
    err_t e = ocsp_request_read(der, &rq);
    assert_true(e == OK || e == ERR_BAD_PARAMETER);
    assert_true(e != OK || (rq.count >= 1 && rq.count <= OCSP_CERTS_MAX));
    room[i] ^= 0x41;
  }
  AUTO_BUF longer = BUF_EMPTY;
  buf_put_bytes(&longer, der);
  buf_put_char(&longer, 0);
  assert_err(ocsp_request_read(buf_bytes(&longer), &rq), ERR_BAD_PARAMETER);
  OPENSSL_free(room);
  OCSP_REQUEST_free(asked);
}

static struct ocsp_responder *make_responder(void) {
  static const char *ekus[] = { "1.3.6.1.5.5.7.3.9" };
  struct cert_profile p = named("CN=signer");
  struct ocsp_responder *r = NULL;
  AUTO_BUF der = BUF_EMPTY;
  struct key *key = new_key(KEY_EC, 0, CURVE_P256);
  p.usage = USAGE_DIGITAL_SIGNATURE;
  p.ekus = texts(ekus, 1);
  p.ocsp_nocheck = true;
  assert_ok(cert_issue(ca_key, buf_bytes(&ca), key, &p, &der));
  assert_err(ocsp_responder_new(leaf_key, buf_bytes(&der), &r), ERR_BAD_PARAMETER);
  assert_ok(ocsp_responder_new(key, buf_bytes(&der), &r));
  key_free(key);
  return r;
}

/* What OpenSSL reads from a response about the leaf, after it verified it. */
static int verdict(struct bytes der, OCSP_REQUEST *asked, const EVP_MD *md, int *reason) {
  const uint8_t *p = der.data;
  int status = -1;
  X509 *issuer = parsed(buf_bytes(&ca)), *x = parsed(buf_bytes(&leaf));
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.size);
  assert_non_null(response);
  assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
  OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_add_cert(store, issuer);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), NOW);
  assert_int_equal(OCSP_basic_verify(basic, NULL, store, 0), 1);
  assert_true(OCSP_check_nonce(asked, basic) > 0);
  OCSP_CERTID *id = OCSP_cert_to_id(md, x, issuer);
  ASN1_GENERALIZEDTIME *revoked, *from, *until;
  assert_int_equal(OCSP_resp_find_status(basic, id, &status, reason, &revoked, &from, &until), 1);
  assert_non_null(until);
  OCSP_CERTID_free(id);
  X509_STORE_free(store);
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  X509_free(issuer);
  X509_free(x);
  ERR_clear_error();
  return status;
}

static void answers(void **state) {
  static const struct ocsp_answer cases[] = { { OCSP_GOOD, 0, 0 },
                                              { OCSP_REVOKED, NOW - 5, 1 },
                                              { OCSP_REVOKED, NOW - 5, 0 },
                                              { OCSP_UNKNOWN, 0, 0 } };
  static const int expected[] = { V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED,
                                  V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN };
  static const int reasons[] = { -1, 1, -1, -1 };
  AUTO(ocsp_responder) struct ocsp_responder *r = make_responder();
  for (size_t i = 0; i < 8; i++) {
    const EVP_MD *md = i & 4 ? EVP_sha256() : EVP_sha1();
    AUTO_BUF der = BUF_EMPTY;
    uint8_t *room = NULL;
    int reason = -1;
    struct ocsp_request rq;
    OCSP_REQUEST *asked = ask(1, md, i & 1 ? 20 : 0);
    assert_ok(ocsp_request_read(encoded(asked, &room), &rq));
    assert_ok(ocsp_respond(r, &rq, &cases[i % 4], NOW, NOW + 3600, &der));
    assert_int_equal(verdict(buf_bytes(&der), asked, md, &reason), expected[i % 4]);
    if (cases[i % 4].status == OCSP_REVOKED)
      assert_int_equal(reason, reasons[i % 4]);
    OPENSSL_free(room);
    OCSP_REQUEST_free(asked);
  }
}

static void refusals(void **state) {
  AUTO_BUF der = BUF_EMPTY;
  assert_ok(ocsp_refuse(OCSP_TRY_LATER, &der));
  const uint8_t *p = der.data;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.size);
  assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_TRYLATER);
  OCSP_RESPONSE_free(response);
}

/* Requests of others. */

static err_t read_signed_with(const char *digest) {
  char line[300];
  static char out[8192];
  AUTO_CERT_INFO info = { 0 };
  snprintf(
    line, sizeof line,
    "(openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=a %s -outform DER "
    "2>/dev/null | base64 -w0)",
    digest);
  assert_int_equal(pipe_to(str(""), line, out, sizeof out), 0);
  static uint8_t der[4096];
  size_t n = 0;
  assert_ok(b64_decode(str(out), der, sizeof der, &n));
  return cert_request_read(bytes_of(der, n), &info);
}

static void weak_hashes(void **state) {
  if (!have_openssl())
    skip();
  assert_ok(read_signed_with("-sha256"));
  assert_ok(read_signed_with("-sha384 -sigopt rsa_padding_mode:pss"));
  assert_err(read_signed_with("-sha1"), ERR_BAD_PARAMETER);
  assert_err(read_signed_with("-md5"), ERR_BAD_PARAMETER);
  assert_err(read_signed_with("-sha1 -sigopt rsa_padding_mode:pss"), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(constraints),
    cmocka_unit_test(malformed_subtrees),
    cmocka_unit_test(no_authority_under_the_last),
    cmocka_unit_test(addresses),
    cmocka_unit_test(subject_attributes),
    cmocka_unit_test(lists),
    cmocka_unit_test(requests),
    cmocka_unit_test(malformed_requests),
    cmocka_unit_test(answers),
    cmocka_unit_test(refusals),
    cmocka_unit_test(weak_hashes),
  };
  start_crypto();
  return cmocka_run_group_tests_name("authority", tests, begin, end);
}
