/* Named issuers and contacts: what is kept and shown, what is refused, and that it is there after a
 * restart. */
#include "fixture.h"

#include "vault/issuers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

static struct fixture f;

static int begin(void **state) {
  fixture_open(&f, NULL);
  return 0;
}

static int end(void **state) {
  fixture_close(&f);
  return 0;
}

#define EXPECT(status, ...) assert_int_equal(fixture_do(&f, &a, __VA_ARGS__), status)
#define CODE(text) assert_string_equal(answer_str(&a, "error.code"), text)
#define ISSUER "/certificates/issuers/"
#define CONTACTS "/certificates/contacts"

static bool says(struct answer *a, const char *text) {
  return strstr(buf_cstr(&a->body), text) != NULL;
}

static void an_issuer_is_kept(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, ISSUER "First",
         "{\"provider\":\"DigiCert\",\"credentials\":{\"account_id\":\"me\",\"pwd\":\"hush\"},"
         "\"org_details\":{\"id\":\"o\",\"zip\":5,\"admin_details\":[{\"email\":\"a@b\",\"phone\":"
         "\"1\",\"first_name\":\"J\",\"last_name\":\"D\",\"more\":1}]}}");
  assert_false(says(&a, "hush"));
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, ISSUER "FIRST", "%s", "");
  assert_string_equal(answer_str(&a, "id"), "https://localhost:8443/certificates/issuers/First");
  assert_true(says(&a, "\"provider\":\"DigiCert\",\"credentials\":{\"account_id\":\"me\"},"
                       "\"org_details\":{\"id\":\"o\",\"zip\":0,\"admin_details\":[{"
                       "\"first_name\":\"J\",\"last_name\":\"D\",\"email\":\"a@b\",\"phone\":"
                       "\"1\"}]},\"attributes\":{\"enabled\":true,\"created\":"));
  EXPECT(200, HTTP_PATCH, ISSUER "first",
         "{\"credentials\":{\"account_id\":\"you\"},\"attributes\":{\"enabled\":false}}");
  assert_true(says(&a, "\"account_id\":\"you\"") && says(&a, "\"first_name\":\"J\""));
  EXPECT(200, HTTP_PATCH, ISSUER "first", "{\"provider\":\"GlobalSign\"}");
  assert_true(says(&a, "\"provider\":\"GlobalSign\"") && says(&a, "\"enabled\":false"));
  EXPECT(200, HTTP_PUT, ISSUER "first", "{\"provider\":\"Test\"}");
  assert_false(says(&a, "credentials") || says(&a, "org_details"));
  EXPECT(200, HTTP_DELETE, ISSUER "first", "%s", "");
  assert_string_equal(answer_str(&a, "provider"), "Test");
  EXPECT(404, HTTP_GET, ISSUER "First", "%s", "");
  CODE("CertificateIssuerNotFound");
  fixture_reopen(&f);
  EXPECT(404, HTTP_GET, ISSUER "First", "%s", "");
}

static void issuers_are_listed(void **state) {
  AUTO_ANSWER a = { 0 };
  char name[64];
  for (int i = 29; i >= 0; i--) {
    snprintf(name, sizeof name, ISSUER "%s-%02d", i % 2 ? "Issuer" : "issuer", i);
    EXPECT(200, HTTP_PUT, name, "{\"provider\":\"Test\"}");
  }
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, "/certificates/issuers", "%s", "");
  json_t *list = json_object_get(a.json, "value");
  assert_int_equal(json_array_size(list), 25);
  assert_true(says(&a, "issuers/issuer-00\",\"provider\":\"Test\"},{"));
  assert_true(says(&a, "issuers/issuer-24\"") && !says(&a, "issuer-25\""));
  const char *next = strstr(answer_str(&a, "nextLink"), "/certificates/issuers?");
  assert_non_null(next);
  char target[512];
  snprintf(target, sizeof target, "%s", next);
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_GET, target, (struct bytes){ 0 }, &a);
  assert_int_equal(json_array_size(json_object_get(a.json, "value")), 5);
  assert_true(json_is_null(json_object_get(a.json, "nextLink")));
}

