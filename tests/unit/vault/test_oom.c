/*
 * The n-th allocation fails, for every n, while a key or a secret is created, read, used, changed,
 * deleted and restored: the answer is an error or the right one, nothing leaks (the sanitizer build
 * sees to that), and what was acknowledged is there afterwards.
 */
#include "fault/oom.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct fixture f;

static int begin(void **state) {
  fixture_open(&f, (const char *const[]){ "domain = vault.test.example", NULL });
  return 0;
}

static int end(void **state) {
  fixture_close(&f);
  return 0;
}

static bool out_of_memory(int status) {
  return status == 503 || status == 500;
}

/* Runs one request with the n-th allocation failing, n from 1 on, until none fails. Returns how
 * many did. */
static unsigned long exhaust(enum http_method method, const char *path, const char *body,
                             int good) {
  char target[256];
  snprintf(target, sizeof target, "%s?api-version=7.4", path);
  for (unsigned long n = 1;; n++) {
    AUTO_ANSWER a = { 0 };
    oom_start(n, OOM_ONE);
    fixture_call(&f, buf_bytes(&f.authorization), method, target, bytes_str(body), &a);
    bool failed = oom_stop();
    if (!failed) {
      assert_int_equal(a.status, good);
      return n - 1;
    }
    if (a.status != good && !out_of_memory(a.status))
      print_error("%s: %d with allocation %lu failing: %.*s\n", path, a.status, n, (int)a.body.size,
                  (const char *)a.body.data);
    assert_true(a.status == good || out_of_memory(a.status) || a.status == 401);
    if (a.status == good && method != HTTP_GET && method != HTTP_POST)
      return n; /* done: again would be another request */
  }
}

static void create_get_unwrap(void **state) {
  AUTO_ANSWER a = { 0 };
  char body[512];
  assert_true(
    exhaust(HTTP_POST, "/keys/oom/create", "{\"kty\":\"oct\",\"tags\":{\"a\":\"b\"}}", 200) > 10);
  assert_true(exhaust(HTTP_GET, "/keys/oom", "", 200) > 2);
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/keys/oom//wrapkey",
                              "{\"alg\":\"A256KW\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}"),
                   200);
  snprintf(body, sizeof body, "{\"alg\":\"A256KW\",\"value\":\"%s\"}", answer_str(&a, "value"));
  assert_true(exhaust(HTTP_POST, "/keys/oom//unwrapkey", body, 200) > 2);
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/keys/oom//unwrapkey", "%s", body), 200);
  assert_string_equal(answer_str(&a, "value"), "AAECAwQFBgcICQoLDA0ODw");
}

static void rsa_and_ec(void **state) {
  AUTO_ANSWER a = { 0 };
  static const char digest[] =
    "{\"alg\":\"%s\",\"value\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}";
  char body[256];
  assert_true(exhaust(HTTP_POST, "/keys/oom-ec/create", "{\"kty\":\"EC\"}", 200) > 10);
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/keys/oom-rsa/create", "{\"kty\":\"RSA\"}"), 200);
  snprintf(body, sizeof body, digest, "ES256");
  assert_true(exhaust(HTTP_POST, "/keys/oom-ec//sign", body, 200) > 2);
  snprintf(body, sizeof body, digest, "RS256");
  assert_true(exhaust(HTTP_POST, "/keys/oom-rsa//sign", body, 200) > 2);
}

static void change_delete_recover(void **state) {
  AUTO_ANSWER a = { 0 };
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/keys/oom-life/create", "{\"kty\":\"EC\"}"), 200);
  exhaust(HTTP_PATCH, "/keys/oom-life/",
          "{\"tags\":{\"x\":\"y\"},\"attributes\":{\"enabled\":true}}", 200);
  exhaust(HTTP_POST, "/keys/oom-life/backup", "", 200);
  exhaust(HTTP_DELETE, "/keys/oom-life", "", 200);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/deletedkeys/oom-life", "%s", ""), 200);
  fixture_reopen(&f);
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/deletedkeys/oom-life/recover", "%s", ""), 200);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/keys/oom", "%s", ""), 200);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/keys/oom-life", "%s", ""), 200);
  assert_string_equal(answer_str(&a, "tags.x"), "y");
}

