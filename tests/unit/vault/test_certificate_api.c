/* The certificate part of the API, through the application's own functions: what is refused and
 * how, and that nothing is there after a refusal. What it does right, real clients test. */
#include "fixture.h"

#include "base/clock.h"
#include "base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#define DAY 86400
#define PATH "/certificates/"

static struct fixture f;
static struct buf pem[2] = { BUF_EMPTY, BUF_EMPTY }; /* of two keys and their certificates */
static struct buf pkcs12 = BUF_EMPTY;                /* the first one's, as base64 */

static void make(struct buf *text, struct buf *p12) {
  struct cert_profile says = { .subject = "CN=made",
                               .not_before = clock_now() - 600,
                               .not_after = clock_now() + 30 * DAY };
  struct key *key AUTO(key) = NULL;
  AUTO_CERT_CHAIN chain = { .count = 1 };
  AUTO_SECRET form = { 0 }, locked = { 0 };
  assert_int_equal(key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256 }, &key), OK);
  assert_int_equal(cert_self_sign(key, &says, &chain.ders[0]), OK);
  assert_int_equal(cert_export_pem(key, &chain, &form), OK);
  buf_put_bytes(text, secret_bytes(&form));
  if (p12) {
    assert_int_equal(cert_export_pkcs12(key, &chain, &locked), OK);
    buf_put_b64(p12, secret_bytes(&locked));
  }
}

static int begin(void **state) {
  fixture_open(&f, NULL);
  make(&pem[0], &pkcs12);
  make(&pem[1], NULL);
  return 0;
}

static int end(void **state) {
  for (size_t i = 0; i < 2; i++)
    buf_free(&pem[i]);
  buf_free(&pkcs12);
  fixture_close(&f);
  return 0;
}

#define EXPECT(status, ...) assert_int_equal(fixture_do(&f, &a, __VA_ARGS__), status)
#define CODE(text) assert_string_equal(answer_str(&a, "error.code"), text)
#define INNER(text) assert_string_equal(answer_str(&a, "error.innererror.code"), text)

static void assert_missing(const char *name) {
  static const char *const collections[] = { "certificates", "keys", "secrets" };
  AUTO_ANSWER a = { 0 };
  char path[256];
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "/%s/%s", collections[i], name);
    EXPECT(404, HTTP_GET, path, "%s", "");
  }
}

/* A body of any size, as the owner. */
static int send(struct answer *a, const char *path, const struct buf *body) {
  char target[256];
  assert_int_equal(buf_ok(body), OK);
  snprintf(target, sizeof target, PATH "%s?api-version=7.4", path);
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, target, buf_bytes(body), a);
  return a->status;
}

static int import(struct answer *a, const char *name, struct bytes value, const char *more) {
  AUTO_BUF body = BUF_EMPTY;
  char path[128];
  write_open(&body, NULL, '{');
  write_text(&body, "value", value);
  buf_put_str(&body, more);
  write_close(&body, '}');
  snprintf(path, sizeof path, "%s/import", name);
  return send(a, path, &body);
}

static void refused(const char *what, struct bytes value, const char *more, const char *message) {
  AUTO_ANSWER a = { 0 };
  if (import(&a, "refused", value, more) != 400 ||
      strcmp(answer_str(&a, "error.code"), "BadParameter") != 0 ||
      !strstr(answer_str(&a, "error.message"), message))
    fail_msg("%s: %d %s", what, a.status, a.body.size ? buf_cstr(&a.body) : "");
}

/* One block of a PEM text. */
static struct bytes block(const struct buf *text, const char *label) {
  char mark[64];
  snprintf(mark, sizeof mark, "-----BEGIN %s-----", label);
  const uint8_t *from = memmem(text->data, text->size, mark, strlen(mark));
  snprintf(mark, sizeof mark, "-----END %s-----\n", label);
  const uint8_t *to = memmem(text->data, text->size, mark, strlen(mark));
  assert_true(from && to);
  return bytes_of(from, (size_t)(to - from) + strlen(mark));
}

