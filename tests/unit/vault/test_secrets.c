/* The secret part of the API, through the application's own functions: what is refused and how,
 * values, versions, life cycle, backup, and that no value is on the disk. */
#include "fixture.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
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
#define INNER(text) assert_string_equal(answer_str(&a, "error.innererror.code"), text)
#define MESSAGE(text) assert_string_equal(answer_str(&a, "error.message"), text)
#define VALUE(text) assert_string_equal(answer_str(&a, "value"), text)

static void fill(char *out, size_t size, char c) {
  memset(out, c, size - 1);
  out[size - 1] = '\0';
}

/* The version of the answer's id. */
static void version_of(const struct answer *a, char out[static OBJECT_VERSION_SIZE + 1]) {
  const char *slash = strrchr(answer_str(a, "id"), '/');
  assert_non_null(slash);
  assert_int_equal(strlen(slash + 1), OBJECT_VERSION_SIZE);
  memcpy(out, slash + 1, OBJECT_VERSION_SIZE + 1);
}

struct refusal {
  const char *body, *message;
};

#define TIMES "Properties nbf and exp must be Unix times in seconds, up to the year 9999\r\n"
#define TAGS \
  "Property tags has invalid value: names and values are strings of at most 256 characters\r\n"

/* Refused in a PUT and in a PATCH alike; the rest of the body is good. */
static const struct refusal wrong[] = {
  { "\"value\":5", "Property value has invalid value: a string expected\r\n" },
  { "\"value\":true", "Property value has invalid value: a string expected\r\n" },
  { "\"value\":[\"x\"]", "Property value has invalid value: a string expected\r\n" },
  { "\"value\":{\"a\":\"x\"}", "Property value has invalid value: a string expected\r\n" },
  { "\"value\":\"x\",\"contentType\":5",
    "Property contentType has invalid value: a string expected\r\n" },
  { "\"value\":\"x\",\"contentType\":[]",
    "Property contentType has invalid value: a string expected\r\n" },
  { "\"value\":\"x\",\"tags\":[]", "Property tags has invalid value: an object expected\r\n" },
  { "\"value\":\"x\",\"tags\":\"a=b\"", "Property tags has invalid value: an object expected\r\n" },
  { "\"value\":\"x\",\"tags\":{\"a\":1}", TAGS },
  { "\"value\":\"x\",\"tags\":{\"a\":null}", TAGS },
  { "\"value\":\"x\",\"tags\":{\"a\":{}}", TAGS },
  { "\"value\":\"x\",\"tags\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\","
    "\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\",\"11\":\"\",\"12\":\"\",\"13\":\"\",\"14\":\"\","
    "\"15\":\"\",\"16\":\"\"}",
    "Property tags has invalid value: at most 15 tags\r\n" },
  { "\"value\":\"x\",\"attributes\":5",
    "Property attributes has invalid value: an object expected\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"enabled\":\"true\"}",
    "Property enabled has invalid value: a boolean expected\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"enabled\":1}",
    "Property enabled has invalid value: a boolean expected\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"nbf\":\"5\"}",
    "Property nbf has invalid value: an integer expected\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"exp\":1.5}",
    "Property exp has invalid value: an integer expected\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"nbf\":-1}", TIMES },
  { "\"value\":\"x\",\"attributes\":{\"exp\":-1}", TIMES },
  { "\"value\":\"x\",\"attributes\":{\"nbf\":253402300800}", TIMES },
  { "\"value\":\"x\",\"attributes\":{\"exp\":9223372036854775807}", TIMES },
  { "\"value\":\"x\",\"attributes\":{\"nbf\":5,\"exp\":5}", "Property exp must be after nbf\r\n" },
  { "\"value\":\"x\",\"attributes\":{\"nbf\":6,\"exp\":5}", "Property exp must be after nbf\r\n" },
  { "\"value\":\"x\",\"value\":\"y\"", NULL },
  { "\"value\":\"\\u0000\"", NULL },
  { "\"value\":\"\\ud800\"", NULL },
  { "\"value\":\"\xff\"", NULL },
  { "\"value\":\"x\n\"", NULL },
};

