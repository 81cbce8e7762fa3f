#include "base/json.h"
#include "fault/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static err_t read_text(const char *text) {
  AUTO_JSON *j = NULL;
  return json_read(bytes_str(text), &j);
}

static void refuses_malformed(void **state) {
  static const char *const bad[] = {
    "",
    " ",
    "{",
    "}",
    "[]",
    "1",
    "\"a\"",
    "null",
    "{}{}",
    "{} x",
    "{\"a\":1,}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":01}",
    "{\"a\":+1}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":0x1}",
    "{\"a\":NaN}",
    "{\"a\":1e999}",
    "{\"a\":9223372036854775808}",
    "{\"a\":'b'}",
    "{a:1}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\\u0000\":1}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\xc0\xaf\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":\"\n\"}",
    "{\"a\":tru}",
    "{\"a\":1 /* c */}",
    "\xef\xbb\xbf{}",
  };
  for (size_t i = 0; i < COUNT(bad); i++)
    if (read_text(bad[i]) != ERR_BAD_PARAMETER)
      fail_msg("taken: %s", bad[i]);
  AUTO_JSON *j = NULL;
  assert_int_equal(json_read((struct bytes){ 0 }, &j), ERR_BAD_PARAMETER);
  assert_int_equal(json_read(bytes_of("{\"a\":1}\0", 8), &j), ERR_BAD_PARAMETER);
  assert_int_equal(json_read(bytes_of("{\"a\":\"\0\"}", 9), &j), ERR_BAD_PARAMETER);
  assert_null(j);
}

static void names_the_place_of_a_mistake(void **state) {
  assert_int_equal(read_text("{\"a\":\n  x}"), ERR_BAD_PARAMETER);
  assert_string_equal(err_text(ERR_BAD_PARAMETER),
                      "The request body is not valid JSON (line 2, column 3).");
}

static void limits_depth_and_size(void **state) {
  static char deep[200], large[32 * 1024 * 1024 + 2];
  for (int depth = 31; depth <= 33; depth++) { /* arrays below the object */
    int n = snprintf(deep, sizeof deep, "{\"a\":");
    memset(deep + n, '[', (size_t)depth);
    memset(deep + n + depth, ']', (size_t)depth);
    strcpy(deep + n + 2 * depth, "}");
    assert_int_equal(read_text(deep), depth <= 32 ? OK : ERR_BAD_PARAMETER);
  }
  memset(large, ' ', sizeof large);
  memcpy(large, "{}", 2);
  AUTO_JSON *j = NULL;
  assert_int_equal(json_read(bytes_of(large, sizeof large - 2), &j), OK);
  json_t *none = NULL;
  assert_int_equal(json_read(bytes_of(large, sizeof large - 1), &none), ERR_TOO_LARGE);
}

/* {"a":[{},{},..]} in out: what it takes to read is many times its size. */
static void put_objects(struct buf *out, unsigned count, const char *end) {
  buf_clear(out);
  buf_put_str(out, "{\"a\":[{}");
  for (unsigned i = 1; i < count; i++)
    buf_put_str(out, ",{}");
  buf_put_str(out, end);
}

static void limits_values(void **state) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JSON *j = NULL, *answer = NULL;
  put_objects(&text, 1000, "]}");
  assert_int_equal(json_read(buf_bytes(&text), &j), OK);
  json_t *none = NULL;
  put_objects(&text, 1300000, "]}");
  assert_int_equal(json_read(buf_bytes(&text), &none), ERR_BAD_PARAMETER);
  assert_string_equal(err_text(ERR_BAD_PARAMETER), "The request body has too many values.");
  unsigned most = 1000; /* that are taken */
  for (unsigned step = 8192; step > 0; step /= 2) {
    put_objects(&text, most + step, "]}");
    AUTO_JSON *some = NULL;
    if (json_read(buf_bytes(&text), &some) == OK)
      most += step;
  }
  assert_in_range(most, 3000, 10000);
  for (unsigned n = most - 3; n < most + 4; n++) { /* the text's end is looked at, too */
    put_objects(&text, n, "]}x");
    if (json_read(buf_bytes(&text), &none) != ERR_BAD_PARAMETER)
      fail_msg("taken: %u values and more behind the end", n);
  }
  buf_clear(&text);
  buf_put_str(&text, "{\"a\":\"");
  for (unsigned i = 0; i < 4000000; i++)
    buf_put_char(&text, 'A');
  buf_put_str(&text, "\"}");
  json_decref(j);
  j = NULL;
  assert_int_equal(json_read(buf_bytes(&text), &j), OK); /* a large one is one value */
  put_objects(&text, 50000, "]}");
  assert_int_equal(json_read_answer(buf_bytes(&text), &answer), OK);
}

