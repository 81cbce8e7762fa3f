/* What applications do, against the hub itself, over TLS. */
#include "check.h"
#include "fixture.h"
#undef AUTO_ANSWER /* the client's is meant */

#include "client/data_key.h"
#include "client/settings.h"
#include "crypto/alg.h"
#include "crypto/x509.h"

#include <stdio.h>

static struct fixture f;
static struct client *owner;

static int start(void **state) {
  (void)state;
  fixture_open(&f, NULL);
  assert_ok(http_server_start(f.hub->server));
  assert_ok(client_new(f.dir, &owner));
  return 0;
}

static int end(void **state) {
  (void)state;
  client_free(TAKE(owner));
  http_server_stop(f.hub->server, 1000);
  fixture_close(&f);
  return 0;
}

static void call(enum http_method method, const char *path, const char *body) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF p = BUF_EMPTY, b = BUF_EMPTY;
  buf_put_str(&p, path);
  buf_put_str(&b, body);
  err_t e = client_call(owner, method, &p, b.size ? &b : NULL, &answer);
  if (e != OK)
    fail_msg("%s: %s", path, err_text(e));
}

static struct client *app(const char *name, const char *role, const char *scope) {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], guid[GUID_SIZE + 1], secret_id[GUID_SIZE + 1];
  uint8_t random[16];
  AUTO_SECRET secret = { 0 };
  AUTO_SETTINGS s = { 0 };
  struct client *c = NULL;
  assert_ok(identity_create(f.hub->identity, name, app_id));
  assert_ok(identity_find(f.hub->identity, name, app_id, oid));
  assert_ok(crypto_random(random, sizeof random));
  guid_format(random, guid);
  assert_ok(role_assign(f.hub->roles, NULL, guid, role, oid, scope));
  assert_ok(identity_add_secret(f.hub->identity, app_id, 0, secret_id, &secret));
  assert_ok(settings_read(f.dir, &s));
  assert_ok(settings_set(&s, "AZURE_CLIENT_ID", bytes_str(app_id)));
  assert_ok(settings_set(&s, "AZURE_CLIENT_SECRET", secret_bytes(&secret)));
  assert_ok(client_new_with(&s, &c));
  return c;
}

/* --- keys --- */

static void test_wrap(void **state) {
  static const char *const bodies[] = { "{\"kty\":\"oct\",\"key_size\":256}",
                                        "{\"kty\":\"oct\",\"key_size\":192}",
                                        "{\"kty\":\"oct-HSM\",\"key_size\":128}",
                                        "{\"kty\":\"RSA\",\"key_size\":2048}" };
  static const char *const algs[] = { "A256KW", "A192KW", "A128KW", "RSA-OAEP-256" };
  AUTO(client)
  struct client *c = app("wrapper", "Key Vault Crypto Service Encryption User", "/keys");
  for (int i = 0; i < 4; i++) {
    char path[64], name[16];
    struct wrapped old = { 0 }, w = { 0 };
    AUTO_SECRET key = { 0 }, back = { 0 }, older = { 0 };
    snprintf(name, sizeof name, "kek%d", i);
    snprintf(path, sizeof path, "/keys/%s/create", name);
    call(HTTP_POST, path, bodies[i]);
    assert_ok(secret_random(32, &key));
    assert_ok(client_wrap(c, name, secret_bytes(&key), &old));
    assert_string_equal(old.alg, algs[i]);
    snprintf(path, sizeof path, "/keys/%s/rotate", name);
    call(HTTP_POST, path, "");
    assert_ok(client_wrap(c, name, secret_bytes(&key), &w));
    assert_string_not_equal(w.key_id, old.key_id);
    assert_ok(client_unwrap(c, &w, &back));
    assert_true(crypto_equal(secret_bytes(&key), secret_bytes(&back)));
    assert_ok(client_unwrap(c, &old, &older));
    assert_true(crypto_equal(secret_bytes(&key), secret_bytes(&older)));
    secret_free(&older);
    w.data[3] ^= 1;
    assert_err(client_unwrap(c, &w, &older), ERR_BAD_PARAMETER);
  }
  AUTO_BUF none = BUF_EMPTY;
  uint8_t digest[32] = { 0 };
  assert_err(client_sign(c, "kek3", "RS256", bytes_of(digest, 32), &none), ERR_FORBIDDEN);
  struct wrapped w;
  assert_err(client_wrap(c, "nothing", bytes_of(digest, 32), &w), ERR_NOT_FOUND);
}