static void check_refused(enum http_method method, const char *path, const struct refusal *r) {
  AUTO_ANSWER a = { 0 };
  EXPECT(400, method, path, "{%s}", r->body);
  CODE("BadParameter");
  INNER("");
  if (r->message)
    MESSAGE(r->message);
  else
    assert_non_null(strstr(answer_str(&a, "error.message"), "not valid JSON"));
}

static void malformed_bodies_are_refused(void **state) {
  static const struct refusal no_value[] = {
    { "", "Property value is required: a string\r\n" },
    { "\"value\":null", "Property value is required: a string\r\n" },
    { "\"Value\":\"x\"", "Property value is required: a string\r\n" },
  };
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, "/secrets/good", "{\"value\":\"good\"}");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    check_refused(HTTP_PUT, "/secrets/bad", &wrong[i]);
    check_refused(HTTP_PATCH, "/secrets/good/", &wrong[i]);
  }
  for (size_t i = 0; i < sizeof no_value / sizeof *no_value; i++)
    check_refused(HTTP_PUT, "/secrets/bad", &no_value[i]);
  for (size_t i = 0; i < 3; i++) {
    EXPECT(400, HTTP_PUT, "/secrets/bad", "%s",
           (const char *[]){ "[\"value\"]", "\"value\"", "null" }[i]);
    CODE("BadParameter");
  }
  EXPECT(404, HTTP_GET, "/secrets/bad", "%s", "");
  EXPECT(200, HTTP_GET, "/secrets/good", "%s", "");
  VALUE("good");
  assert_null(json_object_get(a.json, "tags"));
}

static void sizes_are_bounded(void **state) {
  AUTO_ANSWER a = { 0 };
  char value[SECRET_VALUE_MAX + 2], type[SECRET_TYPE_MAX + 2];
  fill(value, sizeof value, 'v');
  fill(type, sizeof type, 't');
  EXPECT(400, HTTP_PUT, "/secrets/size", "{\"value\":\"%s\"}", value);
  CODE("BadParameter");
  MESSAGE("Property value has invalid value: at most 25600 bytes\r\n");
  EXPECT(200, HTTP_PUT, "/secrets/size", "{\"value\":\"%s\"}", value + 1);
  VALUE(value + 1);
  EXPECT(400, HTTP_PUT, "/secrets/size", "{\"value\":\"\",\"contentType\":\"%s\"}", type);
  CODE("BadParameter");
  MESSAGE("Property contentType has invalid value: at most 255 bytes\r\n");
  EXPECT(400, HTTP_PATCH, "/secrets/size/", "{\"contentType\":\"%s\"}", type);
  EXPECT(200, HTTP_PUT, "/secrets/size", "{\"value\":\"\",\"contentType\":\"%s\"}", type + 1);
  VALUE("");
  assert_string_equal(answer_str(&a, "contentType"), type + 1);
  char name[OBJECT_NAME_MAX + 2], path[200];
  fill(name, sizeof name, 'n');
  snprintf(path, sizeof path, "/secrets/%s", name);
  EXPECT(400, HTTP_PUT, path, "{\"value\":\"x\"}");
  snprintf(path, sizeof path, "/secrets/%s", name + 1);
  EXPECT(200, HTTP_PUT, path, "{\"value\":\"x\"}");
}

/* Escaped as far as it can be, the largest value still fits into the largest body. */
static void each_byte_may_be_escaped(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  buf_put_str(&body, "{\"value\":\"");
  for (int i = 0; i < SECRET_VALUE_MAX; i++)
    buf_put_str(&body, "\\u0001");
  buf_put_str(&body, "\",\"contentType\":\"\\u00fc\"}");
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_PUT, "/secrets/escaped?api-version=7.4",
               buf_bytes(&body), &a);
  assert_int_equal(a.status, 200);
  EXPECT(200, HTTP_GET, "/secrets/escaped", "%s", "");
  assert_int_equal(strlen(answer_str(&a, "value")), SECRET_VALUE_MAX);
  assert_int_equal(strspn(answer_str(&a, "value"), "\x01"), SECRET_VALUE_MAX);
  assert_string_equal(answer_str(&a, "contentType"), "\xc3\xbc");
}

