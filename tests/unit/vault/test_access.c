/* Who may do what, through the application's own functions. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#define CUSTOM "11111111-2222-4333-8444-555555555555"
#define DEFINITIONS "/providers/Microsoft.Authorization/roleDefinitions/"

static struct fixture f;

static int begin(void **state) {
  fixture_open(&f, NULL);
  return 0;
}

static int end(void **state) {
  fixture_close(&f);
  return 0;
}

/* A new identity with a role, and its bearer header. */
static void client(const char *name, const char *role, const char *scope, struct buf *bearer) {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], guid[GUID_SIZE + 1];
  uint8_t random[16];
  assert_int_equal(identity_create(f.hub->identity, name, app_id), OK);
  assert_int_equal(identity_find(f.hub->identity, name, app_id, oid), OK);
  assert_int_equal(crypto_random(random, sizeof random), OK);
  guid_format(random, guid);
  assert_int_equal(role_assign(f.hub->roles, NULL, guid, role, oid, scope), OK);
  fixture_authorize(&f, app_id, bearer);
}

static int as(const struct buf *bearer, enum http_method method, const char *path,
              const char *body) {
  AUTO_ANSWER a = { 0 };
  char target[512];
  snprintf(target, sizeof target, "%s?api-version=7.4", path);
  fixture_call(&f, buf_bytes(bearer), method, target, bytes_str(body), &a);
  return a.status;
}

/* A definition grants wherever it is assigned: it is not one of the things below a scope. */
static void definitions_change_at_the_root_only(void **state) {
  static const char little[] = "{\"properties\":{\"roleName\":\"little\",\"permissions\":[]}}";
  static const char all[] =
    "{\"properties\":{\"roleName\":\"little\",\"permissions\":[{\"actions\":"
    "[\"*\"],\"dataActions\":[\"*\"]}]}}";
  AUTO_BUF team = BUF_EMPTY, admin = BUF_EMPTY;
  client("team", "User Access Administrator", "/keys/mine", &team);
  client("admin", "User Access Administrator", "/", &admin);
  assert_int_equal(as(&admin, HTTP_PUT, DEFINITIONS CUSTOM, little), 201);
  assert_int_equal(as(&team, HTTP_PUT, DEFINITIONS CUSTOM, all), 403);
  assert_int_equal(as(&team, HTTP_PUT, "/keys/mine" DEFINITIONS CUSTOM, all), 400);
  assert_int_equal(as(&team, HTTP_PUT, "/%2F" DEFINITIONS CUSTOM, all), 403);
  assert_int_equal(as(&team, HTTP_DELETE, "/keys/mine" DEFINITIONS CUSTOM, ""), 400);
  assert_int_equal(as(&team, HTTP_GET, "/keys/mine" DEFINITIONS CUSTOM, ""), 200);
  assert_int_equal(as(&admin, HTTP_DELETE, DEFINITIONS CUSTOM, ""), 200);
}

/* The head is admitted, then the identity loses what it had, then the body comes. */
static void expect_late_refusal(const struct buf *bearer, err_t (*meanwhile)(const char *app_id),
                                const char *app_id) {
  struct http_app *app = &f.hub->app;
  struct http_exchange x = { .req = {
                               .method = HTTP_POST,
                               .path = bytes_str("/keys/late/create"),
                               .query = bytes_str("api-version=7.4"),
                               .host = bytes_str("localhost"),
                               .peer = "127.0.0.1",
                               .headers = { { bytes_str("Authorization"), buf_bytes(bearer) } },
                               .header_count = 1 } };
  assert_int_equal(app->head(app->ctx, &x), HTTP_SLOW);
  assert_int_equal(meanwhile(app_id), OK);
  x.req.body = bytes_str("{\"kty\":\"EC\"}");
  app->handle(app->ctx, &x);
  assert_int_equal(x.res.status, 403);
  app->done(app->ctx, &x);
  buf_free(&x.res.headers);
  buf_free(&x.res.body);
  assert_int_equal(as(&f.authorization, HTTP_GET, "/keys/late", ""), 404);
}

static err_t disable(const char *app_id) {
  return identity_set_enabled(f.hub->identity, app_id, false);
}

static err_t delete (const char *app_id) {
  return identity_delete(f.hub->identity, app_id);
}

static void what_was_lost_while_the_body_came(void **state) {
  AUTO_BUF bearer = BUF_EMPTY;
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  client("late", "Key Vault Crypto Officer", "/", &bearer);
  assert_int_equal(identity_find(f.hub->identity, "late", app_id, oid), OK);
  expect_late_refusal(&bearer, disable, app_id);
  assert_int_equal(identity_set_enabled(f.hub->identity, app_id, true), OK);
  assert_int_equal(as(&bearer, HTTP_GET, "/keys", ""), 200);
  expect_late_refusal(&bearer, delete, app_id);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(definitions_change_at_the_root_only),
    cmocka_unit_test(what_was_lost_while_the_body_came),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
