/* Certificates: what the authority issues is what OpenSSL's verifier takes. */
#include "check.h"

#include "x509_make.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define NOW 1800000000 /* 2027 */
#define DAY 86400

static struct key *ca_key;
static struct buf ca = BUF_EMPTY;
static const char *const names[] = { "vault.example", "*.vault.example", "127.0.0.1", "::1" };
static const struct x509_subject server = {
  .common_name = "vault",
  .names = names,
  .name_count = 4,
  .not_before = NOW - 600,
  .not_after = NOW + 90 * DAY,
};

static int make_ca(void **state) {
  struct x509_subject root = { "Test Root", NULL, 0, NOW - DAY, NOW + 3650L * DAY };
  ca_key = new_key(KEY_EC, 0, CURVE_P256);
  assert_ok(x509_make_ca(ca_key, &root, &ca));
  return 0;
}

static int free_ca(void **state) {
  key_free(ca_key);
  buf_free(&ca);
  return 0;
}

static X509 *parsed(struct bytes der) {
  const uint8_t *p = der.data;
  X509 *x = d2i_X509(NULL, &p, (long)der.size);
  assert_non_null(x);
  assert_ptr_equal(p, der.data + der.size);
  return x;
}

/* Whether OpenSSL takes the certificate for the purpose at the time, with our root. */
static bool trusted(struct bytes der, struct bytes root, const char *purpose, int64_t at) {
  X509 *x = parsed(der), *anchor = parsed(root);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
  assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
  assert_int_equal(X509_STORE_CTX_set_default(ctx, purpose), 1);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
                              X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_STORE_CTX_set_time(ctx, 0, at);
  bool ok = X509_verify_cert(ctx) == 1;
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  X509_free(x);
  X509_free(anchor);
  return ok;
}

static void issue(const struct key *subject_key, struct buf *der) {
  assert_ok(x509_issue_server(ca_key, buf_bytes(&ca), subject_key, &server, der));
}

static void issued_certificates_are_trusted(void **state) {
  struct key *keys[] = { new_key(KEY_EC, 0, CURVE_P256), new_key(KEY_RSA, 2048, CURVE_NONE) };
  for (unsigned i = 0; i < 2; i++) {
    struct buf der = BUF_EMPTY;
    issue(keys[i], &der);
    assert_true(trusted(buf_bytes(&der), buf_bytes(&ca), "ssl_server", NOW));
    assert_true(trusted(buf_bytes(&der), buf_bytes(&ca), "ssl_client", NOW));
    assert_false(trusted(buf_bytes(&der), buf_bytes(&ca), "smime_sign", NOW));
    assert_false(trusted(buf_bytes(&der), buf_bytes(&ca), "ssl_server", NOW + 91 * DAY));
    assert_false(trusted(buf_bytes(&der), buf_bytes(&ca), "ssl_server", NOW - 601));
    buf_free(&der);
    key_free(keys[i]);
  }
}

static void an_rsa_authority_works_too(void **state) {
  struct key *k = new_key(KEY_RSA, 2048, CURVE_NONE);
  struct x509_subject root = { "RSA Root", NULL, 0, NOW - DAY, NOW + DAY };
  struct buf root_der = BUF_EMPTY, der = BUF_EMPTY;
  assert_ok(x509_make_ca(k, &root, &root_der));
  assert_ok(x509_issue_server(k, buf_bytes(&root_der), ca_key, &server, &der));
  assert_true(trusted(buf_bytes(&der), buf_bytes(&root_der), "ssl_server", NOW));
  assert_false(trusted(buf_bytes(&der), buf_bytes(&ca), "ssl_server", NOW));
  buf_free(&root_der);
  buf_free(&der);
  key_free(k);
}

static void extensions_are_those_promised(void **state) {
  struct buf der = BUF_EMPTY;
  issue(ca_key, &der);
  X509 *x = parsed(buf_bytes(&der)), *root = parsed(buf_bytes(&ca));
  assert_int_equal(X509_get_extension_flags(root) & (EXFLAG_CA | EXFLAG_SS), EXFLAG_CA | EXFLAG_SS);
  assert_int_equal(X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
  assert_int_equal(X509_get_extension_flags(x) & EXFLAG_CA, 0);
  assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
  assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER | XKU_SSL_CLIENT);
  assert_non_null(X509_get0_subject_key_id(root));
  assert_int_equal(
    ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(x), X509_get0_subject_key_id(root)), 0);
  static const int critical[] = { NID_basic_constraints, NID_key_usage };
  for (unsigned i = 0; i < 2; i++) {
    int at = X509_get_ext_by_NID(x, critical[i], -1);
    assert_true(at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x, at)));
  }
  X509_free(x);
  X509_free(root);
  buf_free(&der);
}

static void serials_are_long_and_differ(void **state) {
  struct buf a = BUF_EMPTY, b = BUF_EMPTY;
  issue(ca_key, &a);
  issue(ca_key, &b);
  X509 *x = parsed(buf_bytes(&a)), *y = parsed(buf_bytes(&b));
  assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(x)), 16);
  assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)), 0);
  X509_free(x);
  X509_free(y);
  buf_free(&a);
  buf_free(&b);
}