static void names_and_paths(void **state) {
  static const struct {
    enum http_method method;
    const char *path;
    int status;
    const char *code, *message;
  } cases[] = {
    { HTTP_PUT, "/secrets/", 405, "MethodNotAllowed", "HTTP PUT not allowed" },
    { HTTP_PUT, "/secrets", 405, "MethodNotAllowed", "HTTP PUT not allowed" },
    { HTTP_POST, "/secrets/name", 405, "MethodNotAllowed", "HTTP POST not allowed" },
    { HTTP_PUT, "/secrets/name/versions", 405, "MethodNotAllowed", "HTTP PUT not allowed" },
    { HTTP_DELETE, "/secrets", 405, "MethodNotAllowed", "HTTP DELETE not allowed" },
    { HTTP_PUT, "/deletedsecrets/name", 405, "MethodNotAllowed", "HTTP PUT not allowed" },
    { HTTP_PUT, "/secrets/a_b", 400, "BadParameter",
      "The request URI contains an invalid name: a_b" },
    { HTTP_GET, "/secrets/a.b", 400, "BadParameter",
      "The request URI contains an invalid name: a.b" },
    { HTTP_PUT, "/secrets/a%20b", 400, "BadParameter",
      "The request URI contains an invalid name: a b" },
    { HTTP_PATCH, "/secrets/%C3%BC/", 400, "BadParameter",
      "The request URI contains an invalid name: \xc3\xbc" },
    { HTTP_GET, "/deletedsecrets/a_b", 400, "BadParameter",
      "The request URI contains an invalid name: a_b" },
    { HTTP_POST, "/secrets/name/sign", 405, "MethodNotAllowed", "HTTP POST not allowed" },
    { HTTP_POST, "/secrets/name//sign", 404, "NotFound", "There is nothing at this address." },
    { HTTP_GET, "/secrets/name/rotationpolicy/x", 404, "NotFound",
      "There is nothing at this address." },
  };
  AUTO_ANSWER a = { 0 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    EXPECT(cases[i].status, cases[i].method, cases[i].path, "{\"value\":\"x\"}");
    CODE(cases[i].code);
    MESSAGE(cases[i].message);
  }
  EXPECT(404, HTTP_GET, "/secrets/no-such-name", "%s", "");
  CODE("SecretNotFound");
}

static void versions(void **state) {
  AUTO_ANSWER a = { 0 };
  char first[OBJECT_VERSION_SIZE + 1], second[OBJECT_VERSION_SIZE + 1], path[128], text[512];
  EXPECT(200, HTTP_PUT, "/secrets/Many",
         "{\"value\":\"1\",\"tags\":{\"a\":\"b\"},\"contentType\":\"t\"}");
  version_of(&a, first);
  EXPECT(200, HTTP_PUT, "/secrets/MANY", "{\"value\":\"2\"}");
  version_of(&a, second);
  assert_non_null(strstr(answer_str(&a, "id"), "https://localhost:8443/secrets/Many/"));
  assert_string_not_equal(first, second);
  assert_null(json_object_get(a.json, "tags"));
  assert_null(json_object_get(a.json, "contentType"));
  snprintf(path, sizeof path, "/secrets/many/%s", first);
  EXPECT(200, HTTP_GET, path, "%s", "");
  VALUE("1");
  assert_string_equal(answer_str(&a, "tags.a"), "b");
  EXPECT(200, HTTP_PATCH, path, "{\"attributes\":{\"enabled\":false},\"value\":\"ignored\"}");
  assert_null(json_object_get(a.json, "value"));
  EXPECT(403, HTTP_GET, path, "%s", "");
  CODE("Forbidden");
  INNER("SecretDisabled");
  MESSAGE("Operation get is not allowed on a disabled secret.");
  EXPECT(200, HTTP_PATCH, path, "{\"attributes\":{\"enabled\":true}}");
  EXPECT(200, HTTP_GET, path, "%s", "");
  VALUE("1");
  EXPECT(200, HTTP_GET, "/secrets/many/", "%s", "");
  VALUE("2");
  static const char none[] = "00000000000000000000000000000000";
  snprintf(path, sizeof path, "/secrets/many/%s", none);
  snprintf(text, sizeof text,
           "A secret with (name/id) many/%s was not found in this key vault. If you recently "
           "deleted this secret you may be able to recover it using the correct recovery command. "
           "For help resolving this issue, please see "
           "https://go.microsoft.com/fwlink/?linkid=2125182",
           none);
  for (size_t i = 0; i < 2; i++) {
    EXPECT(404, i ? HTTP_PATCH : HTTP_GET, path, "{}");
    CODE("SecretNotFound");
    MESSAGE(text);
  }
}