static void test_sign(void **state) {
  uint8_t digest[32] = { 1, 2, 3 };
  AUTO_BUF signature = BUF_EMPTY;
  bool valid = false;
  call(HTTP_POST, "/keys/signer/create", "{\"kty\":\"EC\",\"crv\":\"P-256\"}");
  assert_ok(client_sign(owner, "signer", "ES256", bytes_of(digest, 32), &signature));
  assert_int_equal(signature.size, 64);
  assert_ok(
    client_verify(owner, "signer", "ES256", bytes_of(digest, 32), buf_bytes(&signature), &valid));
  assert_true(valid);
  digest[0] ^= 1;
  assert_ok(
    client_verify(owner, "signer", "ES256", bytes_of(digest, 32), buf_bytes(&signature), &valid));
  assert_false(valid);
}

/* Disabled in the vault, a key opens nothing that was not opened before. */
static void test_data_keys(void **state) {
  const struct key_service service = client_key_service(owner);
  AUTO(key_cache) struct key_cache *keys = NULL, *other = NULL;
  AUTO(data_key) struct data_key *k = NULL, *opened = NULL, *none = NULL;
  call(HTTP_POST, "/keys/dek/create", "{\"kty\":\"oct\"}");
  assert_ok(key_cache_new(&service, NULL, &keys));
  assert_ok(key_cache_new(&service, NULL, &other));
  assert_ok(key_cache_for_sealing(keys, "dek", &k));
  assert_ok(key_cache_for_opening(keys, &k->wrapped, &opened));
  assert_true(crypto_equal(secret_bytes(&k->key), secret_bytes(&opened->key)));
  call(HTTP_PATCH, "/keys/dek/", "{\"attributes\":{\"enabled\":false}}");
  data_key_release(TAKE(opened));
  assert_ok(key_cache_for_opening(keys, &k->wrapped, &opened));
  assert_err(key_cache_for_opening(other, &k->wrapped, &none), ERR_FORBIDDEN);
}

/* --- secrets --- */

static void test_secret(void **state) {
  AUTO_SECRET now = { 0 }, was = { 0 }, none = { 0 };
  AUTO_ANSWER first = { 0 };
  AUTO_BUF path = client_path("secrets", "s", NULL), body = BUF_EMPTY;
  struct bytes id = { 0 };
  buf_put_str(&body, "{\"value\":\"\\\"one\\\" \\u00e9\\n\\ud83d\\ude00\"}");
  assert_ok(client_call(owner, HTTP_PUT, &path, &body, &first));
  call(HTTP_PUT, "/secrets/s", "{\"value\":\"two\"}");
  assert_ok(json_get_str(first.body, "id", &id, NULL));
  assert_ok(client_get_secret(owner, "s", NULL, &now));
  assert_text(secret_bytes(&now), "two");
  assert_ok(client_get_secret(owner, "s", strrchr((const char *)id.data, '/') + 1, &was));
  assert_text(secret_bytes(&was), "\"one\" \xc3\xa9\n\xf0\x9f\x98\x80");
  assert_err(client_get_secret(owner, "nothing", NULL, &none), ERR_NOT_FOUND);
  assert_string_equal(err_last()->answer, "SecretNotFound");
}

/* --- certificates --- */

static void make_certificate(const char *name, const char *issuer, const char *type,
                             const char *exportable) {
  char path[64], body[512];
  snprintf(path, sizeof path, "/certificates/%s/create", name);
  snprintf(
    body, sizeof body,
    "{\"policy\":{\"issuer\":{\"name\":\"%s\"},\"key_props\":{\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"exportable\":%s},\"secret_props\":{\"contentType\":\"%s\"},\"x509_props\":{"
    "\"subject\":\"CN=%s.example\",\"sans\":{\"dns_names\":[\"%s.example\"]}}}}",
    issuer, exportable, type, name, name);
  call(HTTP_POST, path, body);
}