static void imports_in_all_forms(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF wrapped = BUF_EMPTY, lines = BUF_EMPTY;
  assert_int_equal(import(&a, "pem", buf_bytes(&pem[0]), ""), 200);
  assert_string_equal(answer_str(&a, "policy.secret_props.contentType"), "application/x-pem-file");
  buf_put_b64(&wrapped, buf_bytes(&pem[0]));
  assert_int_equal(import(&a, "wrapped", buf_bytes(&wrapped), ""), 200);
  assert_int_equal(import(&a, "pkcs12", buf_bytes(&pkcs12), ",\"pwd\":\"\""), 200);
  assert_string_equal(answer_str(&a, "policy.secret_props.contentType"), "application/x-pkcs12");
  for (size_t i = 0; i < pkcs12.size; i++) {
    buf_put_char(&lines, (char)pkcs12.data[i]);
    if (i % 64 == 63)
      buf_put_str(&lines, "\r\n");
  }
  assert_int_equal(import(&a, "lines", buf_bytes(&lines), ""), 200);
  assert_int_equal(
    import(&a, "said", buf_bytes(&pem[0]),
           ",\"policy\":{\"secret_props\":{\"contentType\":\"application/x-pkcs12\"},"
           "\"issuer\":{\"name\":\"Self\"}},\"attributes\":{\"enabled\":false},"
           "\"tags\":{\"a\":\"b\"}"),
    200);
  assert_string_equal(answer_str(&a, "policy.secret_props.contentType"), "application/x-pkcs12");
  assert_string_equal(answer_str(&a, "policy.issuer.name"), "Self");
  assert_string_equal(answer_str(&a, "tags.a"), "b");
  assert_true(json_is_false(json_object_get(json_object_get(a.json, "attributes"), "enabled")));
  EXPECT(403, HTTP_GET, "/secrets/said", "%s", "");
  INNER("SecretDisabled");
}

static void imports_that_are_refused(void **state) {
  AUTO_BUF mixed = BUF_EMPTY, twice = BUF_EMPTY, cut = BUF_EMPTY, long_value = BUF_EMPTY;
  struct bytes key = block(&pem[0], "PRIVATE KEY"), other = block(&pem[1], "CERTIFICATE");
  buf_put_bytes(&mixed, key);
  buf_put_bytes(&mixed, other);
  refused("another's certificate", buf_bytes(&mixed), "",
          "does not match the public part of the specified private key");
  refused("no certificate", key, "", "certificate");
  refused("no key", other, "", "private key");
  buf_put_bytes(&twice, buf_bytes(&pem[0]));
  buf_put_bytes(&twice, block(&pem[1], "PRIVATE KEY"));
  refused("two keys", buf_bytes(&twice), "", "more than one private key");
  for (size_t i = 0; i <= CERT_CHAIN_MAX; i++)
    buf_put_bytes(&mixed, other);
  refused("too many certificates", buf_bytes(&mixed), "", "");
  buf_put(&cut, pem[0].data, pem[0].size / 2);
  refused("half of it", buf_bytes(&cut), "", "");
  refused("nothing", bytes_str(""), "", "base64");
  refused("no base64", bytes_str("%%%"), "", "base64");
  refused("no PKCS#12", bytes_str("bm9uc2Vuc2U="), "", "");
  refused("half of a PKCS#12", bytes_of(pkcs12.data, pkcs12.size / 8 * 4), "", "");
  refused("a wrong password", buf_bytes(&pkcs12), ",\"pwd\":\"wrong\"", "password");
  refused("a password that is none", buf_bytes(&pkcs12), ",\"pwd\":5", "pwd");
  refused("a policy that is none", buf_bytes(&pem[0]), ",\"policy\":[]", "policy");
  refused("another key's policy", buf_bytes(&pem[0]),
          ",\"policy\":{\"key_props\":{\"kty\":\"RSA\"}}", "key_props");
  refused("a policy out of bounds", buf_bytes(&pem[0]),
          ",\"policy\":{\"x509_props\":{\"validity_months\":0}}", "validity_months");
  refused("wrong tags", buf_bytes(&pem[0]), ",\"tags\":{\"a\":1}", "tags");
  refused("wrong order", buf_bytes(&pem[0]), ",\"preserveCertOrder\":1", "preserveCertOrder");
  for (size_t i = 0; i < CERT_PKCS12_MAX / 3 * 4 + 400; i++)
    buf_put_char(&long_value, 'A');
  refused("a value that is too long", buf_bytes(&long_value), "", "");
  assert_missing("refused");
}