static void times_only_inform(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, "/secrets/time", "{\"value\":\"v\",\"attributes\":{\"nbf\":0,\"exp\":1}}");
  EXPECT(200, HTTP_GET, "/secrets/time", "%s", "");
  VALUE("v");
  EXPECT(400, HTTP_PATCH, "/secrets/time/", "{\"attributes\":{\"nbf\":1}}");
  MESSAGE("Property exp must be after nbf\r\n");
  EXPECT(200, HTTP_PATCH, "/secrets/time/",
         "{\"attributes\":{\"nbf\":253402300798,\"exp\":253402300799}}");
  EXPECT(200, HTTP_GET, "/secrets/time", "%s", "");
  VALUE("v");
}

static void life_cycle(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, "/secrets/life", "{\"value\":\"v\"}");
  EXPECT(400, HTTP_POST, "/deletedsecrets/life/recover", "%s", "");
  CODE("MethodNotAllowed");
  INNER("RequestNotAllowedOnNonDeletedObject");
  MESSAGE("Secret exists already: life");
  EXPECT(200, HTTP_DELETE, "/secrets/life", "%s", "");
  assert_null(json_object_get(a.json, "value"));
  assert_string_equal(answer_str(&a, "recoveryId"), "https://localhost:8443/deletedsecrets/life");
  EXPECT(404, HTTP_GET, "/secrets/life", "%s", "");
  EXPECT(404, HTTP_PATCH, "/secrets/life/", "%s", "{}");
  EXPECT(404, HTTP_POST, "/secrets/life/backup", "%s", "");
  EXPECT(404, HTTP_DELETE, "/secrets/life", "%s", "");
  EXPECT(409, HTTP_PUT, "/secrets/LIFE", "{\"value\":\"w\"}");
  CODE("Conflict");
  INNER("ObjectIsDeletedButRecoverable");
  MESSAGE("Secret LIFE is currently in a deleted but recoverable state, and its name cannot be "
          "reused; in this state, the secret can only be recovered or purged.");
  EXPECT(200, HTTP_GET, "/deletedsecrets/life", "%s", "");
  assert_null(json_object_get(a.json, "value"));
  fixture_reopen(&f);
  EXPECT(200, HTTP_POST, "/deletedsecrets/life/recover", "%s", "");
  assert_null(json_object_get(a.json, "value"));
  EXPECT(200, HTTP_GET, "/secrets/life", "%s", "");
  VALUE("v");
  EXPECT(200, HTTP_DELETE, "/secrets/life", "%s", "");
  EXPECT(204, HTTP_DELETE, "/deletedsecrets/life", "%s", "");
  EXPECT(404, HTTP_GET, "/deletedsecrets/life", "%s", "");
  CODE("SecretNotFound");
  MESSAGE("Deleted Secret not found: life");
  EXPECT(404, HTTP_DELETE, "/deletedsecrets/life", "%s", "");
}

static void survives_a_restart(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF before = BUF_EMPTY;
  EXPECT(200, HTTP_PUT, "/secrets/Stay",
         "{\"value\":\"\xf0\x9f\x98\x80\\u0085\\r\\n\",\"contentType\":\"\",\"tags\":{\"k\":\"v\"},"
         "\"attributes\":{\"exp\":4000000000}}");
  EXPECT(200, HTTP_PATCH, "/secrets/Stay/", "{\"attributes\":{\"nbf\":1}}");
  EXPECT(200, HTTP_GET, "/secrets/stay", "%s", "");
  VALUE("\xf0\x9f\x98\x80\xc2\x85\r\n");
  buf_put_bytes(&before, buf_bytes(&a.body));
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, "/secrets/stay", "%s", "");
  assert_true(bytes_equal(buf_bytes(&a.body), buf_bytes(&before)));
}