/* Key and certificate belong together; the private key's text is what servers read. */
static void assert_pair(const struct client_certificate *c) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  assert_ok(x509_from_pem(buf_bytes(&c->cert_pem), &der));
  assert_ok(key_from_pem(secret_bytes(&c->key_pem), &key));
  assert_ok(cert_matches_key(buf_bytes(&der), key));
  assert_true(bytes_starts(secret_bytes(&c->key_pem), "-----BEGIN PRIVATE KEY-----\n"));
  assert_true(c->not_before < c->not_after);
  assert_int_equal(strlen(c->version), 32);
}

static void test_certificate(void **state) {
  static const char *const types[] = { "application/x-pem-file", "application/x-pkcs12" };
  for (int i = 0; i < 2; i++) {
    AUTO_CLIENT_CERTIFICATE first = { 0 }, again = { 0 }, next = { 0 }, old = { 0 };
    make_certificate(i ? "web1" : "web0", "Hub", types[i], "true");
    const char *name = i ? "web1" : "web0";
    assert_ok(client_renew_certificate(owner, name, 30, &first));
    assert_pair(&first);
    assert_true(bytes_starts(buf_bytes(&first.chain_pem), "-----BEGIN CERTIFICATE-----\n"));
    assert_ok(client_get_certificate(owner, name, NULL, &again));
    assert_string_equal(first.version, again.version);
    assert_true(bytes_equal(buf_bytes(&first.cert_pem), buf_bytes(&again.cert_pem)));
    assert_ok(client_renew_certificate(owner, name, 30, &next));
    assert_pair(&next);
    assert_string_not_equal(first.version, next.version);
    assert_ok(client_get_certificate(owner, name, first.version, &old));
    assert_pair(&old);
    assert_string_equal(old.version, first.version);
  }
}

static void test_certificate_without_key(void **state) {
  AUTO(client) struct client *reader = app("reader", "Key Vault Reader", "/");
  static const char *const types[] = { "application/x-pem-file", "application/x-pkcs12" };
  for (int i = 0; i < 2; i++) {
    AUTO_CLIENT_CERTIFICATE c = { 0 }, kept = { 0 };
    const char *name = i ? "locked1" : "locked0";
    make_certificate(name, "Hub", types[i], "false");
    assert_ok(client_renew_certificate(owner, name, 30, &kept));
    assert_int_equal(kept.key_pem.size, 0);
    assert_true(kept.cert_pem.size > 0);
    assert_ok(client_get_certificate(reader, name, NULL, &c));
    assert_int_equal(c.key_pem.size, 0);
    assert_true(bytes_equal(buf_bytes(&c.cert_pem), buf_bytes(&kept.cert_pem)));
  }
  AUTO_CLIENT_CERTIFICATE c = { 0 };
  make_certificate("open", "Self", "application/x-pem-file", "true");
  assert_ok(client_renew_certificate(owner, "open", 30, &c));
  assert_pair(&c);
  assert_int_equal(c.chain_pem.size, 0);
  client_certificate_free(&c);
  assert_ok(client_get_certificate(reader, "open", NULL, &c));
  assert_int_equal(c.key_pem.size, 0);
}

static void test_renewal_that_comes_to_nothing(void **state) {
  AUTO_CLIENT_CERTIFICATE c = { 0 };
  assert_err(client_get_certificate(owner, "nothing", NULL, &c), ERR_NOT_FOUND);
  make_certificate("foreign", "Unknown", "application/x-pem-file", "true");
  assert_err(client_get_certificate(owner, "foreign", NULL, &c), ERR_NOT_FOUND);
  err_t e = client_renew_certificate(owner, "foreign", 0, &c);
  assert_true(e == ERR_TIMEOUT || e == ERR_CONFLICT);
  call(HTTP_DELETE, "/certificates/foreign/pending", "");
  assert_err(client_renew_certificate(owner, "foreign", 0, &c), ERR_TIMEOUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_wrap),
    cmocka_unit_test(test_sign),
    cmocka_unit_test(test_data_keys),
    cmocka_unit_test(test_secret),
    cmocka_unit_test(test_certificate),
    cmocka_unit_test(test_certificate_without_key),
    cmocka_unit_test(test_renewal_that_comes_to_nothing),
  };
  return cmocka_run_group_tests_name("client_hub", tests, start, end);
}