static void names_are_covered(void **state) {
  struct buf der = BUF_EMPTY;
  issue(ca_key, &der);
  static const char *const covered[] = { "vault.example", "VAULT.example", "a.vault.example",
                                         "127.0.0.1",     "::1",           "0:0:0:0:0:0:0:1" };
  static const char *const not_covered[] = { "vault",     "example",           "a.b.vault.example",
                                             "127.0.0.2", "vault.example.org", "::2",
                                             "" };
  for (unsigned i = 0; i < sizeof covered / sizeof *covered; i++)
    assert_true(x509_covers(buf_bytes(&der), covered[i]));
  for (unsigned i = 0; i < sizeof not_covered / sizeof *not_covered; i++)
    assert_false(x509_covers(buf_bytes(&der), not_covered[i]));
  assert_false(x509_covers(buf_bytes(&ca), "Test Root"));
  assert_false(x509_covers(str("no certificate"), "vault.example"));
  buf_free(&der);
}

static void names_that_are_none_are_refused(void **state) {
  static const char *const bad[] = { "", "a b", "a,DNS:evil.example", "a\nb",
                                     "caf\xc3\xa9.example" };
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct x509_subject s = server;
    struct buf der = BUF_EMPTY;
    s.names = &bad[i];
    s.name_count = 1;
    assert_err(x509_issue_server(ca_key, buf_bytes(&ca), ca_key, &s, &der), ERR_BAD_PARAMETER);
    assert_int_equal(der.size, 0);
  }
  struct x509_subject s = server;
  struct buf der = BUF_EMPTY;
  s.common_name = "a name of more than the sixty-four characters that X.520 gives a common name";
  assert_err(x509_issue_server(ca_key, buf_bytes(&ca), ca_key, &s, &der), ERR_BAD_PARAMETER);
}

static void another_key_than_the_authoritys_is_refused(void **state) {
  struct key *other = new_key(KEY_EC, 0, CURVE_P256);
  struct buf der = BUF_EMPTY;
  assert_err(x509_issue_server(other, buf_bytes(&ca), ca_key, &server, &der), ERR_BAD_PARAMETER);
  assert_err(x509_issue_server(ca_key, str("none"), ca_key, &server, &der), ERR_BAD_PARAMETER);
  assert_int_equal(der.size, 0);
  key_free(other);
}

static void the_key_and_the_times_are_those_given(void **state) {
  struct key *subject = new_key(KEY_EC, 0, CURVE_P384), *k = NULL;
  struct buf der = BUF_EMPTY;
  int64_t from, to;
  char given[44], found[44];
  issue(subject, &der);
  assert_ok(x509_public_key(buf_bytes(&der), &k));
  assert_false(key_is_private(k));
  assert_ok(key_thumbprint(subject, given));
  assert_ok(key_thumbprint(k, found));
  assert_string_equal(given, found);
  assert_ok(x509_validity(buf_bytes(&der), &from, &to));
  assert_int_equal(from, server.not_before);
  assert_int_equal(to, server.not_after);
  key_free(k);
  key_free(subject);
  buf_free(&der);
}

static void pem_goes_out_and_comes_back(void **state) {
  struct buf pem = BUF_EMPTY, der = BUF_EMPTY;
  buf_put_str(&pem, "a comment\n");
  assert_ok(x509_to_pem(buf_bytes(&ca), &pem));
  assert_ok(x509_to_pem(buf_bytes(&ca), &pem));
  assert_ok(x509_from_pem(buf_bytes(&pem), &der));
  assert_bytes(buf_bytes(&der), buf_bytes(&ca));
  buf_clear(&der);
  assert_ok(x509_from_pem(buf_bytes(&ca), &der));
  assert_bytes(buf_bytes(&der), buf_bytes(&ca));
  buf_free(&pem);
  buf_free(&der);
}

static void damaged_certificates_are_refused(void **state) {
  struct buf der = BUF_EMPTY;
  struct key *k = NULL;
  int64_t from, to;
  for (size_t n = 0; n < ca.size; n++) {
    struct bytes cut = bytes_of(ca.data, n);
    assert_err(x509_from_pem(cut, &der), ERR_BAD_PARAMETER);
    assert_err(x509_public_key(cut, &k), ERR_BAD_PARAMETER);
    assert_err(x509_validity(cut, &from, &to), ERR_BAD_PARAMETER);
  }
  assert_err(
    x509_from_pem(str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &der),
    ERR_BAD_PARAMETER);
  assert_int_equal(der.size, 0);
  assert_null(k);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(issued_certificates_are_trusted),
    cmocka_unit_test(an_rsa_authority_works_too),
    cmocka_unit_test(extensions_are_those_promised),
    cmocka_unit_test(serials_are_long_and_differ),
    cmocka_unit_test(names_are_covered),
    cmocka_unit_test(names_that_are_none_are_refused),
    cmocka_unit_test(another_key_than_the_authoritys_is_refused),
    cmocka_unit_test(the_key_and_the_times_are_those_given),
    cmocka_unit_test(pem_goes_out_and_comes_back),
    cmocka_unit_test(damaged_certificates_are_refused),
  };
  return cmocka_run_group_tests(tests, make_ca, free_ca);
}
