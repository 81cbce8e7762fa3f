/* JWS in compact form: what is signed verifies, and everything that is not exactly that is
 * refused. */
#include "check.h"

#include "crypto/jws.h"

static struct key *rsa, *ec;

static int make_keys(void **state) {
  rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
  ec = new_key(KEY_EC, 0, CURVE_P256);
  return 0;
}

static int free_keys(void **state) {
  key_free(rsa);
  key_free(ec);
  return 0;
}

static struct key *key_for(const char *alg) {
  return alg[0] == 'E' ? ec : rsa;
}

static void what_is_signed_verifies(void **state) {
  static const char *const algs[] = { "RS256", "PS256", "ES256" };
  for (unsigned i = 0; i < 3; i++) {
    struct buf token = BUF_EMPTY;
    struct jws j = { 0 };
    buf_put_str(&token, "Bearer ");
    assert_ok(jws_sign(key_for(algs[i]), algs[i], "a \"kid\"", str("{\"sub\":\"me\"}"), &token));
    assert_ok(jws_parse(bytes_of(token.data + 7, token.size - 7), &j));
    assert_string_equal(alg_name(j.alg), algs[i]);
    assert_string_equal(json_string_value(json_object_get(j.header, "alg")), algs[i]);
    assert_string_equal(json_string_value(json_object_get(j.header, "typ")), "JWT");
    assert_string_equal(json_string_value(json_object_get(j.header, "kid")), "a \"kid\"");
    assert_string_equal(json_string_value(json_object_get(j.claims, "sub")), "me");
    assert_ok(jws_verify(&j, key_for(algs[i])));
    j.signature[0] ^= 1;
    assert_err(jws_verify(&j, key_for(algs[i])), ERR_UNAUTHORIZED);
    jws_free(&j);
    buf_free(&token);
  }
}

