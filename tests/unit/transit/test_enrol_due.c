/* When a certificate is renewed, and how loudly it is told that it could not be. */
#include "../asserts.h"

#include "transit/enrol_internal.h"

#define DAY INT64_C(86400)

static void renewals(void **state) {
  const int64_t begin = 1800000000, end = begin + 90 * DAY;
  assert_int_equal(due_renewal(begin, end, 0), begin + 60 * DAY);
  assert_int_equal(due_renewal(begin, end, UINT16_MAX), begin + 51 * DAY);
  for (unsigned r = 0; r < UINT16_MAX; r += 100) {
    int64_t at = due_renewal(begin, end, (uint16_t)r);
    assert_true(at >= begin + 51 * DAY && at <= begin + 60 * DAY);
    assert_true(due_renewal(begin, begin + 60, (uint16_t)r) >= begin + 34);
  }
}

static void retries(void **state) {
  static const unsigned seconds[] = { 5, 10, 20, 40, 80, 160, 320, 600, 600 };
  for (unsigned i = 0; i < sizeof seconds / sizeof *seconds; i++) {
    assert_int_equal(due_retry_us(i + 1, 0), seconds[i] * 900000ull);
    assert_int_equal(due_retry_us(i + 1, UINT16_MAX), seconds[i] * 1100000ull);
  }
  assert_int_equal(due_retry_us(UINT64_MAX, 0), 540000000);
}

static void stages(void **state) {
  const int64_t begin = 0, end = 1200;
  assert_int_equal(due_stage(begin, end, 0), DUE_FAILED);
  assert_int_equal(due_stage(begin, end, 999), DUE_FAILED);
  assert_int_equal(due_stage(begin, end, 1000), DUE_NEAR);
  assert_int_equal(due_stage(begin, end, 1139), DUE_NEAR);
  assert_int_equal(due_stage(begin, end, 1140), DUE_LAST);
  assert_int_equal(due_stage(begin, end, 1199), DUE_LAST);
  assert_int_equal(due_stage(begin, end, 1200), DUE_OVER);
  assert_int_equal(due_stage(begin, end, INT64_C(1) << 40), DUE_OVER);
}

/* Each stage once, and none that is less. */
static void told_once(void **state) {
  enum due_stage told = DUE_FINE;
  due_tell(&told, DUE_FAILED, "a thing", 1800000000, "why");
  assert_int_equal(told, DUE_FAILED);
  due_tell(&told, DUE_LAST, "a thing", 1800000000, "why");
  assert_int_equal(told, DUE_LAST);
  due_tell(&told, DUE_NEAR, "a thing", 1800000000, "why");
  assert_int_equal(told, DUE_LAST);
  due_tell(&told, DUE_REVOKED, "a thing", 1800000000, "why");
  assert_int_equal(told, DUE_REVOKED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(renewals),
    cmocka_unit_test(retries),
    cmocka_unit_test(stages),
    cmocka_unit_test(told_once),
  };
  return cmocka_run_group_tests_name("enrol_due", tests, NULL, NULL);
}
