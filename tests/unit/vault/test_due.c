/* What the scheduler does: what is due, once, and not what no longer is. Linked so that the
 * generation of keys comes here first. */
#include "fixture.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka wants these above first */
#include <cmocka.h>

#define DAY 86400

static struct fixture f;
static unsigned generated, carried_out, failed;
static const char *rotated_meanwhile; /* a client rotates it while the scheduler generates a key */

err_t __real_key_generate(const struct key_spec *spec, struct key **out);
err_t __wrap_key_generate(const struct key_spec *spec, struct key **out);
err_t __wrap_key_generate(const struct key_spec *spec, struct key **out) {
  AUTO(key_version) struct key_version *kv = NULL;
  const char *name = rotated_meanwhile;
  rotated_meanwhile = NULL;
  generated++;
  if (name)
    assert_int_equal(keys_rotate(f.hub->vault, name, &kv), OK);
  return __real_key_generate(spec, out);
}

static int begin(void **state) {
  fixture_open(&f, NULL);
  hub_scheduler_stop(f.hub); /* the tests say when */
  generated = carried_out = failed = 0;
  return 0;
}

static int end(void **state) {
  clock_shift(0);
  fixture_close(&f);
  return 0;
}

#define EXPECT(status, ...) assert_int_equal(fixture_do(&f, &a, __VA_ARGS__), status)

static void create(const char *name) {
  AUTO_ANSWER a = { 0 };
  char path[64];
  snprintf(path, sizeof path, "/keys/%s/create", name);
  EXPECT(200, HTTP_POST, path, "{\"kty\":\"EC\"}");
}

static void rotate_weekly(const char *name) {
  AUTO_ANSWER a = { 0 };
  char path[64];
  snprintf(path, sizeof path, "/keys/%s/rotationpolicy", name);
  EXPECT(200, HTTP_PUT, path,
         "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P7D\"},\"action\":{\"type\":"
         "\"Rotate\"}}]}");
}

/* Tokens expire meanwhile. */
static void later(int64_t seconds) {
  clock_shift(seconds);
  buf_clear(&f.authorization);
  fixture_authorize(&f, f.app_id, &f.authorization);
}

static err_t count(void *ctx, const char *operation, const struct version *kv, err_t e) {
  carried_out += e == OK;
  failed += e != OK;
  return OK;
}

static void carry_out(void) {
  assert_int_equal(vault_carry_out_due(f.hub->vault, count, NULL), OK);
}

/* A key that has all its versions can't be rotated: nothing is generated for it, and it is left
 * alone for an hour. */
static void what_fails_is_not_tried_all_the_time(void **state) {
  AUTO_ANSWER a = { 0 };
  for (int i = 0; i < OBJECT_VERSIONS_MAX; i++)
    create("full");
  rotate_weekly("full");
  create("other");
  rotate_weekly("other");
  later(8 * DAY);
  generated = 0;
  carry_out();
  assert_int_equal(failed, 1);
  assert_int_equal(carried_out, 1);
  assert_int_equal(generated, 1);
  carry_out();
  assert_int_equal(failed, 1);
  later(8 * DAY + 3601);
  carry_out();
  assert_int_equal(failed, 2);
  assert_int_equal(generated, 1);
  EXPECT(400, HTTP_POST, "/keys/full/create", "{\"kty\":\"EC\"}");
  assert_int_equal(generated, 1);
}

/* The records of what the hub does by itself name the key as others do. */
static void records_name_the_key(void **state) {
  AUTO_ANSWER a = { 0 };
  create("mine");
  rotate_weekly("mine");
  later(8 * DAY);
  assert_int_equal(hub_scheduler_start(f.hub), OK);
  char wanted[400];
  snprintf(wanted, sizeof wanted, "\"id\":\"%s/keys/mine/", f.hub->url);
  for (;;) {
    EXPECT(200, HTTP_GET, "/hub/audit?count=1000", "%s", "");
    const char *at = memmem(a.body.data, a.body.size, "KeyRotateIfDue", 14);
    if (at) {
      size_t left = a.body.size - (size_t)(at - (const char *)a.body.data);
      assert_non_null(memmem(at, left, wanted, strlen(wanted)));
      return;
    }
    usleep(10000);
  }
}

static void a_rotation_that_was_done_meanwhile_is_not_repeated(void **state) {
  create("both");
  rotate_weekly("both");
  clock_shift(8 * DAY);
  rotated_meanwhile = "both";
  carry_out();
  assert_null(rotated_meanwhile);
  assert_int_equal(carried_out + failed, 0);
  struct vault_counts n;
  vault_counts(f.hub->vault, KIND_KEY, &n);
  assert_int_equal(n.versions, 2);
}

static void delete (const char *name) {
  struct deleted d;
  assert_int_equal(object_delete(f.hub->vault, KIND_KEY, name, &d), OK);
  version_free(d.latest);
}

/* While the first is reported, a client recovers the second and deletes it anew. */
static err_t renew_second(void *ctx, const char *operation, const struct version *kv, err_t e) {
  AUTO(version) struct version *recovered = NULL;
  if (strcmp(kv->name, "old-1") == 0) {
    assert_int_equal(object_recover(f.hub->vault, KIND_KEY, "old-2", &recovered), OK);
    delete ("old-2");
  }
  return count(ctx, operation, kv, e);
}

static void what_was_recovered_meanwhile_is_not_purged(void **state) {
  struct deleted d;
  create("old-1");
  create("old-2");
  delete ("old-1");
  delete ("old-2");
  clock_shift(91 * DAY);
  assert_int_equal(vault_carry_out_due(f.hub->vault, renew_second, NULL), OK);
  assert_int_equal(carried_out, 1);
  assert_int_equal(failed, 0);
  assert_int_equal(object_get_deleted(f.hub->vault, KIND_KEY, "old-2", &d), OK);
  version_free(d.latest);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
    T(what_fails_is_not_tried_all_the_time),
    T(records_name_the_key),
    T(a_rotation_that_was_done_meanwhile_is_not_repeated),
    T(what_was_recovered_meanwhile_is_not_purged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
