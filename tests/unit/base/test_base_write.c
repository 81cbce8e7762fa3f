#include "base/json.h"
#include "base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void commas_and_nesting(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_open(&b, "empty", '{');
  write_close(&b, '}');
  write_open(&b, "list", '[');
  write_i64(&b, NULL, 1);
  write_str(&b, NULL, "{[:"); /* a bracket that ends a text is no bracket */
  write_i64(&b, NULL, INT64_MIN);
  write_open(&b, NULL, '{');
  write_close(&b, '}');
  write_close(&b, ']');
  write_bool(&b, "yes", true);
  write_bool(&b, "no", false);
  write_null(&b, "null");
  write_b64url(&b, "n", bytes_of("\xfb\xff", 2));
  write_close(&b, '}');
  assert_int_equal(buf_ok(&b), OK);
  assert_true(bytes_equal_str(buf_bytes(&b),
                              "{\"empty\":{},\"list\":[1,\"{[:\",-9223372036854775808,{}],"
                              "\"yes\":true,\"no\":false,\"null\":null,\"n\":\"-_8\"}"));
}

static void escapes(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  write_str(&b, NULL, "a\"b\\c/\n\r\t\x01\x1f\x7f\xc3\xa4");
  assert_true(
    bytes_equal_str(buf_bytes(&b), "\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\\u007f\xc3\xa4\""));
  buf_clear(&b);
  write_text(&b, NULL,
             bytes_of("\xc2\x9b\xc2\xa0\xff\xe2\x82", 7)); /* C1, no-break space, no UTF-8 */
  assert_true(
    bytes_equal_str(buf_bytes(&b), "\"\\u009b\xc2\xa0\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
  buf_clear(&b);
  write_text(&b, NULL, (struct bytes){ 0 });
  assert_true(bytes_equal_str(buf_bytes(&b), "\"\""));
}

/* What is written is what a strict reader reads. */
static void every_character_is_read_back(void **state) {
  char text[128];
  for (int c = 1; c < 128; c++)
    text[c - 1] = (char)c;
  text[127] = '\0';
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_str(&b, "t", text);
  write_i64(&b, "max", INT64_MAX);
  write_i64(&b, "min", INT64_MIN);
  write_close(&b, '}');
  AUTO_JSON *j = NULL;
  assert_int_equal(json_read(buf_bytes(&b), &j), OK);
  struct bytes back = { 0 };
  int64_t max = 0, min = 0;
  assert_int_equal(json_get_str(j, "t", &back, NULL), OK);
  assert_true(bytes_equal_str(back, text));
  assert_int_equal(json_get_i64(j, "max", &max, NULL), OK);
  assert_int_equal(json_get_i64(j, "min", &min, NULL), OK);
  assert_true(max == INT64_MAX && min == INT64_MIN);
}

int main(void) {
  mem_install_json();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(commas_and_nesting),
    cmocka_unit_test(escapes),
    cmocka_unit_test(every_character_is_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