/* The largest value, content type and tags that a version may have, as a body. */
static void put_large_body(struct buf *body) {
  char value[SECRET_VALUE_MAX + 1], type[SECRET_TYPE_MAX + 1], quotes[2 * 250 + 1];
  fill(value, sizeof value, 'v');
  fill(type, sizeof type, 't');
  for (size_t i = 0; i < sizeof quotes - 1; i += 2)
    memcpy(quotes + i, "\\\"", 2);
  quotes[sizeof quotes - 1] = '\0';
  buf_put_str(body, "{\"value\":\"");
  buf_put_str(body, value);
  buf_printf(body, "\",\"contentType\":\"%s\",\"tags\":{", type);
  for (int i = 0; i < OBJECT_TAGS_MAX; i++)
    buf_printf(body, "%s\"%02d%s\":\"%s%s\"", i ? "," : "", i, quotes, quotes, "\\\"\\\"");
  buf_put_str(body, "}}");
}

static void the_largest_backup_can_be_restored(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF body = BUF_EMPTY, backup = BUF_EMPTY;
  put_large_body(&body);
  for (int i = 0; i <= OBJECT_VERSIONS_MAX; i++) {
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_PUT, "/secrets/big?api-version=7.4",
                 buf_bytes(&body), &a);
    assert_int_equal(a.status, i < OBJECT_VERSIONS_MAX ? 200 : 400);
  }
  CODE("BadParameter");
  MESSAGE("Secret big has 500 versions, which is the most that it may have.");
  EXPECT(200, HTTP_POST, "/secrets/big/backup", "%s", "");
  buf_put_bytes(&backup, buf_bytes(&a.body));
  assert_true(backup.size > 25u << 20);
  EXPECT(200, HTTP_DELETE, "/secrets/big", "%s", "");
  EXPECT(204, HTTP_DELETE, "/deletedsecrets/big", "%s", "");
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, "/secrets/restore?api-version=7.4",
               buf_bytes(&backup), &a);
  assert_int_equal(a.status, 200);
  EXPECT(200, HTTP_GET, "/secrets/big", "%s", "");
  assert_int_equal(strlen(answer_str(&a, "value")), SECRET_VALUE_MAX);
}

static void backups_of_another_kind_are_refused(void **state) {
  AUTO_ANSWER a = { 0 };
  char key[16384], secret[16384];
  EXPECT(200, HTTP_PUT, "/secrets/kind", "{\"value\":\"v\"}");
  EXPECT(200, HTTP_POST, "/keys/kind/create", "{\"kty\":\"EC\"}");
  EXPECT(200, HTTP_POST, "/secrets/kind/backup", "%s", "");
  snprintf(secret, sizeof secret, "%s", answer_str(&a, "value"));
  EXPECT(200, HTTP_POST, "/keys/kind/backup", "%s", "");
  snprintf(key, sizeof key, "%s", answer_str(&a, "value"));
  const struct {
    const char *path, *value;
  } bad[] = { { "/secrets/restore", key },
              { "/keys/restore", secret },
              { "/secrets/restore", "" },
              { "/secrets/restore", "A" },
              { "/secrets/restore", "?" } };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    EXPECT(400, HTTP_POST, bad[i].path, "{\"value\":\"%s\"}", bad[i].value);
    CODE("Malformed backup blob");
    MESSAGE("Backup blob contains invalid or corrupt version.");
  }
  EXPECT(409, HTTP_POST, "/secrets/restore", "{\"value\":\"%s\"}", secret);
  CODE("Conflict");
}

static unsigned carried_out;

static err_t purged(void *ctx, const char *operation, const struct version *v, err_t e) {
  assert_int_equal(e, OK);
  assert_string_equal(operation, "SecretPurgeIfDue");
  assert_string_equal(v->name, ctx);
  carried_out++;
  return OK;
}

static void what_is_due_is_purged(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, "/secrets/due", "{\"value\":\"v\"}");
  EXPECT(200, HTTP_PUT, "/secrets/due", "{\"value\":\"w\"}");
  EXPECT(200, HTTP_DELETE, "/secrets/due", "%s", "");
  assert_int_equal(vault_carry_out_due(f.hub->vault, purged, (void *)"due"), OK);
  assert_int_equal(carried_out, 0);
  clock_shift(90 * 86400 + 1);
  err_t e = vault_carry_out_due(f.hub->vault, purged, (void *)"due");
  clock_shift(0);
  assert_int_equal(e, OK);
  assert_int_equal(carried_out, 1);
  fixture_reopen(&f);
  EXPECT(404, HTTP_GET, "/deletedsecrets/due", "%s", "");
  EXPECT(404, HTTP_GET, "/secrets/due", "%s", "");
}

