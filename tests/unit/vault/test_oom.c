/*
 * The n-th allocation fails, for every n, while a key is created, read, used, changed, deleted and
 * restored: the answer is an error or the right one, nothing leaks (the sanitizer build sees to
 * that), and what was acknowledged is there afterwards.
 */
#include "fault/oom.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct fixture f;

static int begin(void **state) {
  fixture_open(&f, NULL);
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

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(create_get_unwrap),
    cmocka_unit_test(rsa_and_ec),
    cmocka_unit_test(change_delete_recover),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
