#include "../asserts.h"

#include "base/clock.h"
#include "net/gate.h"

#include <pthread.h>

struct fixture {
  struct http_gate *gate;
  struct gate_waiter waiter;
  _Atomic unsigned wakes;
};

static void wake(struct gate_waiter *w) {
  atomic_fetch_add(&LIST_ITEM(w, struct fixture, waiter)->wakes, 1);
}

static void setup(struct fixture *f) {
  *f = (struct fixture){ .waiter.wake = wake };
  assert_ok(http_gate_new(&f->gate));
  gate_join(f->gate, &f->waiter);
}

static void teardown(struct fixture *f) {
  gate_leave(f->gate, &f->waiter);
  http_gate_free(f->gate);
}

static bool passed(struct fixture *f, uint64_t number) {
  bool yes = false;
  assert_ok(gate_check(f->gate, number, &yes));
  return yes;
}

static void test_pass(void **state) {
  struct fixture f;
  (void)state;
  setup(&f);
  assert_true(passed(&f, 0));
  assert_false(passed(&f, 1));
  http_gate_pass(f.gate, 5);
  assert_true(passed(&f, 5));
  assert_false(passed(&f, 6));
  assert_int_equal(f.wakes, 0); /* it held nothing */
  http_gate_pass(f.gate, 3);
  assert_true(passed(&f, 5)); /* never back */
  teardown(&f);
}

static void test_wakes_only_who_may_go(void **state) {
  struct fixture f;
  (void)state;
  setup(&f);
  gate_hold(&f.waiter, 7);
  http_gate_pass(f.gate, 6);
  assert_int_equal(f.wakes, 0);
  http_gate_pass(f.gate, 7);
  assert_int_equal(f.wakes, 1);
  gate_hold(&f.waiter, UINT64_MAX);
  http_gate_pass(f.gate, 100);
  assert_int_equal(f.wakes, 1);
  teardown(&f);
}

static void test_fail(void **state) {
  struct fixture f;
  bool yes = false;
  (void)state;
  setup(&f);
  http_gate_pass(f.gate, 2);
  gate_hold(&f.waiter, 3);
  http_gate_fail(f.gate, ERR_AUDIT, 3, 5);
  assert_int_equal(f.wakes, 1);
  assert_true(passed(&f, 2));
  for (uint64_t i = 3; i <= 5; i++)
    assert_int_equal(gate_check(f.gate, i, &yes), ERR_AUDIT);
  assert_false(passed(&f, 6));
  assert_int_equal(gate_wait(f.gate, 4, 10000), ERR_AUDIT);
  http_gate_pass(f.gate, 8);
  assert_true(passed(&f, 6));
  assert_int_equal(gate_check(f.gate, 4, &yes), ERR_AUDIT); /* for good */
  http_gate_fail(f.gate, ERR_IO, 9, 9);
  assert_int_equal(gate_check(f.gate, 9, &yes), ERR_IO);
  assert_int_equal(gate_check(f.gate, 5, &yes), ERR_AUDIT);
  teardown(&f);
}

/* Numbers that were skipped have not passed; and there is no end of failures. */
static void test_fail_on_the_safe_side(void **state) {
  struct fixture f;
  bool yes = false;
  (void)state;
  setup(&f);
  http_gate_pass(f.gate, 2);
  http_gate_fail(f.gate, ERR_AUDIT, 5, 6);
  assert_true(passed(&f, 2));
  for (uint64_t i = 3; i <= 6; i++)
    assert_int_equal(gate_check(f.gate, i, &yes), ERR_AUDIT);
  for (uint64_t i = 7; i < 1000; i += 2) {
    http_gate_pass(f.gate, i);
    assert_true(passed(&f, i));
    http_gate_fail(f.gate, ERR_AUDIT, i + 1, i + 1);
    assert_int_equal(gate_check(f.gate, i + 1, &yes), ERR_AUDIT);
  }
  teardown(&f);
}

static void *pass_all(void *arg) {
  struct fixture *f = arg;
  for (uint64_t i = 1; i <= 20000; i++)
    http_gate_pass(f->gate, i);
  return NULL;
}

/* Whoever waits in order is never left waiting: a missed wake-up would time out. */
static void test_wait(void **state) {
  struct fixture f;
  pthread_t thread;
  (void)state;
  setup(&f);
  assert_int_equal(gate_wait(f.gate, 1, 20), ERR_TIMEOUT);
  assert_int_equal(pthread_create(&thread, NULL, pass_all, &f), 0);
  for (uint64_t i = 1; i <= 20000; i += 7)
    assert_ok(gate_wait(f.gate, i, 10000));
  pthread_join(thread, NULL);
  teardown(&f);
}

static void await_wake(struct fixture *f, unsigned *seen) {
  for (uint64_t end = clock_mono_us() + 60000000; atomic_load(&f->wakes) == *seen;)
    if (clock_mono_us() > end)
      fail_msg("a wake was missed");
  *seen = atomic_load(&f->wakes);
}

/* The order of gate_hold() and gate_check(): when the number has not passed at the check, a wake
 * comes. */
static void test_no_wake_is_missed(void **state) {
  struct fixture f;
  pthread_t thread;
  (void)state;
  setup(&f);
  assert_int_equal(pthread_create(&thread, NULL, pass_all, &f), 0);
  for (uint64_t i = 1; i <= 20000; i++) {
    unsigned seen = atomic_load(&f.wakes);
    gate_hold(&f.waiter, i);
    while (!passed(&f, i))
      await_wake(&f, &seen);
  }
  gate_hold(&f.waiter, UINT64_MAX);
  pthread_join(thread, NULL);
  teardown(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pass), cmocka_unit_test(test_wakes_only_who_may_go),
    cmocka_unit_test(test_fail), cmocka_unit_test(test_fail_on_the_safe_side),
    cmocka_unit_test(test_wait), cmocka_unit_test(test_no_wake_is_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