static void protected_secrets_are_not_purged(void **state) {
  struct fixture p;
  AUTO_ANSWER a = { 0 };
  fixture_open(&p, (const char *const[]){ "purge_protection = yes", "retention_days = 7", NULL });
  fixture_do(&p, &a, HTTP_PUT, "/secrets/kept", "{\"value\":\"v\"}");
  assert_int_equal(a.status, 200);
  assert_string_equal(answer_str(&a, "attributes.recoveryLevel"), "CustomizedRecoverable");
  assert_int_equal(fixture_do(&p, &a, HTTP_DELETE, "/secrets/kept", "%s", ""), 200);
  assert_int_equal(fixture_do(&p, &a, HTTP_DELETE, "/deletedsecrets/kept", "%s", ""), 403);
  CODE("Forbidden");
  assert_int_equal(fixture_do(&p, &a, HTTP_POST, "/deletedsecrets/kept/recover", "%s", ""), 200);
  assert_int_equal(fixture_do(&p, &a, HTTP_GET, "/secrets/kept", "%s", ""), 200);
  VALUE("v");
  fixture_close(&p);
}

/* --- nothing of a value is on the disk --- */

#define HIDDEN "never-on-the-disk-3f1c2a9be8d7"

static bool contains(struct bytes all, const struct buf *part) {
  return memmem(all.data, all.size, part->data, part->size) != NULL;
}

/* The value as it is, and in base64 at each of the three places where a byte may fall. */
static void search(const char *path) {
  AUTO_BUF content = BUF_EMPTY;
  assert_int_equal(file_read(path, 64u << 20, &content), OK);
  for (size_t skip = 0; skip < 4; skip++) {
    AUTO_BUF needle = BUF_EMPTY;
    if (skip < 3)
      buf_put_b64url(&needle, bytes_of(&HIDDEN[skip], (sizeof HIDDEN - 1 - skip) / 3 * 3));
    else
      buf_put_str(&needle, HIDDEN);
    assert_true(needle.size >= 28 && !needle.failed);
    if (contains(buf_bytes(&content), &needle))
      fail_msg("%s holds a value, as " BYTES_FMT, path, BYTES_ARG(needle));
  }
}

static unsigned search_all(const char *dir) {
  unsigned count = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
    if (e->d_name[0] == '.')
      continue;
    if (e->d_type == DT_DIR) {
      count += search_all(path);
    } else if (e->d_type == DT_REG) {
      search(path);
      count++;
    }
  }
  closedir(d);
  return count;
}

static void values_are_not_on_the_disk(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_PUT, "/secrets/hidden", "{\"value\":\"" HIDDEN "\"}");
  EXPECT(200, HTTP_GET, "/secrets/hidden", "%s", "");
  VALUE(HIDDEN);
  EXPECT(200, HTTP_PATCH, "/secrets/hidden/", "{\"tags\":{\"a\":\"b\"},\"value\":\"" HIDDEN "\"}");
  EXPECT(400, HTTP_PUT, "/secrets/hidden", "{\"value\":\"" HIDDEN "\",\"tags\":5}");
  EXPECT(200, HTTP_POST, "/secrets/hidden/backup", "%s", "");
  assert_true(search_all(f.dir) >= 3);
  fixture_reopen(&f);
  assert_true(search_all(f.dir) >= 3);
  EXPECT(200, HTTP_GET, "/secrets/hidden", "%s", "");
  VALUE(HIDDEN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(malformed_bodies_are_refused),
    cmocka_unit_test(sizes_are_bounded),
    cmocka_unit_test(each_byte_may_be_escaped),
    cmocka_unit_test(names_and_paths),
    cmocka_unit_test(versions),
    cmocka_unit_test(times_only_inform),
    cmocka_unit_test(life_cycle),
    cmocka_unit_test(survives_a_restart),
    cmocka_unit_test(the_largest_backup_can_be_restored),
    cmocka_unit_test(backups_of_another_kind_are_refused),
    cmocka_unit_test(what_is_due_is_purged),
    cmocka_unit_test(protected_secrets_are_not_purged),
    cmocka_unit_test(values_are_not_on_the_disk),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
