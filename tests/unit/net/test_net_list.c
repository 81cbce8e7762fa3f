/* The intrusive list: a node is in one list or in none, wherever it was before. */
#include "../asserts.h"

#include "net/list.h"

static size_t length(const struct list *l) {
  size_t n = 0;
  for (const struct list *i = l->next; i != l; i = i->next, n++)
    assert_ptr_equal(i->next->prev, i);
  return n;
}

static void test_moving(void **state) {
  struct list a, b, n, m;
  (void)state;
  list_init(&a);
  list_init(&b);
  list_init(&n);
  list_init(&m);
  for (int i = 0; i < 3; i++) { /* also when it is the last one, or the only one */
    list_move_last(&n, &a);
    assert_int_equal(length(&a), 1);
  }
  list_move_last(&m, &a);
  list_move_last(&m, &a);
  assert_int_equal(length(&a), 2);
  assert_ptr_equal(a.next, &n);
  list_move_last(&n, &a);
  assert_ptr_equal(a.next, &m);
  list_move_last(&n, &b);
  assert_int_equal(length(&a), 1);
  assert_int_equal(length(&b), 1);
  list_remove(&n);
  list_remove(&n);
  assert_true(list_empty(&b));
}

static void test_taking(void **state) {
  struct list a, b, n;
  (void)state;
  list_init(&a);
  list_init(&n);
  list_take(&a, &b);
  assert_true(list_empty(&b));
  list_move_last(&n, &a);
  list_take(&a, &b);
  assert_true(list_empty(&a));
  assert_int_equal(length(&b), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_moving),
    cmocka_unit_test(test_taking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
