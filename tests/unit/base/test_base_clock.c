#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void formats(void **state) {
  static const struct {
    int64_t us;
    const char *text;
  } cases[] = {
    { 0, "1970-01-01T00:00:00.000000Z" },
    { INT64_C(951782399999999), "2000-02-28T23:59:59.999999Z" },
    { INT64_C(1795507446123456), "2026-11-24T08:04:06.123456Z" },
    { INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z" },
    { INT64_C(253402300800000000), "9999-12-31T23:59:59.999999Z" },
    { INT64_MAX, "9999-12-31T23:59:59.999999Z" },
    { -1, "1970-01-01T00:00:00.000000Z" },
    { INT64_MIN, "1970-01-01T00:00:00.000000Z" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[28];
    clock_format(cases[i].us, out);
    assert_string_equal(out, cases[i].text);
  }
}

static void shift_moves_wall_time_only(void **state) {
  int64_t before = clock_now();
  uint64_t mono = clock_mono_us();
  clock_shift(86400);
  assert_in_range(clock_now() - before, 86400, 86410);
  assert_true(clock_mono_us() - mono < 10000000);
  clock_shift(0);
  assert_in_range(clock_now() - before, 0, 10);
}

static void seconds_and_microseconds_agree(void **state) {
  int64_t s = clock_now(), us = clock_now_us();
  assert_in_range(us / 1000000 - s, 0, 2);
  uint64_t mono = clock_mono_us();
  assert_true(clock_mono_us() >= mono);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(formats),
    cmocka_unit_test(shift_moves_wall_time_only),
    cmocka_unit_test(seconds_and_microseconds_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
