/* The ACME server through the application's own functions: requests and accounts, and what is
 * refused to those who sign wrongly or are bound to nobody. */
#include "acme_two.h"

#include "base/clock.h"

static void test_directory(void **state) {
  AUTO_ANSWER a = { 0 };
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/acme/directory", (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 200);
  assert_string_equal(answer_str(&a, "newNonce"), ACME_BASE "new-nonce");
  assert_string_equal(answer_str(&a, "renewalInfo"), ACME_BASE "renewal-info");
  assert_true(
    json_is_true(json_object_get(json_object_get(a.json, "meta"), "externalAccountRequired")));
  fixture_call(&f, (struct bytes){ 0 }, HTTP_HEAD, "/acme/new-nonce", (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 200);
  assert_non_null(memmem(a.headers.data, a.headers.size, "Replay-Nonce: ", 14));
  assert_non_null(memmem(a.headers.data, a.headers.size, "no-store", 8));
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/acme/new-nonce", (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 204);
}

/* Where ACME is not served, and where something else than ACME refuses, problems are still ACME's.
 */
static void test_not_served(void **state) {
  static char big[BODY_SMALL + 1];
  f.hub->acme->conf.enabled = false;
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 404, "malformed");
  f.hub->acme->conf.enabled = true;
  client_raw(&one, "new-order", bytes_of(big, sizeof big));
  REFUSED(&one, 413, "malformed");
  f.hub->api.state = API_SEALED;
  client_raw(&one, "new-order", bytes_str("{}"));
  REFUSED(&one, 503, "serverInternal");
  f.hub->api.state = API_READY;
}

/* Bodies that are no request at all. */
static void test_malformed_jws(void **state) {
  static const char *const bodies[] = {
    "",
    "x",
    "[]",
    "{}",
    "{\"protected\":1,\"payload\":\"\",\"signature\":\"\"}",
    "{\"protected\":\"e30\",\"payload\":\"\"}",
    "{\"protected\":\"e30\",\"payload\":\"\",\"signature\":\"\",\"header\":{}}",
    "{\"protected\":\"e30\",\"payload\":\"\",\"signature\":\"\",\"signatures\":[]}",
    "{\"protected\":\"e30=\",\"payload\":\"\",\"signature\":\"\"}",
    "{\"protected\":\"W10\",\"payload\":\"\",\"signature\":\"\"}",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    client_raw(&one, "new-order", bytes_str(bodies[i]));
    REFUSED(&one, 400, "malformed");
    assert_string_not_equal(client_header(&one, "Replay-Nonce"), "");
  }
  f.content_type = "application/json";
  client_raw(&one, "new-order", bytes_str("{}"));
  REFUSED(&one, 415, "malformed");
}

static void test_wrong_signatures(void **state) {
  char nonce[ACME_NONCE_MAX], id[128];
  CHECK(acme_nonce(f.hub->acme, nonce));
  one.nonce = nonce;
  assert_int_equal(client_post(&one, one.account, "%s", ""), 200);
  one.nonce = nonce; /* replayed */
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 400, "badNonce");
  assert_string_not_equal(client_header(&one, "Replay-Nonce"), "");
  one.nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 400, "badNonce");
  nonce[0] = nonce[0] == 'B' ? 'C' : 'B'; /* a number that was never given out */
  one.nonce = nonce;
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 400, "badNonce");

  one.url = ACME_BASE "new-order";
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 403, "unauthorized");
  one.url = "https://other:8443/acme/new-order";
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 403, "unauthorized");

  one.sign_with = cert_key;
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 403, "unauthorized");
  memcpy(id, one.account, sizeof id); /* another's account under one's own signature */
  memcpy(one.account, two.account, sizeof one.account);
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 403, "unauthorized");
  snprintf(one.account, sizeof one.account, ACME_BASE "account/none");
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "accountDoesNotExist");
  memcpy(one.account, id, sizeof id);
  client_post(&one, two.account, "%s", ""); /* one's own account at another's address */
  REFUSED(&one, 403, "unauthorized");
}

