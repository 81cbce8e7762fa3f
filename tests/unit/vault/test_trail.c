/*
 * What the audit log says of a request, and that nothing is done that it can't say. Linked so that
 * the log's writes come here first.
 */
#include "fixture.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka wants these above first */
#include <cmocka.h>

static struct fixture f;
static _Atomic bool disk_full;

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at) {
  if (!disk_full)
    return __real_pwrite64(fd, p, n, at);
  errno = ENOSPC;
  return -1;
}

static int begin(void **state) {
  fixture_open(&f, NULL);
  return 0;
}

static int end(void **state) {
  fixture_close(&f);
  return 0;
}

#define EXPECT(status, ...) assert_int_equal(fixture_do(&f, &a, __VA_ARGS__), status)

/* The record, from the newest on, of that operation; released with the answer. */
static json_t *last_record(struct answer *a, const char *operation) {
  json_t *list, *found = NULL, *record;
  size_t i;
  assert_int_equal(fixture_do(&f, a, HTTP_GET, "/hub/audit?count=1000", "%s", ""), 200);
  list = json_object_get(a->json, "value");
  json_array_foreach(list, i, record) {
    const char *name = json_string_value(json_object_get(record, "operationName"));
    if (strcmp(name, operation) == 0)
      found = record;
  }
  assert_non_null(found);
  return found;
}

/* Over all gaps: what comes while one is being recorded is in another. */
static json_int_t not_recorded(void) {
  AUTO_ANSWER a = { 0 };
  json_t *record;
  json_int_t sum = 0;
  size_t i;
  assert_int_equal(fixture_do(&f, &a, HTTP_GET, "/hub/audit?count=1000", "%s", ""), 200);
  json_array_foreach(json_object_get(a.json, "value"), i, record) {
    json_t *gap = json_object_get(json_object_get(record, "properties"), "notRecorded");
    sum += json_integer_value(gap);
  }
  return sum;
}

static void wait_until_recorded(void) {
  AUTO_ANSWER a = { 0 };
  while (fixture_do(&f, &a, HTTP_GET, "/keys", "%s", "") != 200)
    usleep(20000);
}

static void nothing_is_done_that_cannot_be_recorded(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/kept/create", "{\"kty\":\"EC\"}");
  disk_full = true;
  EXPECT(503, HTTP_GET, "/keys", "%s", ""); /* the log notices */
  EXPECT(503, HTTP_POST, "/keys/unrecorded/create", "{\"kty\":\"EC\"}");
  EXPECT(503, HTTP_DELETE, "/keys/kept", "%s", "");
  disk_full = false;
  wait_until_recorded();
  EXPECT(404, HTTP_GET, "/keys/unrecorded", "%s", "");
  EXPECT(200, HTTP_GET, "/keys/kept", "%s", "");
  assert_true(not_recorded() >= 3);
}

static unsigned carried_out;

static err_t cannot_record(void *ctx, const char *operation, const struct version *kv, err_t e) {
  assert_int_equal(e, OK);
  carried_out++;
  return ERR_AUDIT;
}

/* What is due waits, too. */
static void the_scheduler_stops_where_it_cannot_record(void **state) {
  static const char *const names[] = { "due-1", "due-2" };
  AUTO_ANSWER a = { 0 };
  char path[64];
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "/keys/%s/create", names[i]);
    EXPECT(200, HTTP_POST, path, "{\"kty\":\"EC\"}");
    snprintf(path, sizeof path, "/keys/%s/rotationpolicy", names[i]);
    EXPECT(200, HTTP_PUT, path,
           "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P7D\"},"
           "\"action\":{\"type\":\"Rotate\"}}]}");
  }
  clock_shift(8 * 86400);
  err_t e = vault_carry_out_due(f.hub->vault, cannot_record, NULL);
  clock_shift(0);
  assert_int_equal(e, ERR_AUDIT);
  assert_int_equal(carried_out, 1);
}

#define ASSIGNMENTS "/providers/Microsoft.Authorization/roleAssignments/"
#define DEFINITIONS "/providers/Microsoft.Authorization/roleDefinitions/"
#define GUID_1 "11111111-2222-4333-8444-555555555555"

/* The object of the newest record of that operation, without the host. */
__attribute__((format(printf, 2, 3))) static void expect_object(const char *operation,
                                                                const char *format, ...) {
  AUTO_ANSWER a = { 0 };
  char wanted[512];
  va_list ap;
  va_start(ap, format);
  vsnprintf(wanted, sizeof wanted, format, ap);
  va_end(ap);
  json_t *properties = json_object_get(last_record(&a, operation), "properties");
  const char *id = json_string_value(json_object_get(properties, "id"));
  assert_non_null(id);
  assert_true(strncmp(id, "https://localhost:8443/", 23) == 0);
  assert_string_equal(id + 23, wanted);
}