/* RFC 7515, A.3: ES256. */
static void es256_known_answer(void **state) {
  static const char token[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN"
    "vbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
    "xfKTUJqPP3-Kg6NU1Q";
  struct key *k = NULL;
  struct jws j = { 0 };
  assert_ok(from_jwk_text("{\"kty\":\"EC\",\"crv\":\"P-256\","
                          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
                          &k));
  assert_ok(jws_parse(str(token), &j));
  assert_ok(jws_verify(&j, k));
  jws_free(&j);
  key_free(k);
}

static void another_key_does_not_verify(void **state) {
  struct buf token = BUF_EMPTY;
  struct jws j = { 0 };
  struct key *other = new_key(KEY_RSA, 2048, CURVE_NONE), *p384 = new_key(KEY_EC, 0, CURVE_P384);
  struct key *oct = new_key(KEY_OCT, 256, CURVE_NONE);
  assert_ok(jws_sign(rsa, "RS256", "k", str("{}"), &token));
  assert_ok(jws_parse(buf_bytes(&token), &j));
  assert_err(jws_verify(&j, other), ERR_UNAUTHORIZED);
  assert_err(jws_verify(&j, ec), ERR_UNAUTHORIZED);
  assert_err(jws_verify(&j, p384), ERR_UNAUTHORIZED);
  assert_err(jws_verify(&j, oct), ERR_UNAUTHORIZED);
  jws_free(&j);
  key_free(other);
  key_free(p384);
  key_free(oct);
  buf_free(&token);
}

static void signing_refuses_what_verifying_would(void **state) {
  static const char *const algs[] = { "none", "HS256", "RS384", "ES384", "" };
  struct buf token = BUF_EMPTY;
  for (unsigned i = 0; i < 5; i++)
    assert_err(jws_sign(rsa, algs[i], "k", str("{}"), &token), ERR_BAD_PARAMETER);
  assert_err(jws_sign(ec, "RS256", "k", str("{}"), &token), ERR_BAD_PARAMETER);
  assert_int_equal(token.size, 0);
}

static void each_changed_character_is_noticed(void **state) {
  struct buf token = BUF_EMPTY;
  assert_ok(jws_sign(ec, "ES256", "k", str("{\"sub\":\"me\"}"), &token));
  for (size_t i = 0; i < token.size; i++) {
    uint8_t was = token.data[i];
    struct jws j = { 0 };
    token.data[i] = was == 'A' ? 'B' : 'A';
    err_t e = jws_parse(buf_bytes(&token), &j);
    if (e == OK)
      e = jws_verify(&j, ec);
    assert_string_equal(err_info(e)->name, "ERR_UNAUTHORIZED");
    jws_free(&j);
    token.data[i] = was;
  }
  buf_free(&token);
}

static void part(struct buf *out, const char *text) {
  buf_put_b64url(out, str(text));
}

static void assert_refused(struct bytes token) {
  struct jws j = { 0 };
  assert_err(jws_parse(token, &j), ERR_UNAUTHORIZED);
  assert_null(j.header);
  assert_null(j.claims);
}

static void headers_and_claims_not_understood_are_refused(void **state) {
  static const char *const parts[][2] = {
    { "{\"alg\":\"none\"}", "{}" },
    { "{\"alg\":\"None\"}", "{}" },
    { "{\"alg\":\"HS256\"}", "{}" },
    { "{\"alg\":\"RS384\"}", "{}" },
    { "{\"alg\":\"ES256K\"}", "{}" },
    { "{\"alg\":\"RSA-OAEP\"}", "{}" },
    { "{\"alg\":\"RSNULL\"}", "{}" },
    { "{\"alg\":null}", "{}" },
    { "{\"alg\":256}", "{}" },
    { "{\"alg\":[\"RS256\"]}", "{}" },
    { "{}", "{}" },
    { "[]", "{}" },
    { "\"RS256\"", "{}" },
    { "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", "{}" },
    { "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "{}" },
    { "{\"alg\":\"RS256\",\"crit\":null}", "{}" },
    { "{\"alg\":\"RS256\",\"b64\":true}", "{}" },
    { "{\"alg\":\"RS256\",\"b64\":false}", "{}" },
    { "{\"alg\":\"RS256\"} x", "{}" },
    { "{\"alg\":\"RS256\"", "{}" },
    { "{\"alg\":\"RS256\"}", "[]" },
    { "{\"alg\":\"RS256\"}", "text" },
    { "{\"alg\":\"RS256\"}", "{\"sub\":\"a\",\"sub\":\"b\"}" },
    { "{\"alg\":\"RS256\"}", "{\"sub\":\"a\\u0000b\"}" },
  };
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    struct buf b = BUF_EMPTY;
    part(&b, parts[i][0]);
    buf_put_char(&b, '.');
    part(&b, parts[i][1]);
    buf_put_str(&b, ".AAAA");
    assert_refused(buf_bytes(&b));
    buf_free(&b);
  }
}

#define H "eyJhbGciOiJSUzI1NiJ9" /* {"alg":"RS256"} */

static void malformed_tokens_are_refused(void **state) {
  static const char *const tokens[] = {
    "",
    ".",
    "..",
    "...",
    H,
    H ".",
    H ".e30",
    H ".e30.",
    H "..AAAA",
    ".e30.AAAA",
    H ".e30..",
    "." H ".e30",
    H ".e30.AAAA.",
    H ".e30.AA.AA",
    H ".e30.AAAA.e30.AAAA",
    " " H ".e30.AAAA",
    H ".e30.AAAA ",
    H ".e30.AAAA\n",
    H ".e30.AAA=",
    H ".e30=.AAAA",
    H "=.e30.AAAA",
    H ".e30.AB",
    H ".e31.AAAA",
    H ".e3 0.AAAA",
    H ".e30.A",
    H ".e30.+/+/",
  };
  struct jws j = { 0 };
  assert_ok(jws_parse(str(H ".e30.AAAA"), &j));
  jws_free(&j);
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
    assert_refused(str(tokens[i]));
  assert_refused((struct bytes){ 0 });
}

static void sizes_are_limited(void **state) {
  struct buf b = BUF_EMPTY;
  struct jws j = { 0 };
  buf_put_str(&b, H ".e30.");
  while (b.size < 1024 / 3 * 4 + 25)
    buf_put_str(&b, "AAAA");
  assert_ok(jws_parse(bytes_of(b.data, sizeof H ".e30." - 1 + 1364), &j));
  assert_int_equal(j.signature_size, 1023);
  jws_free(&j);
  assert_refused(bytes_of(b.data, sizeof H ".e30." - 1 + 1368));
  while (b.size <= JWS_MAX)
    buf_put_str(&b, "AAAA");
  assert_refused(buf_bytes(&b));
  buf_free(&b);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_signed_verifies),
    cmocka_unit_test(es256_known_answer),
    cmocka_unit_test(another_key_does_not_verify),
    cmocka_unit_test(signing_refuses_what_verifying_would),
    cmocka_unit_test(each_changed_character_is_noticed),
    cmocka_unit_test(headers_and_claims_not_understood_are_refused),
    cmocka_unit_test(malformed_tokens_are_refused),
    cmocka_unit_test(sizes_are_limited),
  };
  return cmocka_run_group_tests(tests, make_keys, free_keys);
}