static void test_wrong_headers(void **state) {
  char account[128];
  one.extra = "\"crit\":[\"exp\"],";
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "malformed");
  one.extra = "\"jwk\":{\"kty\":\"EC\"},"; /* and kid */
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "malformed");
  one.alg = "HS256";
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "badSignatureAlgorithm");
  assert_int_equal(json_array_size(json_object_get(one.a.json, "algorithms")), 4);
  one.alg = "none";
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "badSignatureAlgorithm");
  one.alg = "RS256"; /* of an EC key */
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 403, "unauthorized");
  one.alg = "ES256";
  memcpy(account, one.account, sizeof account);
  one.account[0] = '\0'; /* the key, where the account is asked for */
  client_post(&one, "new-order", "{}");
  REFUSED(&one, 400, "malformed");
  memcpy(one.account, account, sizeof account);
  client_post(&one, "new-account", "{}"); /* and the other way round */
  REFUSED(&one, 400, "malformed");
}

static int register_with(struct acme_client *c, const char *key_id, struct bytes key,
                         const char *alg, const char *url) {
  AUTO_BUF binding = BUF_EMPTY;
  client_binding(c, key_id, key, alg, url, &binding);
  return client_post(c, "new-account", "{\"externalAccountBinding\":%s}", buf_cstr(&binding));
}

static void test_binding(void **state) {
  static const char here[] = ACME_BASE "new-account";
  struct acme_client c, other;
  struct bytes key = secret_bytes(&web.key);
  AUTO_BUF stolen = BUF_EMPTY;
  client_begin(&c, &f, KEY_EC);
  client_begin(&other, &f, KEY_EC);
  client_post(&c, "new-account", "{}");
  REFUSED(&c, 403, "externalAccountRequired");
  register_with(&c, web.kid, bytes_str("01234567890123456789012345678901"), "HS256", here);
  REFUSED(&c, 403, "unauthorized");
  register_with(&c, "3f1c9a52-0b7e-4c8d-9a61-5d2e8f7a6b10", key, "HS256", here);
  REFUSED(&c, 403, "unauthorized");
  register_with(&c, web.kid, key, "HS256", ACME_BASE "new-order");
  REFUSED(&c, 403, "unauthorized");
  register_with(&c, web.kid, key, "HS512", here);
  REFUSED(&c, 400, "malformed");
  client_binding(&c, web.kid, key, "HS256", here, &stolen);
  client_post(&other, "new-account", "{\"externalAccountBinding\":%s}", buf_cstr(&stolen));
  REFUSED(&other, 403, "unauthorized");
  CHECK(identity_set_enabled(f.hub->identity, web.app_id, false));
  register_with(&c, web.kid, key, "HS256", here);
  REFUSED(&c, 403, "unauthorized");
  client_post(&one, one.account, "%s", ""); /* accounts stop, too */
  REFUSED(&one, 403, "unauthorized");
  CHECK(identity_set_enabled(f.hub->identity, web.app_id, true));
  assert_int_equal(client_post(&one, one.account, "%s", ""), 200);
  client_post(&c, "new-account", "{\"onlyReturnExisting\":true}");
  REFUSED(&c, 400, "accountDoesNotExist");
  assert_int_equal(register_with(&c, web.kid, key, "HS256", here), 201);
  client_end(&other);
  client_end(&c);
}

