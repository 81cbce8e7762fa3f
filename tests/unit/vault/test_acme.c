/* The ACME server through the application's own functions: orders and certificates, and what is
 * refused to those who ask for others' things or for more than they may have. */
#include "acme_client.h"

#include "base/clock.h"
#include "base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

static struct fixture f;
static struct acme_client one, two;
static struct acme_identity web;
static struct key *cert_key;

#define PROBLEM_IS(c, text) assert_string_equal(client_problem(c), text)
#define REFUSED(c, number, text) \
  do { \
    assert_int_equal((c)->a.status, number); \
    PROBLEM_IS(c, text); \
    assert_string_equal(client_header(c, "Content-Type"), "application/problem+json"); \
  } while (0)
#define CHECK(call) assert_int_equal(call, OK)

static int begin(void **state) {
  static const char *const options[] = { "[acme]", "enabled = yes", NULL };
  static const char *names[] = { "a.example", "b.example", "*.a.example", "127.0.0.0/8",
                                 "::1/128" };
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  fixture_open(&f, options);
  client_identity(&f, names, 5, &web);
  CHECK(key_generate(&spec, &cert_key));
  client_begin(&one, &f, KEY_EC);
  client_register(&one, web.kid, secret_bytes(&web.key));
  client_begin(&two, &f, KEY_RSA);
  client_register(&two, web.kid, secret_bytes(&web.key));
  return 0;
}

static int end(void **state) {
  client_end(&one);
  client_end(&two);
  key_free(cert_key);
  secret_free(&web.key);
  fixture_close(&f);
  return 0;
}

/* A new order for names as JSON, "dns:" or "ip:" before each; its URL in out. */
static void order(struct acme_client *c, const char *const *names, char out[static 160]) {
  AUTO_BUF list = BUF_EMPTY;
  write_open(&list, NULL, '[');
  for (; *names; names++) {
    const char *colon = strchr(*names, ':');
    char type[8];
    snprintf(type, sizeof type, "%.*s", (int)(colon - *names), *names);
    write_open(&list, NULL, '{');
    write_str(&list, "type", type);
    write_str(&list, "value", colon + 1);
    write_close(&list, '}');
  }
  write_close(&list, ']');
  assert_int_equal(client_post(c, "new-order", "{\"identifiers\":%s}", buf_cstr(&list)), 201);
  snprintf(out, 160, "%s", client_header(c, "Location"));
}

static int register_with(struct acme_client *c, const char *key_id, struct bytes key,
                         const char *alg, const char *url) {
  AUTO_BUF binding = BUF_EMPTY;
  client_binding(c, key_id, key, alg, url, &binding);
  return client_post(c, "new-account", "{\"externalAccountBinding\":%s}", buf_cstr(&binding));
}

static struct acme_order *inside(const char *url) {
  return guid_map_get(&f.hub->acme->orders, strrchr(url, '/') + 1);
}

/* As validations would. */
static void make_ready(const char *url) {
  struct acme_order *o = inside(url);
  assert_non_null(o);
  for (size_t i = 0; i < o->count; i++)
    o->authzs[i].state = AUTHZ_VALID;
}

static int finalize_with(struct acme_client *c, const char *url, const struct key *key,
                         const struct cert_profile *says) {
  AUTO_BUF csr = BUF_EMPTY;
  char path[200];
  client_csr(key, says, &csr);
  snprintf(path, sizeof path, "%s/finalize", url);
  return client_post(c, path, "{\"csr\":\"%s\"}", buf_cstr(&csr));
}

static int finalize(struct acme_client *c, const char *url, const char *name) {
  const char *list[] = { name };
  struct cert_profile says = { .sans[SAN_DNS] = { list, 1 } };
  return finalize_with(c, url, cert_key, &says);
}

static const char *const a_example[] = { "dns:a.example", NULL };

/* An order that has its certificate. */
static void issued(struct acme_client *c, char url[static 160]) {
  order(c, a_example, url);
  make_ready(url);
  assert_int_equal(finalize(c, url, "a.example"), 200);
  assert_string_equal(answer_str(&c->a, "status"), "valid");
}

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

