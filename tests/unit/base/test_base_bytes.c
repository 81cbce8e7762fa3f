#include "base/bytes.h"
#include "fault/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void compares(void **state) {
  struct bytes none = { 0 }, ab = bytes_str("ab");
  assert_true(bytes_equal(none, bytes_str("")));
  assert_false(bytes_equal(none, ab));
  assert_true(bytes_equal_str(ab, "ab"));
  assert_false(bytes_equal_str(ab, "abc"));
  assert_false(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
  assert_true(bytes_equal_nocase(bytes_str("Content-LENGTH"), "content-length"));
  assert_false(bytes_equal_nocase(bytes_str("content_length"), "content-length"));
  assert_true(bytes_equal_nocase(none, ""));
  assert_true(bytes_starts(ab, ""));
  assert_true(bytes_starts(ab, "ab"));
  assert_false(bytes_starts(ab, "abc"));
  assert_true(bytes_starts(none, ""));
  assert_false(bytes_starts(none, "a"));
}

static void splits(void **state) {
  struct bytes head, rest = bytes_split(bytes_str("a,,b,"), ',', &head);
  assert_true(bytes_equal_str(head, "a"));
  rest = bytes_split(rest, ',', &head);
  assert_int_equal(head.size, 0);
  rest = bytes_split(rest, ',', &head);
  assert_true(bytes_equal_str(head, "b"));
  assert_non_null(rest.data); /* after the last separator an empty part follows */
  rest = bytes_split(rest, ',', &head);
  assert_int_equal(head.size, 0);
  assert_null(rest.data);
  rest = bytes_split((struct bytes){ 0 }, ',', &head);
  assert_int_equal(head.size, 0);
  assert_null(rest.data);
}

static void trims(void **state) {
  assert_true(bytes_equal_str(bytes_trim(bytes_str(" \t a b\t ")), "a b"));
  assert_true(bytes_equal_str(bytes_trim(bytes_str("\r\n")), "\r\n"));
  assert_int_equal(bytes_trim(bytes_str(" \t ")).size, 0);
  assert_int_equal(bytes_trim((struct bytes){ 0 }).size, 0);
}

static void copies_to_cstr(void **state) {
  char out[4] = "zzz";
  assert_int_equal(bytes_to_cstr(bytes_str("abcd"), out, sizeof out), ERR_BAD_PARAMETER);
  assert_int_equal(bytes_to_cstr(bytes_of("a\0b", 3), out, sizeof out), ERR_BAD_PARAMETER);
  assert_string_equal(out, "zzz");
  assert_int_equal(bytes_to_cstr(bytes_str("abc"), out, sizeof out), OK);
  assert_string_equal(out, "abc");
  assert_int_equal(bytes_to_cstr((struct bytes){ 0 }, out, sizeof out), OK);
  assert_string_equal(out, "");
  assert_int_equal(bytes_to_cstr((struct bytes){ 0 }, out, 0), ERR_BAD_PARAMETER);
}

