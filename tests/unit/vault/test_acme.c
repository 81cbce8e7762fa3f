/* The ACME server through the application's own functions: orders and certificates, and what is
 * refused to those who ask for others' things or for more than they may have. */
#include "acme_two.h"

#include "base/clock.h"

static void test_identifiers(void **state) {
  static const struct {
    const char *list, *problem;
    int status;
  } wrong[] = {
    { "[]", "malformed", 400 },
    { "[5]", "malformed", 400 },
    { "[{\"type\":\"email\",\"value\":\"a@a.example\"}]", "unsupportedIdentifier", 400 },
    { "[{\"type\":\"dns\",\"value\":\"\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"a..example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"a.example.\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"-a.example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"a_b.example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"*.*.example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"b.*.example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"*\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"127.0.0.1\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"\xc3\xa4.example\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"a.example/x\"}]", "malformed", 400 },
    { "[{\"type\":\"ip\",\"value\":\"127.0.0.01\"}]", "malformed", 400 },
    { "[{\"type\":\"ip\",\"value\":\"0:0::1\"}]", "malformed", 400 },
    { "[{\"type\":\"ip\",\"value\":\"127.0.0.1/8\"}]", "malformed", 400 },
    { "[{\"type\":\"dns\",\"value\":\"c.example\"}]", "rejectedIdentifier", 403 },
    { "[{\"type\":\"dns\",\"value\":\"x.a.example.org\"}]", "rejectedIdentifier", 403 },
    { "[{\"type\":\"dns\",\"value\":\"*.b.example\"}]", "rejectedIdentifier", 403 },
    { "[{\"type\":\"ip\",\"value\":\"10.0.0.1\"}]", "rejectedIdentifier", 403 },
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    client_post(&one, "new-order", "{\"identifiers\":%s}", wrong[i].list);
    REFUSED(&one, wrong[i].status, wrong[i].problem);
  }
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"},{\"type\":\"dns\","
              "\"value\":\"c.example\"},{\"type\":\"ip\",\"value\":\"10.0.0.1\"}]}");
  REFUSED(&one, 403, "rejectedIdentifier");
  json_t *list = json_object_get(one.a.json, "subproblems");
  assert_int_equal(json_array_size(list), 2);
  json_t *first = json_object_get(json_array_get(list, 0), "identifier");
  assert_string_equal(json_string_value(json_object_get(first, "value")), "c.example");
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"notAfter\":"
              "\"2020-01-01T00:00:00Z\"}");
  REFUSED(&one, 400, "malformed");
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"notAfter\":"
              "\"tomorrow\"}");
  REFUSED(&one, 400, "malformed");
}

/* What is offered for each kind of name, and that names are kept in lower case and once. */
static void test_order(void **state) {
  static const char *const names[] = { "dns:A.Example", "dns:a.example", "dns:*.a.example",
                                       "ip:127.0.0.1",  "ip:::1",        NULL };
  static const size_t challenges[] = { 3, 1, 2, 2 };
  char url[160], authzs[4][160];
  order(&one, names, url);
  assert_string_equal(answer_str(&one.a, "status"), "pending");
  json_t *list = json_object_get(one.a.json, "authorizations");
  assert_int_equal(json_array_size(list), 4);
  for (size_t i = 0; i < 4; i++)
    snprintf(authzs[i], sizeof authzs[i], "%s", json_string_value(json_array_get(list, i)));
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(client_post(&one, authzs[i], "%s", ""), 200);
    assert_int_equal(json_array_size(json_object_get(one.a.json, "challenges")), challenges[i]);
    assert_string_not_equal(answer_str(&one.a, "identifier.value"), "*.a.example");
  }
  client_post(&two, url, "%s", "");
  REFUSED(&two, 403, "unauthorized");
  client_post(&two, authzs[0], "%s", "");
  REFUSED(&two, 403, "unauthorized");
  client_post(&one, ACME_BASE "order/none", "%s", "");
  REFUSED(&one, 404, "malformed");
  char path[200];
  snprintf(path, sizeof path, "%sx", url);
  client_post(&one, path, "%s", "");
  REFUSED(&one, 404, "malformed");
  snprintf(path, sizeof path, "chall/%s.1.http-01", strrchr(url, '/') + 1); /* of a wildcard */
  client_post(&one, path, "{}");
  REFUSED(&one, 404, "malformed");
  snprintf(path, sizeof path, "authz/%s.4", strrchr(url, '/') + 1);
  client_post(&one, path, "%s", "");
  REFUSED(&one, 404, "malformed");
  assert_int_equal(client_post(&one, authzs[0], "{\"status\":\"deactivated\"}"), 200);
  assert_string_equal(answer_str(&one.a, "status"), "deactivated");
  client_post(&one, url, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "invalid");
}