static void read_leaf(const char *url, struct buf *b64) {
  const struct acme_order *o = inside(url);
  assert_non_null(o);
  buf_put_b64url(b64, buf_bytes(&o->chain.ders[0]));
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

static void test_renewal(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF leaf = BUF_EMPTY;
  char url[160], path[200], start[40], cert_id[ACME_CERT_ID_MAX + 1];
  issued(&one, url);
  memcpy(cert_id, inside(url)->cert_id, sizeof cert_id);
  snprintf(path, sizeof path, "/acme/renewal-info/%s", cert_id);
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, path, (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 200);
  assert_non_null(memmem(a.headers.data, a.headers.size, "Retry-After: ", 13));
  snprintf(start, sizeof start, "%s", answer_str(&a, "suggestedWindow.start"));
  char now[28];
  clock_format(clock_now_us(), now);
  assert_true(strcmp(start, now) > 0); /* later */
  assert_true(strcmp(answer_str(&a, "suggestedWindow.end"), start) > 0);

  client_post(&two, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&two, 400, "malformed");
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&one, 400, "malformed");
  assert_int_equal(
    client_post(
      &one, "new-order",
      "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
      cert_id),
    201);
  assert_string_equal(answer_str(&one.a, "replaces"), cert_id);
  char next[160];
  snprintf(next, sizeof next, "%s", client_header(&one, "Location"));
  make_ready(next);
  assert_int_equal(finalize(&one, next, "a.example"), 200);
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&one, 409, "alreadyReplaced");

  read_leaf(url, &leaf);
  CHECK(ca_revoke(f.hub->ca, inside(url)->serial, 1, NULL)); /* by whoever */
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, path, (struct bytes){ 0 }, &a);
  assert_true(strcmp(answer_str(&a, "suggestedWindow.end"), now) < 0); /* at once */
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/acme/renewal-info/a.b", (struct bytes){ 0 },
               &a);
  assert_int_equal(a.status, 404);
}

static void test_restart(void **state) {
  char ready[160], valid[160], nonce[ACME_NONCE_MAX];
  struct bytes old;
  AUTO_BUF chain = BUF_EMPTY;
  order(&one, a_example, ready);
  make_ready(ready);
  CHECK(acme_commit_order(f.hub->acme, inside(ready)));
  issued(&one, valid);
  buf_put_bytes(&chain, buf_bytes(&inside(valid)->chain.ders[0]));
  CHECK(acme_nonce(f.hub->acme, nonce));
  fixture_reopen(&f);
  assert_ptr_equal(acme_order_by_cert(f.hub->acme, inside(valid)->cert_id), inside(valid));
  one.nonce = nonce; /* of before */
  client_post(&one, ready, "%s", "");
  REFUSED(&one, 400, "badNonce");
  client_post(&one, ready, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "ready");
  old = buf_bytes(&inside(valid)->chain.ders[0]);
  assert_true(bytes_equal(old, buf_bytes(&chain)));
  assert_int_equal(finalize(&one, ready, "a.example"), 200);
  assert_int_equal(client_post(&two, two.account, "%s", ""), 200);
  AUTO_BUF path = BUF_EMPTY;
  buf_printf(&path, "%s/orders", one.account);
  assert_int_equal(client_post(&one, buf_cstr(&path), "%s", ""), 200);
  assert_true(json_array_size(json_object_get(one.a.json, "orders")) >= 2);
}

