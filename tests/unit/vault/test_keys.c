/* The key part of the API, through the application's own functions: life cycle, semantics, errors,
 * listing, policy, backup. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

static struct fixture f;

static int begin(void **state) {
  fixture_open(&f, (const char *const[]){ "live_keys = 8", NULL });
  return 0;
}

static int end(void **state) {
  fixture_close(&f);
  return 0;
}

#define EXPECT(status, ...) assert_int_equal(fixture_do(&f, &a, __VA_ARGS__), status)
#define CODE(text) assert_string_equal(answer_str(&a, "error.code"), text)
#define INNER(text) assert_string_equal(answer_str(&a, "error.innererror.code"), text)

static void create_shows_what_was_made(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/Made-1/create",
         "{\"kty\":\"EC\",\"crv\":\"P-384\",\"tags\":{\"a\":\"b\"}}");
  assert_string_equal(answer_str(&a, "key.kty"), "EC");
  assert_string_equal(answer_str(&a, "key.crv"), "P-384");
  assert_string_equal(answer_str(&a, "tags.a"), "b");
  assert_string_equal(answer_str(&a, "attributes.recoveryLevel"), "Recoverable+Purgeable");
  assert_non_null(strstr(answer_str(&a, "key.kid"), "https://localhost:8443/keys/Made-1/"));
  EXPECT(200, HTTP_GET, "/keys/made-1", "%s", "");
  assert_non_null(strstr(answer_str(&a, "key.kid"),
                         "/keys/Made-1/")); /* names keep their case, compare without it */
  EXPECT(200, HTTP_GET, "/keys/MADE-1/", "%s", "");
}

static void bad_parameters_are_named(void **state) {
  static const struct {
    const char *body, *text;
  } cases[] = {
    { "{\"kty\":\"DSA\"}", "kty" },
    { "{}", "kty" },
    { "{\"kty\":\"RSA\",\"key_size\":1024}",
      "Unsupported key size (1024). Supported sizes are [2048, 3072, 4096]" },
    { "{\"kty\":\"RSA\",\"key_size\":\"2048\"}", "key_size" },
    { "{\"kty\":\"oct\",\"key_size\":129}",
      "Unsupported key size (129). Supported sizes are [128, 192, 256]" },
    { "{\"kty\":\"EC\",\"crv\":\"P-255\"}", "crv" },
    { "{\"kty\":\"EC\",\"key_ops\":[\"encrypt\"]}", "key_ops" },
    { "{\"kty\":\"EC\",\"key_ops\":[\"fly\"]}", "key_ops" },
    { "{\"kty\":\"EC\",\"key_ops\":\"sign\"}", "key_ops" },
    { "{\"kty\":\"EC\",\"tags\":{\"a\":1}}", "tags" },
    { "{\"kty\":\"EC\",\"attributes\":{\"nbf\":5,\"exp\":5}}", "nbf" },
    { "{\"kty\":\"EC\",\"attributes\":{\"nbf\":253402300800}}", "nbf" },
    { "{\"kty\":\"EC\",\"attributes\":{\"exp\":9223372036854775807}}", "exp" },
    { "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true}}", "AKV.SKR.1004" },
    { "{\"kty\":\"EC\",\"release_policy\":{\"data\":\"e30\"}}", "AKV.SKR.1005" },
    { "{\"kty\":\"EC\",\"kty\":\"EC\"}", "JSON" },
    { "{\"kty\":\"EC\"} x", "JSON" },
    { "[1]", "object" },
    { "\xff", "JSON" },
  };
  AUTO_ANSWER a = { 0 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    EXPECT(400, HTTP_POST, "/keys/bad/create", "%s", cases[i].body);
    CODE("BadParameter");
    assert_non_null(strstr(answer_str(&a, "error.message"), cases[i].text));
  }
  EXPECT(404, HTTP_GET, "/keys/bad", "%s", "");
}

static void names_and_paths(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(400, HTTP_POST, "/keys//create", "{\"kty\":\"EC\"}");
  assert_string_equal(answer_str(&a, "error.message"), "Operation not specified");
  EXPECT(400, HTTP_GET, "/keys/a_b", "%s", "");
  assert_string_equal(answer_str(&a, "error.message"),
                      "The request URI contains an invalid name: a_b");
  EXPECT(400, HTTP_GET, "/keys/a%00b", "%s", "");
  EXPECT(404, HTTP_GET, "/nothing/here", "%s", "");
  EXPECT(405, HTTP_PUT, "/keys", "%s", "");
  assert_string_equal(answer_str(&a, "error.message"), "HTTP PUT not allowed");
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_GET, "/keys", (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 400); /* no api-version */
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_GET, "/keys?api%2Dversion=2031-01-01",
               (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 200);
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/nothing/here", (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 401);
  assert_non_null(
    memmem(a.headers.data, a.headers.size, "resource=\"https://vault.azure.net\"", 34));
}

