/*
 * Allocations fail while certificates are created, imported, read and changed: the answer is an
 * error or the right one, and what was refused is not there, neither as a certificate nor as a key
 * or a secret.
 */
#include "fault/oom.h"
#include "fixture.h"

#include "base/clock.h"
#include "base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define POLICY \
  "\"policy\":{\"key_props\":{\"kty\":\"EC\"},\"x509_props\":{\"subject\":\"CN=x\",\"sans\":{" \
  "\"dns_names\":[\"a.example\"]}},\"issuer\":{\"name\":\"Self\"}}"

static struct fixture f;
static struct buf import = BUF_EMPTY;

static int begin(void **state) {
  struct cert_profile says = { .subject = "CN=made",
                               .not_before = clock_now() - 600,
                               .not_after = clock_now() + 86400 };
  struct key *key AUTO(key) = NULL;
  AUTO_CERT_CHAIN chain = { .count = 1 };
  AUTO_SECRET form = { 0 };
  fixture_open(&f, NULL);
  assert_int_equal(key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256 }, &key), OK);
  assert_int_equal(cert_self_sign(key, &says, &chain.ders[0]), OK);
  assert_int_equal(cert_export_pem(key, &chain, &form), OK);
  write_open(&import, NULL, '{');
  write_text(&import, "value", secret_bytes(&form));
  write_close(&import, '}');
  return buf_ok(&import) != OK;
}

static int end(void **state) {
  buf_free(&import);
  fixture_close(&f);
  return 0;
}

static bool out_of_memory(int status) {
  return status == 503 || status == 500 || status == 401;
}

static int get(const char *collection, unsigned long n, struct answer *a) {
  char path[64];
  snprintf(path, sizeof path, "/%s/oom-%lu", collection, n);
  return fixture_do(&f, a, HTTP_GET, path, "%s", "");
}

/* Requests for names of their own, with one allocation of each failing, from the first on in
 * growing steps, until none fails. */
static void each(const char *what, struct bytes body, int good, enum oom kind) {
  AUTO_ANSWER a = { 0 };
  char target[128];
  unsigned refused = 0;
  static unsigned long names;
  bool failed = true;
  for (unsigned long n = 1; failed; n += 1 + n / 12) {
    snprintf(target, sizeof target, "/certificates/oom-%lu/%s?api-version=7.4", ++names, what);
    oom_start(n, kind);
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, target, body, &a);
    failed = oom_stop();
    int status = a.status;
    if (status != good && !(failed && out_of_memory(status)))
      fail_msg("%s: %d with allocation %lu failing: %s", what, status, n,
               a.body.size ? buf_cstr(&a.body) : "");
    refused += status != good;
    bool there = get("certificates", names, &a) == 200;
    assert_true(there || status != good);
    if (!there) {
      assert_int_equal(get("keys", names, &a), 404);
      assert_int_equal(get("secrets", names, &a), 404);
      continue;
    }
    /* an operation that was cut off goes on when it is looked at */
    snprintf(target, sizeof target, "/certificates/oom-%lu/pending", names);
    int pending = fixture_do(&f, &a, HTTP_GET, target, "%s", "");
    assert_true(pending == 404 || strcmp(answer_str(&a, "status"), "completed") == 0);
    assert_int_equal(get("keys", names, &a), 200);
    assert_int_equal(get("secrets", names, &a), 200);
  }
  assert_true(refused > 10);
}

static void creations(void **state) {
  each("create", bytes_str("{" POLICY ",\"tags\":{\"a\":\"b\"}}"), 202, OOM_ONE);
  each("create", bytes_str("{" POLICY "}"), 202, OOM_ALL);
}

static void imports(void **state) {
  each("import", buf_bytes(&import), 200, OOM_ONE);
  each("import", buf_bytes(&import), 200, OOM_ALL);
}

/* The n-th allocation fails, for every n; ends when none does or it is done. */
static void exhaust(enum http_method method, const char *path, const char *body) {
  char target[256];
  bool failed = true, done = false;
  snprintf(target, sizeof target, "%s%capi-version=7.4", path, strchr(path, '?') ? '&' : '?');
  for (unsigned long n = 1; failed && !(done && method == HTTP_DELETE); n++) {
    AUTO_ANSWER a = { 0 };
    oom_start(n, OOM_ONE);
    fixture_call(&f, buf_bytes(&f.authorization), method, target, bytes_str(body), &a);
    failed = oom_stop();
    done = a.status == 200;
    if (!done && !(failed && out_of_memory(a.status)) &&
        !(method == HTTP_DELETE && a.status == 404)) /* done, and the answer was lost */
      fail_msg("%s: %d with allocation %lu failing", path, a.status, n);
    done = done || a.status == 404;
  }
}

static void reads_and_changes(void **state) {
  AUTO_ANSWER a = { 0 };
  assert_int_equal(fixture_do(&f, &a, HTTP_POST, "/certificates/all/create", "{" POLICY "}"), 202);
  exhaust(HTTP_GET, "/certificates/all", "");
  exhaust(HTTP_GET, "/certificates/all/policy", "");
  exhaust(HTTP_GET, "/certificates/all/pending", "");
  exhaust(HTTP_GET, "/certificates?includePending=true&maxresults=3", "");
  exhaust(HTTP_PATCH, "/certificates/all/", "{\"tags\":{\"x\":\"y\"}}");
  exhaust(HTTP_PATCH, "/certificates/all/policy", "{\"x509_props\":{\"validity_months\":7}}");
  exhaust(HTTP_DELETE, "/certificates/all/pending", "");
  fixture_reopen(&f);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/certificates/all", "%s", ""), 200);
  assert_string_equal(answer_str(&a, "tags.x"), "y");
  assert_non_null(strstr(buf_cstr(&a.body), "\"validity_months\":7"));
  exhaust(HTTP_DELETE, "/certificates/all", "");
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/deletedcertificates/all", "%s", ""), 200);
}

static void issuers_and_contacts(void **state) {
  AUTO_ANSWER a = { 0 };
  exhaust(HTTP_PUT, "/certificates/issuers/x",
          "{\"provider\":\"Test\",\"credentials\":{\"account_id\":\"me\"},\"org_details\":{"
          "\"admin_details\":[{\"email\":\"a@b\"}]}}");
  exhaust(HTTP_PATCH, "/certificates/issuers/x", "{\"credentials\":{\"account_id\":\"you\"}}");
  exhaust(HTTP_GET, "/certificates/issuers", "");
  exhaust(HTTP_PUT, "/certificates/contacts", "{\"contacts\":[{\"email\":\"a@b\"}]}");
  fixture_reopen(&f);
  exhaust(HTTP_GET, "/certificates/issuers/x", "");
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/certificates/issuers/x", "%s", ""), 200);
  assert_string_equal(answer_str(&a, "credentials.account_id"), "you");
  exhaust(HTTP_GET, "/certificates/contacts", "");
  exhaust(HTTP_DELETE, "/certificates/issuers/x", "");
  exhaust(HTTP_DELETE, "/certificates/contacts", "");
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/certificates/issuers/x", "%s", ""), 404);
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/certificates/contacts", "%s", ""), 404);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(creations),
    cmocka_unit_test(imports),
    cmocka_unit_test(reads_and_changes),
    cmocka_unit_test(issuers_and_contacts),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