static void getters(void **state) {
  AUTO_JSON *j = NULL;
  const char *text = "{\"s\":\"t\\u00e4\",\"i\":-5,\"r\":1.0,\"b\":true,\"n\":null,"
                     "\"o\":{},\"l\":[],\"k\":\"-_8\",\"bad\":\"-_9\"}";
  assert_int_equal(json_read(bytes_str(text), &j), OK);
  struct bytes s = bytes_str("before");
  int64_t i = 7;
  bool b = false, found = true;
  json_t *o = NULL;
  AUTO_BUF k = BUF_EMPTY;

  assert_int_equal(json_get_str(j, "s", &s, &found), OK);
  assert_true(found && bytes_equal_str(s, "t\xc3\xa4"));
  assert_int_equal(json_get_i64(j, "i", &i, NULL), OK);
  assert_int_equal(i, -5);
  assert_int_equal(json_get_bool(j, "b", &b, NULL), OK);
  assert_true(b);
  assert_int_equal(json_get_object(j, "o", &o), OK);
  assert_non_null(o);
  assert_int_equal(json_get_array(j, "l", &o), OK);
  assert_true(json_is_array(o));
  assert_int_equal(json_get_b64url(j, "k", &k, &found), OK);
  assert_true(found && bytes_equal(buf_bytes(&k), bytes_of("\xfb\xff", 2)));

  /* Absent and null leave the output alone. */
  assert_int_equal(json_get_i64(j, "n", &i, &found), OK);
  assert_true(!found && i == -5);
  found = true;
  assert_int_equal(json_get_str(j, "absent", &s, &found), OK);
  assert_true(!found && bytes_equal_str(s, "t\xc3\xa4"));
  assert_int_equal(json_get_object(j, "absent", &o), OK);
  assert_null(o);

  assert_int_equal(json_get_str(j, "i", &s, NULL), ERR_BAD_PARAMETER);
  assert_string_equal(err_text(ERR_BAD_PARAMETER),
                      "Property i has invalid value: a string expected\r\n");
  assert_int_equal(json_get_i64(j, "r", &i, NULL), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_i64(j, "s", &i, NULL), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_bool(j, "i", &b, NULL), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_object(j, "l", &o), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_array(j, "o", &o), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_b64url(j, "bad", &k, NULL), ERR_BAD_PARAMETER);
  assert_int_equal(json_get_b64url(j, "i", &k, NULL), ERR_BAD_PARAMETER);
  assert_int_equal(k.size, 2);
}

/* The texts have tokens longer than any buffer of the parser begins with, and tokens whose last
 * character is the one that makes a buffer grow. */
static void survives_out_of_memory(void **state, enum oom kind) {
  for (int length = 1; length < 140; length += length < 70 ? 1 : 9) {
    char text[2048], value[160];
    memset(value, 'v', sizeof value);
    snprintf(
      text, sizeof text,
      "{\"%.*s\":\"%.*s\",\"number\":%.*s,\"list\":[true,1.25,\"\\u00e4\xc3\xa4\",{\"a\":null}]}",
      length, value, length, value, length < 18 ? length : 18, "111111111111111111");
    unsigned long n = 1;
    for (;; n++) {
      AUTO_JSON *j = NULL;
      oom_start(n, kind);
      err_t e = json_read(bytes_str(text), &j);
      if (!oom_stop()) {
        assert_int_equal(e, OK);
        break;
      }
      assert_int_equal(e, ERR_NOMEM);
      assert_null(j);
    }
    assert_true(n > 10);
  }
}

static void survives_one_failed_allocation(void **state) {
  survives_out_of_memory(state, OOM_ONE);
}

static void survives_failing_allocations(void **state) {
  survives_out_of_memory(state, OOM_ALL);
}

int main(void) {
  mem_install_json();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_malformed),
    cmocka_unit_test(names_the_place_of_a_mistake),
    cmocka_unit_test(limits_values),
    cmocka_unit_test(limits_depth_and_size),
    cmocka_unit_test(getters),
    cmocka_unit_test(survives_one_failed_allocation),
    cmocka_unit_test(survives_failing_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
