#include "lib/lib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static err_t fail_with(err_t e) {
  FAIL(e, "a reason with a number, %d", 7);
}

static err_t refuse_with(err_t e, const char *text) {
  REFUSE(e, "%s", text);
}

/* What is not here is a defect, and the library says so. */
static const struct {
  err_t e;
  enum sr_status status;
} table[] = {
  { OK, SR_OK },
  { ERR_USAGE, SR_BAD_ARGUMENT },
  { ERR_BAD_PARAMETER, SR_BAD_ARGUMENT },
  { ERR_TOO_LARGE, SR_BAD_ARGUMENT },
  { ERR_CONFIG, SR_CONFIG },
  { ERR_NOMEM, SR_NO_MEMORY },
  { ERR_AWAY, SR_AWAY },
  { ERR_BUSY, SR_AWAY },
  { ERR_SEALED, SR_AWAY },
  { ERR_UNAUTHORIZED, SR_UNAUTHORIZED },
  { ERR_FORBIDDEN, SR_FORBIDDEN },
  { ERR_NOT_FOUND, SR_NOT_FOUND },
  { ERR_CONFLICT, SR_CONFLICT },
  { ERR_TIMEOUT, SR_TIMEOUT },
  { ERR_NOT_SEALED, SR_NOT_SEALED },
  { ERR_TRUNCATED, SR_TRUNCATED },
  { ERR_DAMAGED, SR_DAMAGED },
  { ERR_WRONG_KEY, SR_WRONG_KEY },
  { ERR_INPUT, SR_INPUT },
  { ERR_OUTPUT, SR_OUTPUT },
  { ERR_INTERRUPTED, SR_STOPPED },
};

static void statuses(void **state) {
  enum sr_status expected[ERR_COUNT];
  for (unsigned e = 0; e < ERR_COUNT; e++)
    expected[e] = SR_INTERNAL;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    expected[table[i].e] = table[i].status;
  for (unsigned e = 0; e < ERR_COUNT; e++) {
    struct sr_error error;
    assert_int_equal(expected[e], told((err_t)e, &error));
    assert_int_equal(expected[e], error.status);
    assert_int_equal(e == OK, error.message[0] == '\0');
    assert_null(strchr(error.message, '\n'));
    assert_int_equal(expected[e], told((err_t)e, NULL));
  }
}

static void messages(void **state) {
  struct sr_error error;
  assert_int_equal(SR_AWAY, told(fail_with(ERR_AWAY), &error));
  assert_string_equal("a reason with a number, 7", error.message);
  /* Words are told once, and with their own error only. */
  assert_int_equal(SR_AWAY, told(ERR_AWAY, &error));
  assert_string_equal("The vault does not answer.", error.message);
  (void)fail_with(ERR_AWAY);
  assert_int_equal(SR_DAMAGED, told(ERR_DAMAGED, &error));
  assert_string_equal("The sealed data was changed.", error.message);
  assert_int_equal(SR_FORBIDDEN,
                   told(refuse_with(ERR_FORBIDDEN, "two\r\nlines\t\x01\r\n"), &error));
  assert_string_equal("two  lines", error.message);
  assert_int_equal(SR_BAD_SIGNATURE, told_bad_signature(&error));
  assert_int_equal(SR_BAD_SIGNATURE, error.status);
  assert_true(error.message[0]);
  assert_int_equal(SR_BAD_SIGNATURE, told_bad_signature(NULL));
}

static void characters(void **state) {
  struct sr_error error;
  (void)told(refuse_with(ERR_FORBIDDEN, "schl\xc3\xbcssel \xe2\x82\xac \xff\xc3 \xc2\x9b end"),
             &error);
  assert_string_equal("schl\xc3\xbcssel \xe2\x82\xac       end", error.message);
}

static void answers_of_the_vault(void **state) {
  struct sr_error error;
  err_t e = refuse_with(ERR_NOT_FOUND, "gone");
  err_note_answer(404, "KeyNotFound", 11);
  (void)told(e, &error);
  assert_int_equal(404, error.http_status);
  assert_string_equal("KeyNotFound", error.code);
  assert_string_equal("gone", error.message);
  /* Not those of an earlier error. */
  (void)told(ERR_NOT_FOUND, &error);
  assert_int_equal(0, error.http_status);
  assert_string_equal("", error.code);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(statuses),
    cmocka_unit_test(messages),
    cmocka_unit_test(characters),
    cmocka_unit_test(answers_of_the_vault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