static void changes_of_roles_say_what_they_changed(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(201, HTTP_PUT, "/keys/mine" ASSIGNMENTS GUID_1,
         "{\"properties\":{\"roleDefinitionId\":\"crypto-user\",\"principalId\":\"%s\"}}", f.oid);
  expect_object("RoleAssignmentCreate",
                "keys/mine" ASSIGNMENTS GUID_1
                "?roleDefinitionId=12338af0-0e69-4776-bea7-57ae8d297424&principalId=%s",
                f.oid);
  EXPECT(200, HTTP_DELETE, "/keys/mine" ASSIGNMENTS GUID_1, "%s", "");
  expect_object("RoleAssignmentDelete",
                "keys/mine" ASSIGNMENTS GUID_1
                "?roleDefinitionId=12338af0-0e69-4776-bea7-57ae8d297424&principalId=%s",
                f.oid);
  EXPECT(404, HTTP_DELETE, "/keys/mine" ASSIGNMENTS GUID_1, "%s", "");
  expect_object("RoleAssignmentDelete", "keys/mine" ASSIGNMENTS GUID_1);
  EXPECT(201, HTTP_PUT, DEFINITIONS GUID_1, "{\"properties\":{\"roleName\":\"mine\"}}");
  expect_object("RoleDefinitionSet", "%s", &(DEFINITIONS GUID_1)[1]);
}

static void changes_of_identities_say_what_they_changed(void **state) {
  AUTO_ANSWER a = { 0 };
  char oid[GUID_SIZE + 1], credential[GUID_SIZE + 1], path[128];
  EXPECT(201, HTTP_POST, "/hub/identities", "{\"displayName\":\"B\u00fcro 1\"}");
  snprintf(oid, sizeof oid, "%s", answer_str(&a, "objectId"));
  expect_object("IdentityCreate", "hub/identities/%s?displayName=B\u00fcro 1", oid);
  EXPECT(409, HTTP_POST, "/hub/identities", "{\"displayName\":\"B\u00fcro 1\"}");
  expect_object("IdentityCreate", "hub/identities?displayName=B\u00fcro 1");
  EXPECT(200, HTTP_PATCH, "/hub/identities/B%C3%BCro%201", "{\"enabled\":false}");
  expect_object("IdentityUpdate", "hub/identities/%s?enabled=false", oid);
  snprintf(path, sizeof path, "/hub/identities/%s/secrets", oid);
  EXPECT(201, HTTP_POST, path, "{}");
  snprintf(credential, sizeof credential, "%s", answer_str(&a, "secretId"));
  expect_object("IdentityAddSecret", "hub/identities/%s/secrets/%s", oid, credential);
  snprintf(path, sizeof path, "/hub/identities/%s/credentials/%s", oid, credential);
  EXPECT(204, HTTP_DELETE, path, "%s", "");
  expect_object("IdentityRemoveCredential", "%s", path + 1);
  snprintf(path, sizeof path, "/hub/identities/%s", oid);
  EXPECT(204, HTTP_DELETE, path, "%s", "");
  expect_object("IdentityDelete", "%s", path + 1);
  EXPECT(404, HTTP_DELETE, "/hub/identities/nobody", "%s", "");
  expect_object("IdentityDelete", "hub/identities/nobody");
}

static void expect_refusal(const char *operation, int status, const char *code, const char *oid) {
  AUTO_ANSWER a = { 0 };
  json_t *record = last_record(&a, operation);
  json_t *who = json_object_get(record, "identity");
  assert_int_equal(json_integer_value(json_object_get(record, "httpStatusCode")), status);
  assert_string_equal(json_string_value(json_object_get(record, "resultSignature")), code);
  assert_string_equal(json_string_value(json_object_get(who, "oid")), oid);
}

/* What the connection layer refuses, and what the client breaks off. */
static void refused_before_the_handler(void **state) {
  static char large[BODY_SMALL + 1];
  AUTO_ANSWER a = { 0 };
  struct http_app *app = &f.hub->app;
  struct http_exchange x = {
    .req = { .method = HTTP_DELETE,
             .path = bytes_str("/keys/kept"),
             .query = bytes_str("api-version=7.4"),
             .host = bytes_str("localhost"),
             .peer = "127.0.0.1",
             .headers = { { bytes_str("Authorization"), buf_bytes(&f.authorization) } },
             .header_count = 1 }
  };
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, "/keys/kept//sign?api-version=7.4",
               bytes_of(large, sizeof large), &a);
  assert_int_equal(a.status, 413);
  expect_refusal("KeySign", 413, "RequestEntityTooLarge", f.oid);
  assert_int_equal(app->head(app->ctx, &x), HTTP_SLOW);
  app->done(app->ctx, &x);
  assert_int_equal(audit_wait(f.hub->audit, x.res.hold), OK);
  expect_refusal("KeyDelete", 400, "ConnectionClosed", f.oid);
  buf_free(&x.res.headers);
  struct http_exchange malformed = { .req = { .peer = "127.0.0.1" } };
  app->refuse(app->ctx, &malformed, ERR_HTTP);
  assert_true(malformed.res.hold > 0);
  assert_int_equal(audit_wait(f.hub->audit, malformed.res.hold), OK);
  expect_refusal("Unknown", 400, "BadRequest", "");
  buf_free(&malformed.res.headers);
  buf_free(&malformed.res.body);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_done_that_cannot_be_recorded),
    cmocka_unit_test(the_scheduler_stops_where_it_cannot_record),
    cmocka_unit_test(refused_before_the_handler),
    cmocka_unit_test(changes_of_roles_say_what_they_changed),
    cmocka_unit_test(changes_of_identities_say_what_they_changed),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