static void test_limits(void **state) {
  unsigned wait;
  struct acme *a = f.hub->acme;
  struct acme_account *account = guid_map_get(&a->accounts, strrchr(two.account, '/') + 1);
  account->orders = (struct hourly){ clock_now(), ACME_ORDERS_HOURLY };
  client_post(&two, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  REFUSED(&two, 429, "rateLimited");
  assert_true(atoi(client_header(&two, "Retry-After")) > 3000);
  account->orders.start -= 3600; /* an hour later */
  for (unsigned i = account->open; i < ACME_ORDERS_OPEN; i++)
    assert_int_equal(client_post(&two, "new-order",
                                 "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}"),
                     201);
  client_post(&two, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  REFUSED(&two, 429, "rateLimited");
  for (unsigned i = 0; i < ACME_FAILURES_HOURLY; i++)
    acme_count_failure(a, one.account + sizeof(ACME_BASE "account/") - 1, "b.example");
  client_post(&one, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"}]}");
  REFUSED(&one, 429, "rateLimited");
  struct acme_key *k = guid_map_get(&a->keys, web.kid);
  struct acme_client more;
  unsigned accounts = k->accounts;
  client_begin(&more, &f, KEY_EC);
  k->accounts = ACME_KEY_ACCOUNTS;
  register_with(&more, web.kid, secret_bytes(&web.key), "HS256", ACME_BASE "new-account");
  REFUSED(&more, 429, "rateLimited");
  k->accounts = accounts;
  client_end(&more);
  for (unsigned i = 0; i < 2 * ACME_FAILURES_KEPT; i++) {
    char name[24];
    snprintf(name, sizeof name, "n%u.example", i);
    acme_count_failure(a, "x", name);
    assert_true(acme_may_try(a, "x", name, &wait));
  }
}

/* An account fills its own room only, and what is over makes room. */
static void test_orders_kept(void **state) {
  static const char wanted[] = "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}";
  struct acme *a = f.hub->acme;
  struct acme_client c;
  char first[160], second[160];
  client_begin(&c, &f, KEY_EC);
  client_register(&c, web.kid, secret_bytes(&web.key));
  struct acme_account *account = guid_map_get(&a->accounts, strrchr(c.account, '/') + 1);
  order(&c, a_example, first);
  order(&c, a_example, second);
  account->kept += ACME_ORDERS_KEPT - 2;
  client_post(&c, "new-order", "%s", wanted);
  REFUSED(&c, 429, "rateLimited");
  inside(second)->expires = clock_now() - 1;
  assert_int_equal(client_post(&c, "new-order", "%s", wanted), 201);
  assert_null(inside(second));
  assert_non_null(inside(first));
  assert_int_equal(account->kept, ACME_ORDERS_KEPT);
  assert_int_equal(account->open, 2);
  client_post(&c, "new-order", "%s", wanted);
  REFUSED(&c, 429, "rateLimited");
  account->kept -= ACME_ORDERS_KEPT - 2;

  inside(first)->expires = clock_now() - 1; /* no longer open, but still shown */
  CHECK(acme_carry_out_due(a));
  assert_int_equal(account->open, 1);
  assert_int_equal(account->kept, 2);
  client_post(&c, first, "%s", "");
  assert_string_equal(answer_str(&c.a, "status"), "invalid");
  client_end(&c);
}

/* Many more open orders of an order's account, in the store and in memory. */
static void copy_orders(const char *id, unsigned count) {
  struct acme *a = f.hub->acme;
  const struct acme_order *from = guid_map_get(&a->orders, id);
  struct acme_account *account = guid_map_get(&a->accounts, from->account);
  for (unsigned i = 0; i < count; i++) {
    struct acme_order *o = mem_zalloc(sizeof *o);
    assert_non_null(o);
    CHECK(guid_random(o->id));
    memcpy(o->account, from->account, sizeof o->account);
    o->expires = from->expires;
    o->count = 1;
    o->authzs = mem_zalloc(sizeof *o->authzs);
    assert_non_null(o->authzs);
    *o->authzs = from->authzs[0];
    CHECK(guid_map_reserve(&a->orders));
    CHECK(acme_commit_order(a, o));
    guid_map_put(&a->orders, o->id, o);
    account->kept++;
  }
}

/* Time goes by, and a binding key goes. */
static void test_forgotten(void **state) {
  struct acme *a = f.hub->acme;
  char open[160], valid[160];
  order(&one, a_example, open);
  issued(&one, valid);
  clock_shift(ACME_ORDER_SECONDS + 10);
  client_post(&one, open, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "invalid");
  CHECK(acme_carry_out_due(a));
  assert_non_null(inside(open));
  clock_shift(ACME_ORDER_SECONDS + ACME_OVER_SECONDS + 10);
  CHECK(acme_carry_out_due(a));
  assert_null(inside(open));
  assert_non_null(inside(valid));
  clock_shift(0);
  char other[GUID_SIZE + 1], app_id[GUID_SIZE + 1], other_kid[GUID_SIZE + 1];
  AUTO_SECRET other_key = { 0 };
  CHECK(identity_create(f.hub->identity, "gone", app_id));
  CHECK(identity_find(f.hub->identity, app_id, app_id, other));
  CHECK(acme_key_create(a, other, other_kid, &other_key));
  CHECK(identity_set_enabled(f.hub->identity, app_id, false));
  CHECK(acme_carry_out_due(a));
  assert_non_null(guid_map_get(&a->keys, other_kid));
  CHECK(identity_delete(f.hub->identity, app_id));
  CHECK(acme_carry_out_due(a));
  assert_null(guid_map_get(&a->keys, other_kid));
  assert_int_equal(acme_key_delete(a, "no"), ERR_NOT_FOUND);
  copy_orders(strrchr(valid, '/') + 1, 2 * ACME_BATCH);
  char cert_id[ACME_CERT_ID_MAX + 1];
  memcpy(cert_id, inside(valid)->cert_id, sizeof cert_id);
  assert_ptr_equal(acme_order_by_cert(a, cert_id), inside(valid));
  CHECK(acme_key_delete(a, web.kid));
  client_post(&one, valid, "%s", "");
  REFUSED(&one, 403, "unauthorized");
  CHECK(acme_carry_out_due(a));
  assert_int_equal(a->orders.count, 0);
  assert_int_equal(a->accounts.count, 0);
  assert_int_equal(a->by_key.count + a->by_cert.count + a->by_replaced.count, 0);
  assert_null(acme_order_by_cert(a, cert_id));
  fixture_reopen(&f);
  assert_int_equal(f.hub->acme->orders.count + f.hub->acme->accounts.count, 0);
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 400, "accountDoesNotExist");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_identifiers),      cmocka_unit_test(test_order),
    cmocka_unit_test(test_finalize_refused), cmocka_unit_test(test_grant_taken_away),
    cmocka_unit_test(test_issue_fails),      cmocka_unit_test(test_certificate),
    cmocka_unit_test(test_revoke),           cmocka_unit_test(test_times),
    cmocka_unit_test(test_renewal),          cmocka_unit_test(test_restart),
    cmocka_unit_test(test_limits),           cmocka_unit_test(test_orders_kept),
    cmocka_unit_test(test_forgotten),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