/* It has no public part that anybody could use as well. */
static void disabled_symmetric_keys_do_nothing(void **state) {
  static const char wrap[] = "{\"alg\":\"A256KW\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAA\"}";
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/oct-off/create",
         "{\"kty\":\"oct\",\"key_size\":256,\"attributes\":{\"enabled\":false}}");
  EXPECT(403, HTTP_POST, "/keys/oct-off//wrapkey", "%s", wrap);
  INNER("KeyDisabled");
  EXPECT(200, HTTP_PATCH, "/keys/oct-off/", "{\"attributes\":{\"enabled\":true}}");
  EXPECT(200, HTTP_POST, "/keys/oct-off//wrapkey", "%s", wrap);
}

static void key_ops_enabled_and_time(void **state) {
  static const char sign[] =
    "{\"alg\":\"ES256\",\"value\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}";
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/ops/create", "{\"kty\":\"EC\",\"key_ops\":[\"verify\"]}");
  EXPECT(403, HTTP_POST, "/keys/ops//sign", "%s", sign);
  INNER("KeyOperationForbidden");
  assert_string_equal(answer_str(&a, "error.message"),
                      "Operation sign is not permitted on this key.");
  EXPECT(200, HTTP_PATCH, "/keys/ops/",
         "{\"key_ops\":[\"sign\",\"verify\"],\"attributes\":{\"enabled\":false}}");
  EXPECT(403, HTTP_POST, "/keys/ops//sign", "%s", sign);
  INNER("KeyDisabled");
  EXPECT(200, HTTP_GET, "/keys/ops", "%s", ""); /* a disabled key can be read */
  EXPECT(200, HTTP_PATCH, "/keys/ops/", "{\"attributes\":{\"enabled\":true,\"exp\":1000}}");
  EXPECT(403, HTTP_POST, "/keys/ops//sign", "%s", sign);
  EXPECT(200, HTTP_PATCH, "/keys/ops/", "{\"attributes\":{\"nbf\":1,\"exp\":4000000000}}");
  EXPECT(200, HTTP_POST, "/keys/ops//sign", "%s", sign);
  EXPECT(400, HTTP_POST, "/keys/ops//sign",
         "{\"alg\":\"RS256\",\"value\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}");
  EXPECT(400, HTTP_POST, "/keys/ops//sign", "{\"alg\":\"ES256\",\"value\":\"AAAA\"}");
  assert_string_equal(
    answer_str(&a, "error.message"),
    "Invalid length of 'value': 3 bytes. ES256 requires 32 bytes, encoded with base64url.");
  EXPECT(400, HTTP_POST, "/keys/ops//sign", "{\"alg\":\"nope\",\"value\":\"AAAA\"}");
}

/* Wraps and unwraps, and every way to get it wrong looks the same. */
static void unwrap_failures_look_alike(void **state) {
  static const char *const algs[][2] = {
    { "oct", "A256KW" }, { "RSA", "RSA-OAEP-256" }, { "RSA", "RSA1_5" }, { "RSA", "RSA-OAEP" }
  };
  AUTO_ANSWER a = { 0 }, first = { 0 };
  for (size_t i = 0; i < 4; i++) {
    char path[64], wrapped[1024];
    snprintf(path, sizeof path, "/keys/wrap%zu/create", i);
    EXPECT(200, HTTP_POST, path, "{\"kty\":\"%s\"}", algs[i][0]);
    snprintf(path, sizeof path, "/keys/wrap%zu//wrapkey", i);
    EXPECT(200, HTTP_POST, path, "{\"alg\":\"%s\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}",
           algs[i][1]);
    snprintf(wrapped, sizeof wrapped, "%s", answer_str(&a, "value"));
    snprintf(path, sizeof path, "/keys/wrap%zu//unwrapkey", i);
    EXPECT(200, HTTP_POST, path, "{\"alg\":\"%s\",\"value\":\"%s\"}", algs[i][1], wrapped);
    assert_string_equal(answer_str(&a, "value"), "AAECAwQFBgcICQoLDA0ODw");
    wrapped[5] = wrapped[5] == 'A' ? 'B' : 'A';
    assert_int_equal(fixture_do(&f, &first, HTTP_POST, path, "{\"alg\":\"%s\",\"value\":\"%s\"}",
                                algs[i][1], wrapped),
                     400);
    EXPECT(400, HTTP_POST, path, "{\"alg\":\"%s\",\"value\":\"AAAA\"}", algs[i][1]);
    assert_true(bytes_equal(buf_bytes(&a.body), buf_bytes(&first.body)));
  }
}