/* What a body says that is cut short by a lack of memory is never taken for what was meant. */
static void set_get_update_secrets(void **state) {
  AUTO_ANSWER a = { 0 };
  static const char set[] =
    "{\"value\":\"a value of some length that is taken whole or not at all\\u0001\","
    "\"contentType\":\"text/plain\",\"tags\":{\"a\":\"b\"},\"attributes\":{\"exp\":4000000000}}";
  static const char value[] = "a value of some length that is taken whole or not at all\x01";
  for (int i = 0; i < 2; i++) { /* a new name, a new version */
    exhaust(HTTP_PUT, "/secrets/oom", set, 200);
    assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/secrets/oom", "%s", ""), 200);
    assert_string_equal(answer_str(&a, "value"), value);
  }
  assert_true(exhaust(HTTP_GET, "/secrets/oom", "", 200) > 5);
  assert_true(exhaust(HTTP_GET, "/secrets", "", 200) > 2);
  exhaust(HTTP_PATCH, "/secrets/oom/", "{\"contentType\":\"x\",\"tags\":{\"x\":\"y\"}}", 200);
  exhaust(HTTP_POST, "/secrets/oom/backup", "", 200);
  fixture_reopen(&f);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/secrets/oom", "%s", ""), 200);
  assert_string_equal(answer_str(&a, "value"), value);
  assert_string_equal(answer_str(&a, "contentType"), "x");
  assert_string_equal(answer_str(&a, "tags.x"), "y");
}

/* A version that was refused for lack of memory is not there. */
static void refused_secrets_are_not_there(void **state) {
  AUTO_ANSWER a = { 0 };
  unsigned refused = 0, set = 0;
  for (unsigned long n = 1; n < 1000; n++) {
    char path[64], target[128];
    snprintf(path, sizeof path, "/secrets/oom-%lu", n);
    snprintf(target, sizeof target, "%s?api-version=7.4", path);
    oom_start(n, OOM_ALL);
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_PUT, target,
                 bytes_str("{\"value\":\"v\",\"contentType\":\"t\"}"), &a);
    bool failed = oom_stop();
    int status = a.status;
    int found = fixture_do(&f, &a, HTTP_GET, path, "%s", "");
    assert_true(status != 200 || found == 200);
    assert_true(found == 200 || found == 404);
    if (found == 200)
      assert_string_equal(answer_str(&a, "value"), "v");
    refused += status != 200;
    set += status == 200;
    if (!failed)
      break;
  }
  assert_true(refused > 10 && set > 0);
}

/* Each allocation of a change of the vaults fails once; what was refused did not happen, unless the
 * answer alone could not be written. */
static void exhaust_vault(enum http_method method, const char *path, int good, int again) {
  char target[128];
  snprintf(target, sizeof target, "%s?api-version=7.4", path);
  for (unsigned long n = 1;; n++) {
    AUTO_ANSWER a = { 0 };
    oom_start(n, OOM_ONE);
    fixture_call(&f, buf_bytes(&f.authorization), method, target, bytes_str(""), &a);
    bool failed = oom_stop();
    if (a.status == good || a.status == again)
      return;
    assert_true(failed && (out_of_memory(a.status) || a.status == 401));
  }
}

static void vaults(void **state) {
  AUTO_ANSWER a = { 0 };
  for (int round = 0; round < 2; round++) {
    exhaust_vault(HTTP_PUT, "/hub/vaults/oom", 201, 409);
    assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/hub/vaults/oom", "%s", ""), 200);
    f.host = "oom.vault.test.example";
    exhaust(HTTP_PUT, "/secrets/s", "{\"value\":\"v\"}", 200);
    f.host = NULL;
    fixture_reopen(&f);
    f.host = "oom.vault.test.example";
    assert_true(exhaust(HTTP_GET, "/secrets/s", "", 200) > 5);
    f.host = NULL;
    exhaust_vault(HTTP_DELETE, "/hub/vaults/oom", 200, 404);
    exhaust_vault(HTTP_POST, "/hub/deletedvaults/oom/recover", 200, 400);
    exhaust_vault(HTTP_DELETE, "/hub/vaults/oom", 200, 404);
    exhaust_vault(HTTP_DELETE, "/hub/deletedvaults/oom", 204, 404);
    fixture_reopen(&f);
    assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/hub/deletedvaults/oom", "%s", ""), 404);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(create_get_unwrap),
    cmocka_unit_test(rsa_and_ec),
    cmocka_unit_test(change_delete_recover),
    cmocka_unit_test(set_get_update_secrets),
    cmocka_unit_test(refused_secrets_are_not_there),
    cmocka_unit_test(vaults),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
