#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void test_seldom(void **state) {
  static _Atomic uint64_t last, other;
  unsigned lines = 0;
  (void)state;
  for (unsigned i = 0; i < 100000; i++)
    lines += log_seldom(&last);
  assert_in_range(lines, 1, 2); /* two on a machine that stood still meanwhile */
  assert_true(log_seldom(&other));
  usleep(1010000);
  assert_true(log_seldom(&last));
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_seldom) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