static void reads_u64(void **state) {
  uint64_t v = 7;
  static const char *const bad[] = { "",
                                     " 1",
                                     "1 ",
                                     "+1",
                                     "-1",
                                     "1a",
                                     "0x1",
                                     "1.0",
                                     "1_0",
                                     "18446744073709551616",
                                     "99999999999999999999",
                                     "000000000000000000001" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(bytes_to_u64(bytes_str(bad[i]), UINT64_MAX, &v), ERR_BAD_PARAMETER);
  assert_int_equal(bytes_to_u64(bytes_of("1\0", 2), 100, &v), ERR_BAD_PARAMETER);
  assert_int_equal(bytes_to_u64(bytes_str("101"), 100, &v), ERR_BAD_PARAMETER);
  assert_int_equal(v, 7);
  assert_int_equal(bytes_to_u64(bytes_str("100"), 100, &v), OK);
  assert_int_equal(v, 100);
  assert_int_equal(bytes_to_u64(bytes_str("18446744073709551615"), UINT64_MAX, &v), OK);
  assert_true(v == UINT64_MAX);
}

static void buf_grows(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  for (unsigned i = 0; i < 1000; i++) {
    buf_put_u64(&b, i);
    buf_put_char(&b, ';');
  }
  buf_put_str(&b, "end");
  buf_printf(&b, "%s-%d", "x", -5);
  buf_put(&b, NULL, 0);
  buf_put_u64(&b, UINT64_MAX);
  assert_int_equal(buf_ok(&b), OK);
  assert_int_equal(b.size, 10 * 2 + 90 * 3 + 900 * 4 + 3 + 4 + 20);
  assert_memory_equal(b.data, "0;1;2;", 6);
  assert_memory_equal(b.data + b.size - 27, "endx--518446744073709551615", 27);
}

static void buf_clear_wipes(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  buf_put_str(&b, "secret");
  uint8_t *before = b.data;
  buf_clear(&b);
  assert_int_equal(b.size, 0);
  assert_ptr_equal(b.data, before);
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(b.data[i], 0);
}

static void buf_drop_wipes(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  buf_drop(&b, 0);
  buf_put_str(&b, "secretrest");
  buf_drop(&b, 6);
  assert_true(bytes_equal_str(buf_bytes(&b), "rest"));
  for (size_t i = 4; i < 10; i++)
    assert_int_equal(b.data[i], 0);
  buf_drop(&b, 4);
  assert_int_equal(b.size, 0);
}

static void buf_refuses_impossible_sizes(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  buf_put_str(&b, "kept");
  assert_false(buf_reserve(&b, SIZE_MAX));
  assert_int_equal(buf_ok(&b), ERR_NOMEM);
  buf_put_str(&b, "ignored");
  buf_printf(&b, "%d", 1);
  assert_true(bytes_equal_str(buf_bytes(&b), "kept"));
  buf_clear(&b);
  assert_int_equal(buf_ok(&b), OK);
}

static void buf_fails_once_and_stays_failed(void **state) {
  unsigned long n = 1;
  for (;; n++) {
    AUTO_BUF b = BUF_EMPTY;
    oom_start(n, OOM_ONE);
    for (int i = 0; i < 300; i++)
      buf_printf(&b, "%08d", i);
    if (!oom_stop()) {
      assert_int_equal(b.size, 2400);
      break;
    }
    assert_int_equal(buf_ok(&b), ERR_NOMEM);
    size_t size = b.size;
    buf_put_str(&b, "more");
    assert_int_equal(b.size, size);
  }
  assert_true(n > 2);
}

static void realloc_keeps_content(void **state) {
  char *p = mem_alloc(10);
  memcpy(p, "123456789", 10);
  p = mem_realloc(p, 100000);
  assert_string_equal(p, "123456789");
  p = mem_realloc(p, 10);
  assert_string_equal(p, "123456789");
  oom_start(1, OOM_ONE);
  assert_null(mem_realloc(p, 100000));
  oom_stop();
  assert_string_equal(p, "123456789");
  mem_free(p);
}

static void finds_utf8(void **state) {
  static const struct {
    const char *text;
    size_t size, expected;
  } rows[] = {
    { "a", 1, 1 },
    { "\0", 1, 0 },
    { "\x7f", 1, 1 },
    { "\x80", 1, 0 },
    { "\xc1\xbf", 2, 0 }, /* too long a form */
    { "\xc2\x80", 2, 2 },
    { "\xdf\xbfz", 3, 2 },
    { "\xc3", 1, 0 }, /* cut off */
    { "\xc3(", 2, 0 },
    { "\xe0\x9f\xbf", 3, 0 },
    { "\xe0\xa0\x80", 3, 3 },
    { "\xed\x9f\xbf", 3, 3 },
    { "\xed\xa0\x80", 3, 0 }, /* a surrogate */
    { "\xe2\x82", 2, 0 },
    { "\xf0\x8f\xbf\xbf", 4, 0 },
    { "\xf0\x90\x80\x80", 4, 4 },
    { "\xf4\x8f\xbf\xbf", 4, 4 },
    { "\xf4\x90\x80\x80", 4, 0 }, /* beyond U+10FFFF */
    { "\xf5\x80\x80\x80", 4, 0 },
    { "\xff", 1, 0 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(bytes_utf8(bytes_of(rows[i].text, rows[i].size)), rows[i].expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(compares),
    cmocka_unit_test(splits),
    cmocka_unit_test(trims),
    cmocka_unit_test(copies_to_cstr),
    cmocka_unit_test(reads_u64),
    cmocka_unit_test(finds_utf8),
    cmocka_unit_test(buf_grows),
    cmocka_unit_test(buf_clear_wipes),
    cmocka_unit_test(buf_drop_wipes),
    cmocka_unit_test(buf_refuses_impossible_sizes),
    cmocka_unit_test(buf_fails_once_and_stays_failed),
    cmocka_unit_test(realloc_keeps_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