static void test_finalize_refused(void **state) {
  static const char *const names[] = { "dns:a.example", "dns:b.example", NULL };
  static const char *both[] = { "a.example", "b.example" },
                    *more[] = { "a.example", "b.example", "c.example" };
  static const char *email[] = { "a@a.example" }, *uri[] = { "https://a.example/" },
                    *ip[] = { "127.0.0.1" };
  const struct cert_profile good = { .subject = "CN=b.example", .sans[SAN_DNS] = { both, 2 } };
  const struct cert_profile wrong[] = {
    { .sans[SAN_DNS] = { both, 1 } },
    { .sans[SAN_DNS] = { more, 3 } },
    { .subject = "CN=c.example", .sans[SAN_DNS] = { both, 2 } },
    { .subject = "CN=a.example, CN=c.example", .sans[SAN_DNS] = { both, 2 } },
    { .sans = { [SAN_DNS] = { both, 2 }, [SAN_EMAIL] = { email, 1 } } },
    { .sans = { [SAN_DNS] = { both, 2 }, [SAN_URI] = { uri, 1 } } },
    { .sans = { [SAN_DNS] = { both, 2 }, [SAN_IP] = { ip, 1 } } },
  };
  const struct key_spec koblitz = { KEY_EC, 256, CURVE_P256K, 0 };
  AUTO(key) struct key *weak = NULL;
  char url[160], path[200];
  CHECK(key_generate(&koblitz, &weak));
  order(&one, names, url);
  finalize_with(&one, url, cert_key, &good);
  REFUSED(&one, 403, "orderNotReady");
  make_ready(url);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    finalize_with(&one, url, cert_key, &wrong[i]);
    REFUSED(&one, 400, "badCSR");
  }
  finalize_with(&one, url, one.key, &good);
  REFUSED(&one, 400, "badCSR");
  finalize_with(&one, url, weak, &good);
  REFUSED(&one, 400, "badCSR");
  finalize_with(&two, url, cert_key, &good);
  REFUSED(&two, 403, "unauthorized");
  snprintf(path, sizeof path, "%s/finalize", url);
  client_post(&one, path, "{\"csr\":\"MAAwAA\"}");
  REFUSED(&one, 400, "badCSR");
  client_post(&one, path, "{}");
  REFUSED(&one, 400, "badCSR");
  assert_int_equal(finalize_with(&one, url, cert_key, &good), 200);
  finalize_with(&one, url, cert_key, &good);
  REFUSED(&one, 403, "orderNotReady");
}

/* The grant is asked again: what was taken away meanwhile is not issued. */
static void test_grant_taken_away(void **state) {
  static const char *names[] = { "b.example" },
                    *all[] = { "a.example", "b.example", "*.a.example", "127.0.0.0/8", "::1/128" };
  char url[160];
  order(&one, a_example, url);
  make_ready(url);
  CHECK(ca_grant(f.hub->ca, web.oid, 1u << CA_SERVER, &(struct cert_texts){ names, 1 }));
  finalize(&one, url, "a.example");
  REFUSED(&one, 403, "rejectedIdentifier");
  CHECK(ca_grant(f.hub->ca, web.oid, 1u << CA_SERVER, &(struct cert_texts){ all, 5 }));
  CHECK(role_unassign(f.hub->roles, NULL, web.assignment, "/"));
  finalize(&one, url, "a.example");
  REFUSED(&one, 403, "unauthorized");
  CHECK(role_assign(f.hub->roles, NULL, web.assignment, "Strongroom Certificate Requester", web.oid,
                    "/"));
  assert_int_equal(finalize(&one, url, "a.example"), 200);
}

static err_t fail_to_issue(struct ca *ca, const struct ca_request *rq, struct cert_chain *out) {
  FAIL(ERR_IO, "no storage");
}

static void test_issue_fails(void **state) {
  char url[160];
  order(&one, a_example, url);
  make_ready(url);
  f.hub->acme->conf.authority.issue = fail_to_issue;
  finalize(&one, url, "a.example");
  REFUSED(&one, 503, "serverInternal");
  f.hub->acme->conf.authority.issue = ca_issue;
  client_post(&one, url, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "ready");
  assert_int_equal(finalize(&one, url, "a.example"), 200);
}