static void a_body_has_its_limits(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  EXPECT(400, HTTP_POST, PATH "x/import", "{}");
  CODE("BadParameter");
  EXPECT(400, HTTP_POST, PATH "x/import", "{\"value\":5}");
  for (size_t i = 0; i < 2 * 1024 * 1024; i++)
    buf_put_char(&body, ' ');
  assert_int_equal(send(&a, "x/import", &body), 413);
  assert_int_equal(send(&a, "x/create", &body), 413);
  assert_missing("x");
}

static void creations_that_are_refused(void **state) {
  static const char *const bodies[] = {
    "{}",
    "{\"policy\":5}",
    "{\"policy\":{}}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"},\"key_props\":{\"kty\":\"oct\"}}}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"}},\"attributes\":{\"enabled\":1}}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"}},\"tags\":[]}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"}},\"preserveCertOrder\":\"yes\"}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=\\u0007\"}}}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\",\"sans\":{\"dns_names\":[\"a\\nb\"]}}}}",
    "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\",\"key_usage\":[\"\"]}}}",
    "{",
  };
  AUTO_ANSWER a = { 0 };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    if (fixture_do(&f, &a, HTTP_POST, PATH "x/create", "%s", bodies[i]) != 400)
      fail_msg("%s: %d", bodies[i], a.status);
    CODE("BadParameter");
  }
  EXPECT(404, HTTP_POST, PATH "x/create",
         "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"},\"issuer\":{\"name\":\"nobody\"}}}");
  CODE("CertificateIssuerNotFound");
  assert_missing("x");
}

#define BY_OTHERS \
  "{\"policy\":{\"x509_props\":{\"subject\":\"CN=x\"},\"key_props\":{\"kty\":\"EC\"},\"issuer\":{" \
  "\"name\":\"Unknown\"}}}"

static void merges_that_are_refused(void **state) {
  static const char *const bodies[] = {
    "{}",
    "{\"x5c\":\"MII\"}",
    "{\"x5c\":[]}",
    "{\"x5c\":[1]}",
    "{\"x5c\":[\"\"]}",
    "{\"x5c\":[\"%%\"]}",
    "{\"x5c\":[\"MIIB\"]}",
    "{\"x5c\":[\"MDAw\"]}",
    "{\"x5c\":[\"LS0tLS1CRUdJTiA=\"]}", /* a PEM's beginning */
    "{\"x5c\":[\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\",\"MAA=\"]}",
    "{\"x5c\":[\"MAA=\"],\"tags\":5}",
  };
  AUTO_ANSWER a = { 0 };
  EXPECT(404, HTTP_POST, PATH "x/pending/merge", "{\"x5c\":[\"MAA=\"]}");
  CODE("CertificateNotFound");
  EXPECT(202, HTTP_POST, PATH "x/create", BY_OTHERS);
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    if (fixture_do(&f, &a, HTTP_POST, PATH "x/pending/merge", "%s", bodies[i]) != 400)
      fail_msg("%s: %d", bodies[i], a.status);
    CODE("BadParameter");
  }
  AUTO_BUF body = BUF_EMPTY;
  buf_put_str(&body, "{\"x5c\":[\"");
  buf_put_b64(&body, block(&pem[0], "CERTIFICATE"));
  buf_put_str(&body, "\"]}");
  assert_int_equal(send(&a, "x/pending/merge", &body), 400);
  assert_non_null(strstr(answer_str(&a, "error.message"), "does not match the public part"));
  EXPECT(404, HTTP_GET, "/keys/x", "%s", "");
  EXPECT(200, HTTP_GET, PATH "x/pending", "%s", "");
  assert_string_equal(answer_str(&a, "status"), "inProgress");
}