static void wrong_issuers(void **state) {
  AUTO_ANSWER a = { 0 };
  static const char *const bodies[] = {
    "{}",
    "{\"provider\":\"\"}",
    "{\"provider\":5}",
    "{\"provider\":\"a b\"}",
    "{\"provider\":\"Test\",\"credentials\":[]}",
    "{\"provider\":\"Test\",\"credentials\":{\"account_id\":1}}",
    "{\"provider\":\"Test\",\"org_details\":{\"admin_details\":{}}}",
    "{\"provider\":\"Test\",\"org_details\":{\"admin_details\":[1]}}",
    "{\"provider\":\"Test\",\"org_details\":{\"admin_details\":[{\"phone\":1}]}}",
    "{\"provider\":\"Test\",\"attributes\":{\"enabled\":1}}",
    "[]",
    "{",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    EXPECT(400, HTTP_PUT, ISSUER "x", "%s", bodies[i]);
    CODE("BadParameter");
  }
  EXPECT(400, HTTP_PUT, ISSUER "x",
         "{\"provider\":\"Test\",\"credentials\":{\"account_id\":\"%0*d\"}}", ISSUER_TEXT_MAX, 0);
  EXPECT(400, HTTP_PUT, ISSUER "x", "{\"provider\":\"%064d\"}", 0);
  static const char *const names[] = { "", "a_b", "Self", "UNKNOWN", "hub" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, ISSUER "%s", names[i]);
    EXPECT(400, HTTP_PUT, path, "{\"provider\":\"Test\"}");
  }
  EXPECT(404, HTTP_PATCH, ISSUER "x", "{\"provider\":\"Test\"}");
  EXPECT(404, HTTP_DELETE, ISSUER "x", "%s", "");
  EXPECT(405, HTTP_POST, "/certificates/issuers", "{}");
  EXPECT(200, HTTP_PUT, ISSUER "x", "{\"provider\":\"Test\"}");
  EXPECT(400, HTTP_PATCH, ISSUER "x", "{\"provider\":5}");
  EXPECT(200, HTTP_GET, ISSUER "x", "%s", "");
  assert_string_equal(answer_str(&a, "provider"), "Test");
}

static void providers(void **state) {
  AUTO_ANSWER a = { 0 };
  char provider[64];
  struct vault *v = f.hub->api.vault;
  EXPECT(200, HTTP_PUT, ISSUER "x", "{\"provider\":\"Test\"}");
  assert_int_equal(issuers_provider(v, "X", provider), OK);
  assert_string_equal(provider, "Test");
  assert_int_equal(issuers_provider(v, "SELF", provider), OK);
  assert_string_equal(provider, "Self");
  assert_int_equal(issuers_provider(v, "y", provider), ERR_ISSUER_NOT_FOUND);
}

static void contacts(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(404, HTTP_GET, CONTACTS, "%s", "");
  CODE("ContactsNotFound");
  EXPECT(404, HTTP_DELETE, CONTACTS, "%s", "");
  EXPECT(
    200, HTTP_PUT, CONTACTS,
    "{\"contacts\":[{\"phone\":\"1\",\"name\":\"a\",\"email\":\"a@a.com\"},{\"email\":\"b\"}]}");
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, CONTACTS, "%s", "");
  assert_string_equal(buf_cstr(&a.body),
                      "{\"id\":\"https://localhost:8443/certificates/contacts\",\"contacts\":[{"
                      "\"email\":\"a@a.com\",\"name\":\"a\",\"phone\":\"1\"},{\"email\":\"b\"}]}");
  static const char *const wrong[] = {
    "{}",
    "{\"contacts\":5}",
    "{\"contacts\":[5]}",
    "{\"contacts\":[{}]}",
    "{\"contacts\":[{\"email\":5}]}",
    "{\"contacts\":[{\"email\":\"a\",\"name\":5}]}",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    EXPECT(400, HTTP_PUT, CONTACTS, "%s", wrong[i]);
    CODE("BadParameter");
  }
  EXPECT(400, HTTP_PUT, CONTACTS, "{\"contacts\":[{\"email\":\"%0*d\"}]}", ISSUER_TEXT_MAX, 0);
  EXPECT(200, HTTP_DELETE, CONTACTS, "%s", "");
  assert_true(says(&a, "a@a.com"));
  fixture_reopen(&f);
  EXPECT(404, HTTP_GET, CONTACTS, "%s", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(an_issuer_is_kept, begin, end),
    cmocka_unit_test_setup_teardown(issuers_are_listed, begin, end),
    cmocka_unit_test_setup_teardown(wrong_issuers, begin, end),
    cmocka_unit_test_setup_teardown(providers, begin, end),
    cmocka_unit_test_setup_teardown(contacts, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
