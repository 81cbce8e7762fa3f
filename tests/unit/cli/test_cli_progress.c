/* The texts of progress: amounts, durations, and lines that fit whatever the terminal is. */
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void amounts_have_units(void **state) {
  static const struct {
    uint64_t bytes;
    const char *text;
  } cases[] = {
    { 0, "0 B" },
    { 1023, "1023 B" },
    { 1024, "1.0 KiB" },
    { 1536, "1.5 KiB" },
    { (1u << 20) - 1, "1.0 MiB" },
    { UINT64_C(5) << 30, "5.0 GiB" },
    { UINT64_MAX, "16.0 EiB" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[24];
    amount_format(cases[i].bytes, text, sizeof text);
    assert_string_equal(text, cases[i].text);
  }
}

static void durations_have_hours_when_needed(void **state) {
  static const struct {
    uint64_t seconds;
    const char *text;
  } cases[] = { { 0, "0:00" }, { 65, "1:05" }, { 3599, "59:59" }, { 3661, "1:01:01" } };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[24];
    duration_format(cases[i].seconds, text, sizeof text);
    assert_string_equal(text, cases[i].text);
  }
}

static const char *line(const struct progress_line *l, unsigned columns, struct buf *out) {
  buf_clear(out);
  progress_format(l, columns, out);
  const char *text = buf_cstr(out);
  assert_non_null(text);
  return text;
}

static void a_line_tells_how_far_it_is(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  struct progress_line l = {
    .name = "disk.img", .done = 1 << 20, .total = 4 << 20, .elapsed_us = 1000000
  };
  assert_string_equal(line(&l, 79, &b), "disk.img  25% [#####                ]"
                                        "  1.0 MiB of 4.0 MiB  1.0 MiB/s  0:03 left");
  l.total = 0;
  assert_string_equal(line(&l, 79, &b), "disk.img  1.0 MiB  1.0 MiB/s");
}

static void what_was_there_before_is_no_speed(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  struct progress_line l = {
    .name = "x", .done = 3 << 20, .first = 2 << 20, .total = 4 << 20, .elapsed_us = 1000000
  };
  assert_non_null(strstr(line(&l, 79, &b), "1.0 MiB/s  0:01 left"));
}

static void a_total_that_was_wrong_is_no_more_than_all(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  struct progress_line l = {
    .name = "x", .done = 5 << 20, .total = 4 << 20, .elapsed_us = 1000000
  };
  assert_non_null(strstr(line(&l, 79, &b), "100%"));
}

static void lines_fit(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  struct progress_line l = { .name = "a/very/long/name/of/a/file/somewhere/below/the/root/of/all",
                             .done = UINT64_C(999) << 30,
                             .total = UINT64_C(1000) << 30,
                             .elapsed_us = 1000000 };
  for (unsigned columns = 0; columns < 200; columns++)
    assert_true(strlen(line(&l, columns, &b)) <= columns);
  assert_non_null(strstr(line(&l, 79, &b), "of/all"));
}

static void names_cannot_steer_a_terminal(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  struct progress_line l = { .name = "\x1b[2J\xc2\x9b!\x7f\n\xc3\xa9", .elapsed_us = 1 };
  const char *text = line(&l, 79, &b);
  assert_int_equal(strncmp(text, "?[2J?!??\xc3\xa9  ", 12), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(amounts_have_units),
    cmocka_unit_test(durations_have_hours_when_needed),
    cmocka_unit_test(a_line_tells_how_far_it_is),
    cmocka_unit_test(what_was_there_before_is_no_speed),
    cmocka_unit_test(a_total_that_was_wrong_is_no_more_than_all),
    cmocka_unit_test(lines_fit),
    cmocka_unit_test(names_cannot_steer_a_terminal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