static void operations_that_are_refused(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(202, HTTP_POST, PATH "x/create", BY_OTHERS);
  EXPECT(409, HTTP_POST, PATH "X/create", BY_OTHERS);
  static const char *const bodies[] = { "{}", "{\"cancellation_requested\":false}",
                                        "{\"cancellation_requested\":\"true\"}" };
  for (size_t i = 0; i < 3; i++)
    EXPECT(400, HTTP_PATCH, PATH "x/pending", "%s", bodies[i]);
  EXPECT(200, HTTP_PATCH, PATH "x/pending", "{\"cancellation_requested\":true}");
  EXPECT(409, HTTP_POST, PATH "x/pending/merge", "{\"x5c\":[\"MAA=\"]}");
  EXPECT(409, HTTP_PATCH, PATH "x/", "{\"attributes\":{\"enabled\":true}}");
  EXPECT(400, HTTP_PATCH, PATH "x/policy", "{\"key_props\":{\"kty\":\"oct\"}}");
  EXPECT(400, HTTP_PATCH, PATH "x/", "{\"policy\":{\"key_props\":{\"kty\":\"oct\"}}}");
  EXPECT(200, HTTP_DELETE, PATH "x/pending", "%s", "");
  EXPECT(404, HTTP_DELETE, PATH "x/pending", "%s", "");
  CODE("PendingCertificateNotFound");
}

static void names_and_methods(void **state) {
  AUTO_ANSWER a = { 0 };
  static const char *const names[] = { "issuers", "Contacts", "restore", "a_b", "a.b", "%00" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, PATH "%s/create", names[i]);
    EXPECT(400, HTTP_POST, path, "%s", BY_OTHERS);
    CODE("BadParameter");
  }
  EXPECT(405, HTTP_POST, PATH "/create", "%s", BY_OTHERS);
  EXPECT(405, HTTP_PUT, PATH "x", "%s", BY_OTHERS);
  EXPECT(405, HTTP_DELETE, PATH "x/policy", "%s", "");
  EXPECT(404, HTTP_POST, PATH "x/pending/merge/more", "{}");
  EXPECT(400, HTTP_GET, PATH "restore", "%s", "");
  EXPECT(400, HTTP_GET, "/certificates?maxresults=0", "%s", "");
}

/* What is not issued yet is listed on request, also on the pages that follow. */
static void pages(void **state) {
  AUTO_ANSWER a = { 0 };
  char target[512];
  EXPECT(202, HTTP_POST, PATH "a/create", BY_OTHERS);
  assert_int_equal(import(&a, "b", buf_bytes(&pem[0]), ""), 200);
  EXPECT(202, HTTP_POST, PATH "c/create", BY_OTHERS);
  EXPECT(200, HTTP_GET, "/certificates", "%s", "");
  assert_int_equal(json_array_size(json_object_get(a.json, "value")), 1);
  size_t found = 0;
  snprintf(target, sizeof target, "/certificates?maxresults=1&includePending=TRUE&api-version=7.4");
  for (int page = 0; page < 3; page++) {
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_GET, target, (struct bytes){ 0 }, &a);
    assert_int_equal(a.status, 200);
    found += json_array_size(json_object_get(a.json, "value"));
    const char *next = strstr(answer_str(&a, "nextLink"), "/certificates?");
    assert_int_equal(next == NULL, page == 2);
    if (next)
      snprintf(target, sizeof target, "%s", next);
  }
  assert_int_equal(found, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(imports_in_all_forms, begin, end),
    cmocka_unit_test_setup_teardown(imports_that_are_refused, begin, end),
    cmocka_unit_test_setup_teardown(a_body_has_its_limits, begin, end),
    cmocka_unit_test_setup_teardown(creations_that_are_refused, begin, end),
    cmocka_unit_test_setup_teardown(merges_that_are_refused, begin, end),
    cmocka_unit_test_setup_teardown(operations_that_are_refused, begin, end),
    cmocka_unit_test_setup_teardown(names_and_methods, begin, end),
    cmocka_unit_test_setup_teardown(pages, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
