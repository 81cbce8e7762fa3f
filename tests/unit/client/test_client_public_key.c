/* Wrapping data keys without the vault. */
#include "client/public_key.h"

#include "base/write.h"
#include "crypto/alg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ID "https://kv.example:8443/keys/cores/0123456789abcdef0123456789abcdef"

static struct key *pair;
static struct buf members;

static int start(void **state) {
  bool locked;
  const struct key_spec spec = { .type = KEY_RSA, .bits = 2048 };
  if (crypto_init(1u << 20, &locked) != OK || key_generate(&spec, &pair) != OK)
    return -1;
  return key_public_members(pair, &members) == OK ? 0 : -1;
}
static int end(void **state) {
  key_free(pair);
  buf_free(&members);
  return 0;
}

static err_t read_jwk(const char *before, const char *kid, const char *after,
                      struct public_key **out) {
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "%s{\"kid\":\"%s\",\"kty\":\"RSA\"," BYTES_FMT "}%s", before, kid,
             BYTES_ARG(buf_bytes(&members)), after);
  assert_int_equal(buf_ok(&text), OK);
  return public_key_read(buf_bytes(&text), "test.jwk", out);
}

static void only_the_private_key_unwraps(void **state) {
  AUTO(public_key) struct public_key *k = NULL;
  AUTO_SECRET plain = { 0 };
  AUTO_BUF again = BUF_EMPTY;
  struct wrapped w;
  assert_int_equal(read_jwk("", ID, "", &k), OK);
  assert_string_equal(public_key_id(k), ID);
  struct key_service s = public_key_service(k);
  assert_int_equal(secret_random(DATA_KEY_SIZE, &plain), OK);
  assert_int_equal(s.wrap(s.ctx, ID, secret_bytes(&plain), &w), OK);
  assert_string_equal(w.key_id, ID);
  assert_string_equal(w.alg, "RSA-OAEP-256");
  assert_int_equal(w.size, 256);
  const struct alg *alg = alg_find(bytes_str(w.alg));
  assert_int_equal(alg_unwrap(alg, pair, bytes_of(w.data, w.size), &again), OK);
  assert_true(crypto_equal(buf_bytes(&again), secret_bytes(&plain)));
  AUTO_SECRET none = { 0 };
  assert_int_equal(s.unwrap(s.ctx, &w, &none), ERR_FORBIDDEN);
}

static void serves_a_cache(void **state) {
  AUTO(public_key) struct public_key *k = NULL;
  AUTO(key_cache) struct key_cache *cache = NULL;
  AUTO(data_key) struct data_key *d = NULL;
  assert_int_equal(read_jwk("", ID, "", &k), OK);
  struct key_service s = public_key_service(k);
  assert_int_equal(key_cache_new(&s, NULL, &cache), OK);
  assert_int_equal(key_cache_for_sealing(cache, ID, &d), OK);
  assert_string_equal(d->wrapped.key_id, ID);
}

static void takes_the_vaults_answer(void **state) {
  AUTO(public_key) struct public_key *k = NULL;
  assert_int_equal(read_jwk("{\"key\":", ID, ",\"attributes\":{\"enabled\":true}}", &k), OK);
  assert_string_equal(public_key_id(k), ID);
}

static void wraps_for_nobody_else(void **state) {
  AUTO(public_key) struct public_key *k = NULL;
  static const struct {
    const char *key;
    err_t expected;
  } cases[] = {
    { "cores", OK },
    { "CORES", OK },
    { "cores/0123456789abcdef0123456789abcdef", OK },
    { "cores/0123456789abcdef0123456789abcde0", ERR_BAD_PARAMETER },
    { "core", ERR_BAD_PARAMETER },
    { "https://kv.example:8443/keys/other/0123456789abcdef0123456789abcdef", ERR_BAD_PARAMETER },
    { "", ERR_BAD_PARAMETER },
  };
  assert_int_equal(read_jwk("", ID, "", &k), OK);
  struct key_service s = public_key_service(k);
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct wrapped w;
    assert_int_equal(s.wrap(s.ctx, cases[i].key, bytes_str("0123456789abcdef"), &w),
                     cases[i].expected);
  }
}

static void refuses_what_is_no_public_key(void **state) {
  static const char *const bad[] = {
    "",
    "{}",
    "[]",
    "{\"key\":5}",
    "{\"kid\":\"" ID "\"}",
    "{\"kid\":\"" ID "\",\"kty\":\"RSA\"}",
    "{\"kid\":\"" ID "\",\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
    "{\"kid\":\"" ID "\",\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}",
    "{\"kid\":\"" ID "\",\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}",
  };
  static const char *const bad_ids[] = { "", "cores", "https://kv.example:8443/keys/cores",
                                         "cores/0123456789abcdef0123456789abcdef" };
  struct public_key *k = NULL;
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_int_equal(public_key_read(bytes_str(bad[i]), "test.jwk", &k), ERR_CONFIG);
    assert_null(k);
  }
  for (size_t i = 0; i < COUNT(bad_ids); i++)
    assert_int_equal(read_jwk("", bad_ids[i], "", &k), ERR_CONFIG);
}

/* RFC 7517, A.2: a key pair. */
static void refuses_a_private_key(void **state) {
  static const char jwk[] =
    "{\"kid\":\"" ID "\",\"kty\":\"RSA\",\"n\":"
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vM"
    "QFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
    "\"d\":\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-"
    "HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbF"
    "AKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_"
    "c"
    "PVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4"
    "q"
    "wjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q\"}";
  struct public_key *k = NULL;
  assert_int_equal(public_key_read(bytes_str(jwk), "test.jwk", &k), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "private"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_the_private_key_unwraps),  cmocka_unit_test(serves_a_cache),
    cmocka_unit_test(takes_the_vaults_answer),       cmocka_unit_test(wraps_for_nobody_else),
    cmocka_unit_test(refuses_what_is_no_public_key), cmocka_unit_test(refuses_a_private_key),
  };
  return cmocka_run_group_tests(tests, start, end);
}