static void life_cycle(void **state) {
  AUTO_ANSWER a = { 0 };
  char blob[16384], kid[256];
  EXPECT(200, HTTP_POST, "/keys/life/create", "{\"kty\":\"oct\"}");
  EXPECT(200, HTTP_POST, "/keys/life/rotate", "%s", "");
  snprintf(kid, sizeof kid, "%s", answer_str(&a, "key.kid"));
  EXPECT(200, HTTP_POST, "/keys/life/backup", "%s", "");
  snprintf(blob, sizeof blob, "%s", answer_str(&a, "value"));
  EXPECT(409, HTTP_POST, "/keys/restore", "{\"value\":\"%s\"}", blob);
  EXPECT(400, HTTP_POST, "/deletedkeys/life/recover", "%s", "");
  INNER("RequestNotAllowedOnNonDeletedObject");
  EXPECT(200, HTTP_DELETE, "/keys/life", "%s", "");
  EXPECT(404, HTTP_GET, "/keys/life", "%s", "");
  EXPECT(409, HTTP_POST, "/keys/life/create", "{\"kty\":\"oct\"}");
  INNER("ObjectIsDeletedButRecoverable");
  EXPECT(404, HTTP_POST, "/keys/life//wrapkey",
         "{\"alg\":\"A256KW\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}");
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, "/deletedkeys/life", "%s", "");
  assert_string_equal(answer_str(&a, "key.kid"), kid);
  EXPECT(200, HTTP_POST, "/deletedkeys/life/recover", "%s", "");
  EXPECT(200, HTTP_POST, "/keys/life//wrapkey",
         "{\"alg\":\"A256KW\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}");
  EXPECT(200, HTTP_DELETE, "/keys/life", "%s", "");
  EXPECT(204, HTTP_DELETE, "/deletedkeys/life", "%s", "");
  EXPECT(404, HTTP_DELETE, "/deletedkeys/life", "%s", "");
  assert_string_equal(answer_str(&a, "error.message"), "Deleted Key not found: life");
  EXPECT(200, HTTP_POST, "/keys/restore", "{\"value\":\"%s\"}", blob);
  assert_string_equal(answer_str(&a, "key.kid"), kid);
  EXPECT(200, HTTP_GET, "/keys/life/versions", "%s", "");
  assert_int_equal(json_array_size(json_object_get(a.json, "value")), 2);
  blob[100] = blob[100] == 'A' ? 'B' : 'A';
  EXPECT(400, HTTP_POST, "/keys/restore", "{\"value\":\"%s\"}", blob);
  CODE("Malformed backup blob");
}

static void lists_are_ordered_and_paged(void **state) {
  AUTO_ANSWER a = { 0 };
  char target[512], before[256] = "";
  size_t seen = 0;
  for (int i = 0; i < 60; i++) {
    snprintf(target, sizeof target, "/keys/%c-list-%d/create", i % 2 ? 'Z' : 'y', i);
    EXPECT(200, HTTP_POST, target, "{\"kty\":\"oct\",\"key_size\":128}");
  }
  snprintf(target, sizeof target, "/keys?maxresults=7");
  for (;;) {
    EXPECT(200, HTTP_GET, target, "%s", "");
    json_t *item, *value = json_object_get(a.json, "value");
    size_t i;
    assert_true(json_array_size(value) <= 7);
    json_array_foreach(value, i, item) {
      const char *kid = json_string_value(json_object_get(item, "kid"));
      assert_true(kid && strcasecmp(before, kid) < 0);
      snprintf(before, sizeof before, "%s", kid ? kid : "");
      seen += strstr(kid, "-list-") != NULL;
    }
    const char *next = answer_str(&a, "nextLink");
    if (!next[0])
      break;
    const char *token = strstr(next, "$skiptoken=");
    assert_non_null(token);
    snprintf(target, sizeof target, "/keys?%s", token);
  }
  assert_int_equal(seen, 60);
  assert_true(json_is_null(json_object_get(a.json, "nextLink")));
  EXPECT(400, HTTP_GET, "/keys?maxresults=26", "%s", "");
  EXPECT(400, HTTP_GET, "/keys?maxresults=0", "%s", "");
  EXPECT(400, HTTP_GET, "/keys?$skiptoken=AAAA", "%s", "");
  EXPECT(200, HTTP_GET, "/keys/never-made/versions", "%s", "");
  assert_int_equal(json_array_size(json_object_get(a.json, "value")), 0);
}