static void test_certificate(void **state) {
  AUTO_CERT_INFO info = { 0 };
  char url[160], path[200];
  issued(&one, url);
  snprintf(path, sizeof path, "%s", answer_str(&one.a, "certificate"));
  client_post(&two, path, "%s", "");
  REFUSED(&two, 403, "unauthorized");
  assert_int_equal(client_post(&one, path, "%s", ""), 200);
  assert_string_equal(client_header(&one, "Content-Type"), "application/pem-certificate-chain");
  const char *text = buf_cstr(&one.a.body);
  assert_non_null(strstr(strstr(text, "BEGIN CERTIFICATE") + 1, "BEGIN CERTIFICATE"));
  AUTO_BUF der = BUF_EMPTY;
  CHECK(x509_from_pem(buf_bytes(&one.a.body), &der));
  CHECK(cert_read(buf_bytes(&der), &info));
  CHECK(cert_matches_key(buf_bytes(&der), cert_key));
  assert_int_equal(info.is.sans[SAN_DNS].count, 1);
  assert_string_equal(info.is.sans[SAN_DNS].items[0], "a.example");
  assert_string_equal(info.is.subject, "CN=a.example");
  assert_false(info.is.ca);
}

static int order_until(const char *which, int64_t seconds) {
  char text[28];
  clock_format((clock_real() + seconds + 2 * 3600) * 1000000, text);
  snprintf(text + 19, sizeof text - 19, "+02:00");
  return client_post(&one, "new-order",
                     "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"%s\":\"%s\"}",
                     which, text);
}

/* Times that are asked for are those of the certificate, or there is none. */
static void test_times(void **state) {
  static const struct {
    const char *which;
    int64_t seconds;
  } wrong[] = {
    { "notAfter", 124 * 365 * 86400ll }, { "notAfter", 398 * 86400 + 60 },  { "notAfter", -60 },
    { "notBefore", 2 * 86400 + 60 },     { "notBefore", 50 * 365 * 86400 },
  };
  char url[160];
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    order_until(wrong[i].which, wrong[i].seconds);
    REFUSED(&one, 400, "malformed");
  }
  assert_int_equal(order_until("notAfter", 398 * 86400 - 60), 201);
  assert_int_equal(order_until("notBefore", 2 * 86400 - 60), 201);
  int64_t until = clock_real() + 10 * 86400;
  assert_int_equal(order_until("notAfter", 10 * 86400), 201);
  snprintf(url, sizeof url, "%s", client_header(&one, "Location"));
  make_ready(url);
  assert_int_equal(finalize(&one, url, "a.example"), 200);
  assert_in_range(inside(url)->cert_until, until, until + 5);
}

static void test_revoke(void **state) {
  AUTO_BUF leaf = BUF_EMPTY, second = BUF_EMPTY;
  struct acme_client holder = { .f = &f, .key = key_ref(cert_key), .alg = "ES256" };
  char url[160];
  issued(&one, url);
  read_leaf(url, &leaf);
  const char *der = buf_cstr(&leaf);
  client_post(&two, "revoke-cert", "{\"certificate\":\"%s\"}", der);
  REFUSED(&two, 403, "unauthorized");
  client_post(&one, "revoke-cert", "{\"certificate\":\"%s\",\"reason\":6}", der);
  REFUSED(&one, 400, "badRevocationReason");
  client_post(&one, "revoke-cert", "{\"certificate\":\"%s\",\"reason\":-1}", der);
  REFUSED(&one, 400, "badRevocationReason");
  client_post(&one, "revoke-cert", "{\"certificate\":\"MAAwAA\"}");
  REFUSED(&one, 400, "malformed");
  assert_int_equal(client_post(&one, "revoke-cert", "{\"certificate\":\"%s\"}", der), 200);
  client_post(&one, "revoke-cert", "{\"certificate\":\"%s\"}", der);
  REFUSED(&one, 400, "alreadyRevoked");
  issued(&one, url);
  read_leaf(url, &second);
  der = buf_cstr(&second);
  char account[128] = "";
  memcpy(account, one.account, sizeof account);
  one.account[0] = '\0'; /* the account's key is not the certificate's */
  client_post(&one, "revoke-cert", "{\"certificate\":\"%s\"}", der);
  REFUSED(&one, 403, "unauthorized");
  memcpy(one.account, account, sizeof account);
  assert_int_equal(
    client_post(&holder, "revoke-cert", "{\"certificate\":\"%s\",\"reason\":1}", der), 200);
  client_end(&holder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_identifiers),      cmocka_unit_test(test_order),
    cmocka_unit_test(test_finalize_refused), cmocka_unit_test(test_grant_taken_away),
    cmocka_unit_test(test_issue_fails),      cmocka_unit_test(test_certificate),
    cmocka_unit_test(test_revoke),           cmocka_unit_test(test_times),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
