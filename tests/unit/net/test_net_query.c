#include "../asserts.h"

#include "net/http.h"

static void test_query(void **state) {
  static const struct {
    const char *query, *name, *value; /* value NULL: absent */
    err_t e;
  } cases[] = {
    { "api-version=7.4", "api-version", "7.4", OK },
    { "api%2Dversion=7.4", "api-version", "7.4", OK },
    { "%61%70i-version=%37.4", "api-version", "7.4", OK },
    { "a=1&api-version=7.4&b=2", "api-version", "7.4", OK },
    { "a=1", "b", NULL, OK },
    { "", "b", NULL, OK },
    { "ab=1", "a", NULL, OK },
    { "a=1", "ab", NULL, OK },
    { "A=1", "a", NULL, OK },
    { "a", "a", "", OK },
    { "a=", "a", "", OK },
    { "&&a=1&&", "a", "1", OK },
    { "a=b=c", "a", "b=c", OK },
    { "a=b+c%2B", "a", "b+c+", OK },
    { "a=%e2%82%ac", "a", "\xe2\x82\xac", OK },
    { "a=1&a=1", "a", NULL, ERR_BAD_PARAMETER },
    { "a=1&%61=2", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%4", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%4x", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%x4", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%00", "a", NULL, ERR_BAD_PARAMETER },
    { "%zz=1&a=1", "a", NULL, ERR_BAD_PARAMETER },
    { "a%00=1", "a", NULL, ERR_BAD_PARAMETER },
    { "a=12345678", "a", NULL, ERR_BAD_PARAMETER },
    { "a=%31%32%33%34%35%36%37", "a", "1234567", OK },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[8] = "";
    bool found = false;
    assert_int_equal(
      http_query_get(bytes_str(cases[i].query), cases[i].name, out, sizeof out, &found),
      cases[i].e);
    assert_int_equal(found, cases[i].value != NULL);
    if (found)
      assert_string_equal(out, cases[i].value);
  }
}

static void test_form(void **state) {
  char out[32] = "";
  bool found = false;
  struct bytes form = bytes_str("grant_type=client+credentials&scope=https%3A%2F%2Fvault%2B&x");
  (void)state;
  assert_ok(http_form_get(form, "grant_type", out, sizeof out, &found));
  assert_true(found);
  assert_string_equal(out, "client credentials");
  assert_ok(http_form_get(form, "scope", out, sizeof out, &found));
  assert_string_equal(out, "https://vault+");
  assert_ok(http_form_get(form, "absent", out, sizeof out, &found));
  assert_false(found);
}

static void test_unescape(void **state) {
  char out[4];
  (void)state;
  assert_ok(http_unescape(bytes_str("a%2Fb"), out, sizeof out));
  assert_string_equal(out, "a/b");
  assert_ok(http_unescape(bytes_str(""), out, sizeof out));
  assert_string_equal(out, "");
  assert_ok(http_unescape(bytes_str("+%2b"), out, sizeof out));
  assert_string_equal(out, "++");
  assert_int_equal(http_unescape(bytes_str("abcd"), out, sizeof out), ERR_BAD_PARAMETER);
  assert_int_equal(http_unescape(bytes_str("%00"), out, sizeof out), ERR_BAD_PARAMETER);
  assert_int_equal(http_unescape(bytes_of("a\0b", 3), out, sizeof out), ERR_BAD_PARAMETER);
  assert_int_equal(http_unescape(bytes_str("%a"), out, sizeof out), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_query),
    cmocka_unit_test(test_form),
    cmocka_unit_test(test_unescape),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
