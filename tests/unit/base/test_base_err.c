#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static err_t fails(int n) {
  FAIL(ERR_IO, "disk %d is full", n);
}

static err_t refuses(void) {
  REFUSE(ERR_CONFLICT, "A key of the name %s exists.", "a");
}

static err_t passes_on(int n, bool *reached) {
  TRY(n ? fails(n) : OK);
  *reached = true;
  return OK;
}

static void every_error_has_a_row(void **state) {
  for (int e = 0; e < ERR_COUNT; e++) {
    const struct err_info *i = err_info((err_t)e);
    assert_non_null(i->name);
    assert_non_null(i->code);
    assert_non_null(i->text);
    assert_true(e == OK ? i->status == 200 : i->status >= 400 && i->status < 600);
    assert_true(e == OK || i->text[0] != '\0');
  }
  assert_string_equal(err_info((err_t)ERR_COUNT)->name, "ERR_INTERNAL");
  assert_string_equal(err_info((err_t)-1)->name, "ERR_INTERNAL");
}

static void try_passes_errors_on(void **state) {
  bool reached = false;
  assert_int_equal(passes_on(3, &reached), ERR_IO);
  assert_false(reached);
  assert_string_equal(err_last()->why, "disk 3 is full");
  assert_non_null(strstr(err_last()->file, "test_base_err.c"));
  assert_int_equal(passes_on(0, &reached), OK);
  assert_true(reached);
}

static void reasons_for_the_log_do_not_reach_clients(void **state) {
  assert_int_equal(fails(1), ERR_IO);
  assert_string_equal(err_text(ERR_IO), err_info(ERR_IO)->text);
  assert_int_equal(refuses(), ERR_CONFLICT);
  assert_string_equal(err_text(ERR_CONFLICT), "A key of the name a exists.");
  assert_string_equal(err_last()->why, "");
  /* What was said of one error is not said of another, nor of a later one. */
  assert_string_equal(err_text(ERR_IO), err_info(ERR_IO)->text);
  assert_int_equal(err_fail(ERR_CONFLICT, "f", 1, "x"), ERR_CONFLICT);
  assert_string_equal(err_text(ERR_CONFLICT), err_info(ERR_CONFLICT)->text);
}

static void long_reasons_are_cut(void **state) {
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  assert_int_equal(err_fail(ERR_IO, "f", 1, "%s", text), ERR_IO);
  assert_int_equal(strlen(err_last()->why), sizeof err_last()->why - 1);
  assert_int_equal(err_refuse(ERR_IO, "f", 1, "%s", text), ERR_IO);
  assert_int_equal(strlen(err_last()->say), sizeof err_last()->say - 1);
}

static void *in_thread(void *arg) {
  *(err_t *)arg = fails(2);
  return NULL;
}

static void threads_keep_their_own(void **state) {
  assert_int_equal(fails(1), ERR_IO);
  pthread_t t;
  err_t there = OK;
  assert_int_equal(pthread_create(&t, NULL, in_thread, &there), 0);
  pthread_join(t, NULL);
  assert_int_equal(there, ERR_IO);
  assert_string_equal(err_last()->why, "disk 1 is full");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_error_has_a_row),
    cmocka_unit_test(try_passes_errors_on),
    cmocka_unit_test(reasons_for_the_log_do_not_reach_clients),
    cmocka_unit_test(long_reasons_are_cut),
    cmocka_unit_test(threads_keep_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