static void test_account(void **state) {
  struct acme_client c;
  client_begin(&c, &f, KEY_EC);
  client_register(&c, web.kid, secret_bytes(&web.key));
  char account[128];
  memcpy(account, c.account, sizeof account);
  c.account[0] = '\0';
  assert_int_equal(client_post(&c, "new-account", "{}"), 200); /* it is there */
  assert_string_equal(client_header(&c, "Location"), account);
  memcpy(c.account, account, sizeof account);
  client_post(&c, c.account, "{\"contact\":[\"tel:5\"]}");
  REFUSED(&c, 400, "unsupportedContact");
  client_post(&c, c.account, "{\"contact\":[\"mailto:a@x,b@x\"]}");
  REFUSED(&c, 400, "invalidContact");
  client_post(&c, c.account, "{\"status\":\"valid\"}");
  REFUSED(&c, 400, "malformed");
  assert_int_equal(client_post(&c, c.account, "{\"contact\":[\"mailto:b@example.com\"]}"), 200);
  json_t *contacts = json_object_get(c.a.json, "contact");
  assert_string_equal(json_string_value(json_array_get(contacts, 0)), "mailto:b@example.com");
  assert_int_equal(client_post(&c, c.account, "{\"status\":\"deactivated\"}"), 200);
  assert_string_equal(answer_str(&c.a, "status"), "deactivated");
  client_post(&c, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  REFUSED(&c, 403, "unauthorized");
  c.account[0] = '\0';
  client_post(&c, "new-account", "{}");
  REFUSED(&c, 403, "unauthorized");
  client_end(&c);
}

static int change_key(struct acme_client *c, const struct key *next, const char *account,
                      const struct key *old, const char *url) {
  AUTO_BUF header = BUF_EMPTY, payload = BUF_EMPTY, inner = BUF_EMPTY;
  const char *alg = key_spec(next)->curve == CURVE_P384 ? "ES384"
                    : key_spec(next)->type == KEY_RSA   ? "RS256"
                                                        : "ES256";
  buf_printf(&header, "{\"alg\":\"%s\",\"url\":\"%s\",\"jwk\":", alg, url);
  client_jwk(next, &header);
  buf_put_char(&header, '}');
  buf_printf(&payload, "{\"account\":\"%s\",\"oldKey\":", account);
  client_jwk(old, &payload);
  buf_put_char(&payload, '}');
  client_jws(next, alg, buf_cstr(&header), buf_cstr(&payload), &inner);
  return client_post(c, "key-change", "%s", buf_cstr(&inner));
}

static void test_key_change(void **state) {
  static const char here[] = ACME_BASE "key-change";
  const struct key_spec spec = { KEY_EC, 384, CURVE_P384, 0 };
  AUTO(key) struct key *next = NULL;
  struct acme_client c;
  char account[128];
  CHECK(key_generate(&spec, &next));
  client_begin(&c, &f, KEY_EC);
  client_register(&c, web.kid, secret_bytes(&web.key));
  change_key(&c, next, two.account, c.key, here);
  REFUSED(&c, 400, "malformed");
  change_key(&c, next, c.account, two.key, here);
  REFUSED(&c, 400, "malformed");
  change_key(&c, next, c.account, c.key, ACME_BASE "new-order");
  REFUSED(&c, 400, "malformed");
  change_key(&c, two.key, c.account, c.key, here);
  REFUSED(&c, 409, "malformed");
  assert_string_equal(client_header(&c, "Location"), two.account);
  assert_int_equal(change_key(&c, next, c.account, c.key, here), 200);
  client_post(&c, c.account, "%s", ""); /* the old key is none any more */
  REFUSED(&c, 403, "unauthorized");
  key_free(c.key);
  c.key = TAKE(next);
  c.alg = "ES384";
  assert_int_equal(client_post(&c, c.account, "%s", ""), 200);
  snprintf(account, sizeof account, "%s", c.account);
  c.account[0] = '\0'; /* it is found by the new key */
  assert_int_equal(client_post(&c, "new-account", "{}"), 200);
  assert_string_equal(client_header(&c, "Location"), account);
  client_end(&c);
}

/* The owner's side. */
static void test_keys(void **state) {
  AUTO_ANSWER a = { 0 };
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/hub/acme/keys", "{\"identity\":\"nobody\"}"),
                   404);
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/hub/acme/keys", "{\"identity\":\"web\"}"), 201);
  char made[GUID_SIZE + 1], path[80];
  snprintf(made, sizeof made, "%s", answer_str(&a, "kid"));
  assert_int_equal(strlen(answer_str(&a, "key")), 43);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/hub/acme/keys", "%s", ""), 200);
  assert_non_null(memmem(a.body.data, a.body.size, made, GUID_SIZE));
  assert_null(memmem(a.body.data, a.body.size, "\"key\"", 5));
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/hub/acme/accounts", "%s", ""), 200);
  snprintf(path, sizeof path, "/hub/acme/keys/%s", made);
  assert_int_equal(fixture_do(&f, &a, HTTP_DELETE, path, "%s", ""), 204);
  assert_int_equal(fixture_do(&f, &a, HTTP_DELETE, path, "%s", ""), 404);
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/hub/acme/keys?api-version=7.4",
               (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 401);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_directory),     cmocka_unit_test(test_malformed_jws),
    cmocka_unit_test(test_not_served),    cmocka_unit_test(test_wrong_signatures),
    cmocka_unit_test(test_wrong_headers), cmocka_unit_test(test_binding),
    cmocka_unit_test(test_account),       cmocka_unit_test(test_key_change),
    cmocka_unit_test(test_keys),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