static void durations_go_by_the_calendar(void **state) {
  static const struct {
    const char *iso;
    int sign;
    int64_t from, to;
  } cases[] = {
    { "P7D", 1, 0, 7 * 86400 },
    { "P1W", 1, 0, 7 * 86400 },
    { "P1M", 1, 1706659200 /* 2024-01-31 */, 1709164800 /* 2024-02-29 */ },
    { "P1Y", 1, 1709164800 /* 2024-02-29 */, 1740700800 /* 2025-02-28 */ },
    { "P1M", -1, 1711843200 /* 2024-03-31 */, 1709164800 /* 2024-02-29 */ },
    { "P1Y2M3D", 1, 1704067200 /* 2024-01-01 */, 1741046400 /* 2025-03-04 */ },
  };
  static const char *const bad[] = { "",      "P",      "7D",        "P7",    "PD", "P-7D",
                                     "P1D1M", "P1DT1H", "P9999999D", "P1Y1Y", "p7d" };
  int64_t out;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_true(duration_add(cases[i].iso, cases[i].sign, cases[i].from, &out));
    assert_int_equal(out, cases[i].to);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(duration_add(bad[i], 1, 0, &out));
  assert_true(duration_add("P30D", -1, OBJECT_TIME_MAX, &out));
  assert_false(duration_add("P30D", -1, OBJECT_TIME_MAX + 1, &out));
  assert_false(duration_add("P30D", -1, INT64_MAX, &out));
}

static void policies(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/pol/create", "{\"kty\":\"EC\"}");
  EXPECT(200, HTTP_GET, "/keys/pol/rotationpolicy", "%s", "");
  EXPECT(404, HTTP_GET, "/keys/no-such/rotationpolicy", "%s", "");
  EXPECT(200, HTTP_PUT, "/keys/pol/rotationpolicy",
         "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P18M\"},\"action\":{\"type\":"
         "\"Rotate\"}}],"
         "\"attributes\":{\"expiryTime\":\"P2Y\"}}");
  assert_int_equal(json_array_size(json_object_get(a.json, "lifetimeActions")),
                   2); /* Notify P30D was added */
  EXPECT(200, HTTP_POST, "/keys/pol/rotate", "%s", "");
  assert_true(json_is_integer(json_object_get(json_object_get(a.json, "attributes"), "exp")));
  static const char *const bad[] = {
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P6D\"},\"action\":{\"type\":"
    "\"Rotate\"}}]}",
    "{\"lifetimeActions\":[{\"trigger\":{\"timeBeforeExpiry\":\"P30D\"},\"action\":{\"type\":"
    "\"Rotate\"}}]}",
    "{\"lifetimeActions\":[{\"trigger\":{},\"action\":{\"type\":\"Rotate\"}}]}",
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P30D\"},\"action\":{\"type\":"
    "\"Dance\"}}]}",
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"30 "
    "days\"},\"action\":{\"type\":\"Rotate\"}}]}",
    "{\"attributes\":{\"expiryTime\":\"P27D\"}}",
    "{\"lifetimeActions\":[1]}",
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P60D\"},\"action\":{\"type\":"
    "\"Rotate\"}}],"
    "\"attributes\":{\"expiryTime\":\"P62D\"}}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    EXPECT(400, HTTP_PUT, "/keys/pol/rotationpolicy", "%s", bad[i]);
}

/* What is there already counts, too. */
static void times_are_compared_when_merged(void **state) {
  AUTO_ANSWER a = { 0 };
  EXPECT(200, HTTP_POST, "/keys/times/create",
         "{\"kty\":\"EC\",\"attributes\":{\"exp\":253402300799}}");
  EXPECT(200, HTTP_PATCH, "/keys/times/", "{\"attributes\":{\"nbf\":100}}");
  EXPECT(400, HTTP_PATCH, "/keys/times/", "{\"attributes\":{\"exp\":100}}");
  EXPECT(400, HTTP_PATCH, "/keys/times/", "{\"attributes\":{\"nbf\":253402300799}}");
  EXPECT(200, HTTP_PATCH, "/keys/times/", "{\"attributes\":{\"exp\":101}}");
}

static void survives_a_restart(void **state) {
  AUTO_ANSWER a = { 0 };
  char before[4096];
  EXPECT(200, HTTP_POST, "/keys/stay/create",
         "{\"kty\":\"RSA\",\"tags\":{\"k\":\"v\"},\"attributes\":{\"exp\":4000000000}}");
  EXPECT(200, HTTP_GET, "/keys/stay", "%s", "");
  snprintf(before, sizeof before, "%.*s", (int)a.body.size, (const char *)a.body.data);
  fixture_reopen(&f);
  EXPECT(200, HTTP_GET, "/keys/stay", "%s", "");
  assert_true(bytes_equal_str(buf_bytes(&a.body), before));
}

static void fill(char *out, size_t size, char c) {
  memset(out, c, size - 1);
  out[size - 1] = '\0';
}

/* The largest tags and release policy that a version may have, as the body of a creation. */
static void put_large_body(struct buf *body) {
  char quotes[2 * 250 + 1], letters[251], policy[16384 + 1];
  for (size_t i = 0; i < sizeof quotes - 1; i += 2)
    memcpy(quotes + i, "\\\"", 2);
  quotes[sizeof quotes - 1] = '\0';
  fill(letters, sizeof letters, 'v');
  buf_put_str(body, "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true},\"tags\":{");
  for (int i = 0; i < 15; i++)
    buf_printf(body, "%s\"%02d%s\":\"%s%s\"", i ? "," : "", i, quotes, quotes, "\\\"\\\"");
  fill(policy, sizeof policy, ' ');
  memcpy(policy, "{}", 2);
  buf_put_str(body, "},\"release_policy\":{\"contentType\":\"");
  buf_put_str(body, letters);
  buf_put_str(body, "\",\"data\":\"");
  buf_put_b64url(body, bytes_of(policy, sizeof policy - 1));
  buf_put_str(body, "\"}}");
}

/* What can be backed up can be restored, and fits into what the limits are computed from. */
static void the_largest_backup_can_be_restored(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF body = BUF_EMPTY, backup = BUF_EMPTY;
  put_large_body(&body);
  for (int i = 0; i < OBJECT_VERSIONS_MAX; i++) {
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, "/keys/big/create?api-version=7.4",
                 buf_bytes(&body), &a);
    assert_int_equal(a.status, 200);
  }
  EXPECT(200, HTTP_POST, "/keys/big/backup", "%s", "");
  buf_put_bytes(&backup, buf_bytes(&a.body));
  assert_true(backup.size > 16u << 20);
  EXPECT(200, HTTP_DELETE, "/keys/big", "%s", "");
  EXPECT(204, HTTP_DELETE, "/deletedkeys/big", "%s", "");
  fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, "/keys/restore?api-version=7.4",
               buf_bytes(&backup), &a);
  assert_int_equal(a.status, 200);
}

