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
  json_t *gap = json_object_get(last_record(&a, "AuditGap"), "properties");
  assert_true(json_integer_value(json_object_get(gap, "notRecorded")) >= 3);
}

static unsigned carried_out;

static err_t cannot_record(void *ctx, const char *operation, const struct key_version *kv,
                           err_t e) {
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
  err_t e = keys_carry_out_due(f.hub->vault, cannot_record, NULL);
  clock_shift(0);
  assert_int_equal(e, ERR_AUDIT);
  assert_int_equal(carried_out, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_done_that_cannot_be_recorded),
    cmocka_unit_test(the_scheduler_stops_where_it_cannot_record),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
