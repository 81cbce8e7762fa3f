#include "../asserts.h"

#include "net/timer.h"

struct alarm {
  struct timer timer;
  unsigned fired;
};

static void fire(struct timer *t) {
  LIST_ITEM(t, struct alarm, timer)->fired++;
}

static void test_due(void **state) {
  struct timer_wheel w;
  (void)state;
  timer_wheel_init(&w);
  /* Deadlines of less and more than a turn of the wheel, from different ticks. */
  for (unsigned ms = 0; ms < 120000; ms = ms * 2 + 37) {
    for (uint64_t start = 1000000; start < 1000300; start += 99) {
      struct alarm a = { 0 };
      timer_init(&a.timer);
      timer_set(&w, &a.timer, start, ms);
      timer_run(&w, start + ms - (ms > 0), fire);
      assert_int_equal(a.fired, 0);
      timer_run(&w, start + ms + TIMER_TICK_MS, fire);
      assert_int_equal(a.fired, 1);
      assert_int_equal(w.count, 0);
    }
  }
}

static void test_moved_and_stopped(void **state) {
  struct timer_wheel w;
  struct alarm a = { 0 }, b = { 0 };
  (void)state;
  timer_wheel_init(&w);
  timer_init(&a.timer);
  timer_init(&b.timer);
  timer_set(&w, &a.timer, 0, 1000);
  timer_set(&w, &b.timer, 0, 50000);
  timer_run(&w, 900, fire);
  timer_set(&w, &a.timer, 900, 5000); /* later */
  timer_run(&w, 5800, fire);
  assert_int_equal(a.fired, 0);
  timer_set(&w, &a.timer, 5800, 200); /* sooner */
  timer_set(&w, &b.timer, 5800, 200);
  timer_stop(&w, &b.timer);
  timer_stop(&w, &b.timer);
  timer_run(&w, 6100, fire);
  assert_int_equal(a.fired, 1);
  timer_run(&w, 100000, fire);
  assert_int_equal(b.fired, 0);
  assert_int_equal(w.count, 0);
}

/* A wheel on which nothing was stands still; what is set then is timed from now. */
static void test_after_a_long_rest(void **state) {
  struct timer_wheel w;
  struct alarm a = { 0 };
  uint64_t year = 365ull * 86400 * 1000;
  (void)state;
  timer_wheel_init(&w);
  timer_init(&a.timer);
  timer_set(&w, &a.timer, year, 500);
  timer_run(&w, year + 400, fire);
  assert_int_equal(a.fired, 0);
  timer_run(&w, year + 700, fire);
  assert_int_equal(a.fired, 1);
}

static struct timer_wheel *again_wheel;

static void fire_again(struct timer *t) {
  fire(t);
  timer_set(again_wheel, t, again_wheel->tick * TIMER_TICK_MS, 300);
}

static void test_set_while_firing(void **state) {
  struct timer_wheel w;
  struct alarm a = { 0 };
  (void)state;
  timer_wheel_init(&w);
  again_wheel = &w;
  timer_init(&a.timer);
  timer_set(&w, &a.timer, 0, 300);
  timer_run(&w, 4000, fire_again);
  assert_in_range(a.fired, 9, 10);
  timer_stop(&w, &a.timer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_due),
    cmocka_unit_test(test_moved_and_stopped),
    cmocka_unit_test(test_after_a_long_rest),
    cmocka_unit_test(test_set_while_firing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