static void texts_of_a_version_are_bounded(void **state) {
  AUTO_ANSWER a = { 0 };
  char controls[6 * 250 + 1], words[4096];
  AUTO_BUF tags = BUF_EMPTY;
  for (size_t i = 0; i + 1 < sizeof controls; i += 6)
    memcpy(controls + i, "\\u0001", 6);
  controls[sizeof controls - 1] = '\0';
  for (int i = 0; i < 15; i++)
    buf_printf(&tags, "%s\"%02d\":\"%s\"", i ? "," : "", i, controls);
  EXPECT(400, HTTP_POST, "/keys/wide/create", "{\"kty\":\"EC\",\"tags\":{" BYTES_FMT "}}",
         BYTES_ARG(tags));
  fill(words, sizeof words, 'w');
  EXPECT(
    400, HTTP_POST, "/keys/wide/create",
    "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"e30\","
    "\"contentType\":\"%s%s%s%s%s%s%s\"}}",
    words, words, words, words, words, words, words);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(create_shows_what_was_made),
    cmocka_unit_test(bad_parameters_are_named),
    cmocka_unit_test(names_and_paths),
    cmocka_unit_test(key_ops_enabled_and_time),
    cmocka_unit_test(disabled_symmetric_keys_do_nothing),
    cmocka_unit_test(unwrap_failures_look_alike),
    cmocka_unit_test(life_cycle),
    cmocka_unit_test(lists_are_ordered_and_paged),
    cmocka_unit_test(durations_go_by_the_calendar),
    cmocka_unit_test(policies),
    cmocka_unit_test(times_are_compared_when_merged),
    cmocka_unit_test(survives_a_restart),
    cmocka_unit_test(the_largest_backup_can_be_restored),
    cmocka_unit_test(texts_of_a_version_are_bounded),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
