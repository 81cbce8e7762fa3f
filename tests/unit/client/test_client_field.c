/* One member out of a JSON text, and all that is no JSON. */
#include "check.h"

#include "base/json.h"
#include "client/field.h"

#include <stdio.h>

/* The text is given at the end of a block of its size: one byte further is not ours. */
struct text {
  uint8_t *data;
  size_t size;
};

static struct bytes exact(struct text *t, const char *json, size_t size) {
  mem_free(t->data);
  t->data = mem_alloc(size);
  assert_non_null(t->data);
  memcpy(t->data, json, size);
  return bytes_of(t->data, size);
}

static void text_free(struct text *t) {
  mem_free(t->data);
}
#define AUTO_TEXT __attribute__((cleanup(text_free))) struct text

static void test_secret(void **state) {
  static const struct {
    const char *json, *value;
  } cases[] = {
    { "{\"value\":\"x\"}", "x" },
    { " \t\r\n{ \"value\" :\n\"x\" } \n", "x" },
    { "{\"value\":\"\"}", "" },
    { "{\"a\":{\"value\":\"no\"},\"b\":[{\"value\":1}],\"value\":\"yes\",\"c\":null}", "yes" },
    { "{\"a\":\"\\\"value\\\":\",\"value\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t" },
    { "{\"v\\u0061lue\":\"\\u00e9\\u20AC\\ud83d\\ude00\"}",
      "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "{\"value\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}",
      "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "{\"value\":\"a\\u0001\\u007f\",\"t\":true,\"f\":false,\"n\":-0.5e+3,\"m\":1E9}",
      "a\x01\x7f" },
    { "{\"Value\":\"no\",\"values\":\"no\",\"valu\":\"no\",\"value\":\"yes\"}", "yes" },
    { "{\"x\":1,\"x\":2,\"value\":\"others may be twice\"}", "others may be twice" },
  };
  AUTO_TEXT text = { 0 };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_SECRET s = { 0 };
    assert_ok(field_secret(exact(&text, cases[i].json, strlen(cases[i].json)), "value", &s));
    assert_text(secret_bytes(&s), cases[i].value);
  }
}

/* All of the text is read, whatever is asked for. */
static const char *const malformed[] = {
  "",
  " ",
  "null",
  "[]",
  "[{\"value\":\"x\"}]",
  "\"value\"",
  "{",
  "{\"value\"",
  "{\"value\":",
  "{\"value\":\"x",
  "{\"value\":\"x\"",
  "{\"value\":\"x\"}}",
  "{\"value\":\"x\"}x",
  "{\"value\":\"x\"}{}",
  "{\"value\":\"x\",}",
  "{,\"value\":\"x\"}",
  "{\"value\" \"x\"}",
  "{\"value\":\"x\" \"a\":1}",
  "{value:\"x\"}",
  "{'value':\"x\"}",
  "{1:2,\"value\":\"x\"}",
  "{\"value\":\"x\",\"value\":\"x\"}",
  "{\"value\":\"x\",\"v\\u0061lue\":\"x\"}",
  "{\"value\":x}",
  "{\"value\":\"x\",\"a\":}",
  "{\"value\":\"x\",\"a\":tru}",
  "{\"value\":\"x\",\"a\":True}",
  "{\"value\":\"x\",\"a\":nulll}",
  "{\"value\":\"x\",\"a\":01}",
  "{\"value\":\"x\",\"a\":+1}",
  "{\"value\":\"x\",\"a\":-}",
  "{\"value\":\"x\",\"a\":.5}",
  "{\"value\":\"x\",\"a\":1.}",
  "{\"value\":\"x\",\"a\":1e}",
  "{\"value\":\"x\",\"a\":1e+}",
  "{\"value\":\"x\",\"a\":1e+-2}",
  "{\"value\":\"x\",\"a\":0x1}",
  "{\"value\":\"x\",\"a\":NaN}",
  "{\"value\":\"x\",\"a\":[}",
  "{\"value\":\"x\",\"a\":[1,]}",
  "{\"value\":\"x\",\"a\":[1 2]}",
  "{\"value\":\"x\",\"a\":[1}}",
  "{\"value\":\"x\",\"a\":{]}",
  "{\"value\":\"x\",\"a\":\"\n\"}",
  "{\"value\":\"x\",\"a\":\"\x1f\"}",
  "{\"value\":\"x\",\"a\":\"\\x\"}",
  "{\"value\":\"x\",\"a\":\"\\",
  "{\"value\":\"x\",\"a\":\"\\\"}",
  "{\"value\":\"x\",\"a\":\"\\u\"}",
  "{\"value\":\"x\",\"a\":\"\\u12\"}",
  "{\"value\":\"x\",\"a\":\"\\u123g\"}",
  "{\"value\":\"x\",\"a\":\"\\u0000\"}",
  "{\"value\":\"x\",\"a\":\"\\ud800\"}",
  "{\"value\":\"x\",\"a\":\"\\udc00\"}",
  "{\"value\":\"x\",\"a\":\"\\ud800\\ud800\"}",
  "{\"value\":\"x\",\"a\":\"\\ud800\\u0041\"}",
  "{\"value\":\"x\",\"a\":\"\\ud800x\"}",
  "{\"value\":\"x\",\"a\":\"\\ud83d\\ude0",
  "{\"value\":\"x\",\"a\":\"\x80\"}",
  "{\"value\":\"x\",\"a\":\"\xc0\x80\"}",
  "{\"value\":\"x\",\"a\":\"\xc3\"}",
  "{\"value\":\"x\",\"a\":\"\xed\xa0\x80\"}",
  "{\"value\":\"x\",\"a\":\"\xf4\x90\x80\x80\"}",
  "\xef\xbb\xbf{\"value\":\"x\"}",
  "{\"value\":\"x\" /* */}",
  "{\"value\":\"x\"}\f",
};

static void test_malformed(void **state) {
  AUTO_TEXT text = { 0 };
  AUTO_SECRET s = { 0 };
  (void)state;
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
    if (field_secret(exact(&text, malformed[i], strlen(malformed[i])), "value", &s) != ERR_INTERNAL)
      fail_msg("taken: %s", malformed[i]);
  static const char nul[] = "{\"value\":\"x\",\"a\":\"\0\"}", after[] = "{\"value\":\"x\"}\0";
  assert_err(field_secret(exact(&text, nul, sizeof nul - 1), "value", &s), ERR_INTERNAL);
  assert_err(field_secret(exact(&text, after, sizeof after), "value", &s), ERR_INTERNAL);
  assert_null(s.data);
}

/* Every beginning of a text is no text. */
static void test_cut(void **state) {
  static const char whole[] = "{\"a\":[1,{\"b\":\"\\u00e9\\ud83d\\ude00\xc3\xa9\"}],\"value\":"
                              "\"eA\",\"c\":-1.5e-7,\"d\":null}";
  AUTO_TEXT text = { 0 };
  (void)state;
  for (size_t n = 0; n < sizeof whole; n++) {
    AUTO_SECRET s = { 0 };
    err_t e = field_secret_b64url(exact(&text, whole, n), "value", &s);
    assert_int_equal(e, n == sizeof whole - 1 ? OK : ERR_INTERNAL);
  }
}

static void put_nested(struct buf *b, int depth) {
  buf_put_str(b, "{\"value\":\"x\",\"a\":");
  for (int i = 0; i < depth; i++)
    buf_put_str(b, i % 2 ? "{\"a\":" : "[");
  buf_put_str(b, "1");
  for (int i = depth; i-- > 0;)
    buf_put_str(b, i % 2 ? "}" : "]");
  buf_put_str(b, "}");
}

static void test_depth(void **state) {
  AUTO_TEXT text = { 0 };
  (void)state;
  for (int depth = 0; depth < 100000; depth = depth ? depth * 2 : 1) {
    AUTO_BUF b = BUF_EMPTY;
    AUTO_SECRET s = { 0 };
    put_nested(&b, depth);
    assert_ok(buf_ok(&b));
    err_t e = field_secret(exact(&text, (const char *)b.data, b.size), "value", &s);
    assert_int_equal(e, depth <= 16 ? OK : depth >= 64 ? ERR_INTERNAL : e);
  }
}

static void test_other_types(void **state) {
  static const char json[] =
    "{\"n\":3600,\"s\":\"3599\",\"neg\":-1,\"half\":0.5,\"big\":18446744073709551616,"
    "\"t\":true,\"f\":false,\"null\":null,\"b\":\"AQID\",\"long\":\"12345678\",\"o\":{},\"pad\":"
    "\"AQ==\",\"bits\":\"AR\",\"one\":\"A\"}";
  struct bytes t = bytes_str(json);
  AUTO_SECRET s = { 0 };
  AUTO_BUF b = BUF_EMPTY;
  uint64_t n = 7;
  bool found = true, truth = false;
  char room[8] = "";
  (void)state;
  assert_ok(field_number(t, "n", &n, &found));
  assert_true(found && n == 3600);
  assert_ok(field_number(t, "s", &n, &found));
  assert_true(found && n == 3599);
  assert_ok(field_number(t, "absent", &n, &found));
  assert_true(!found && n == 3599);
  assert_ok(field_number(t, "null", &n, &found));
  assert_false(found);
  static const char *const no_numbers[] = { "neg", "half", "big", "t", "o", "b" };
  for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++)
    assert_err(field_number(t, no_numbers[i], &n, &found), ERR_INTERNAL);
  assert_ok(field_bool(t, "t", &truth));
  assert_true(truth);
  assert_ok(field_bool(t, "f", &truth));
  assert_false(truth);
  assert_err(field_bool(t, "absent", &truth), ERR_INTERNAL);
  assert_err(field_bool(t, "s", &truth), ERR_INTERNAL);
  assert_ok(field_b64url(t, "b", &b));
  assert_text(buf_bytes(&b), "\x01\x02\x03");
  static const char *const no_base64[] = { "pad", "bits", "one", "n", "absent", "null" };
  for (size_t i = 0; i < sizeof no_base64 / sizeof *no_base64; i++) {
    assert_err(field_b64url(t, no_base64[i], &b), ERR_INTERNAL);
    assert_err(field_secret_b64url(t, no_base64[i], &s), ERR_INTERNAL);
  }
  assert_ok(field_string(t, "s", room, sizeof room));
  assert_string_equal(room, "3599");
  assert_err(field_string(t, "long", room, sizeof room), ERR_INTERNAL);
  assert_err(field_string(t, "n", room, sizeof room), ERR_INTERNAL);
  assert_err(field_secret(t, "n", &s), ERR_INTERNAL);
  assert_err(field_secret(t, "absent", &s), ERR_INTERNAL);
}

/* What jansson makes of the same text is what comes out here. */
static void test_as_json_reads_it(void **state) {
  static const char *const texts[] = {
    "{\"value\":\"\\u0041\\\\u0041\\ud800\\udc00\\udbff\\udfff\\uffff\"}",
    "{ \"a\" : [ ] , \"b\" : { } , \"value\" : \"\\/\" }",
  };
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    AUTO_JSON *j = NULL;
    AUTO_SECRET s = { 0 };
    struct bytes seen = { 0 };
    assert_ok(json_read(bytes_str(texts[i]), &j));
    assert_ok(json_get_str(j, "value", &seen, NULL));
    assert_ok(field_secret(bytes_str(texts[i]), "value", &s));
    assert_true(bytes_equal(seen, secret_bytes(&s)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_secret),      cmocka_unit_test(test_malformed),
    cmocka_unit_test(test_cut),         cmocka_unit_test(test_depth),
    cmocka_unit_test(test_other_types), cmocka_unit_test(test_as_json_reads_it),
  };
  return cmocka_run_group_tests_name("client_field", tests, start_crypto, NULL);
}
