/* Keys: generating, JWK, export and import, PEM. */
#include "check.h"

#include "crypto/x509.h"

#include <openssl/bn.h>
#include <pthread.h>

static struct key *rsa; /* one for all tests: making it takes its time */

static int make_rsa(void **state) {
  rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
  return 0;
}

static int free_rsa(void **state) {
  key_free(rsa);
  return 0;
}

static void assert_refused(err_t e, const char *text) {
  assert_string_equal(err_info(e)->name, "ERR_BAD_PARAMETER");
  assert_string_equal(err_text(e), text);
}

static void each_type_is_generated(void **state) {
  static const struct key_spec specs[] = {
    { KEY_RSA, 2048, CURVE_NONE, 0 },  { KEY_RSA, 3072, CURVE_NONE, 3 },
    { KEY_RSA, 4096, CURVE_NONE, 17 }, { KEY_EC, 256, CURVE_P256, 0 },
    { KEY_EC, 384, CURVE_P384, 0 },    { KEY_EC, 521, CURVE_P521, 0 },
    { KEY_EC, 256, CURVE_P256K, 0 },   { KEY_OCT, 128, CURVE_NONE, 0 },
    { KEY_OCT, 192, CURVE_NONE, 0 },   { KEY_OCT, 256, CURVE_NONE, 0 },
  };
  for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
    struct key *k = NULL, *again = NULL;
    struct secret form = { 0 }, form_again = { 0 };
    assert_ok(key_generate(&specs[i], &k));
    assert_int_equal(key_spec(k)->type, specs[i].type);
    assert_int_equal(key_spec(k)->bits, specs[i].bits);
    assert_int_equal(key_spec(k)->curve, specs[i].curve);
    if (specs[i].type == KEY_RSA)
      assert_int_equal(key_spec(k)->exponent, specs[i].exponent ? specs[i].exponent : 65537);
    assert_true(key_is_private(k));
    assert_ok(key_export(k, &form));
    assert_ok(key_import(specs[i].type, secret_bytes(&form), &again));
    assert_ok(key_export(again, &form_again));
    assert_bytes(secret_bytes(&form_again), secret_bytes(&form));
    if (specs[i].type != KEY_OCT)
      assert_ok(key_check(again));
    secret_free(&form);
    secret_free(&form_again);
    key_free(again);
    key_free(k);
  }
}

static void ec_may_be_asked_for_by_size(void **state) {
  struct key_spec spec = { .type = KEY_EC, .bits = 384 };
  struct key *k = NULL;
  assert_ok(key_generate(&spec, &k));
  assert_int_equal(key_spec(k)->curve, CURVE_P384);
  key_free(k);
}

static void other_sizes_are_refused(void **state) {
  struct key *k = NULL;
  struct key_spec spec = { .type = KEY_RSA, .bits = 1024 };
  assert_refused(key_generate(&spec, &k),
                 "Unsupported key size (1024). Supported sizes are [2048, 3072, 4096]");
  spec = (struct key_spec){ .type = KEY_EC, .bits = 4096 };
  assert_refused(key_generate(&spec, &k),
                 "Unsupported key size (4096). Supported sizes are [256, 384, 521]");
  spec = (struct key_spec){ .type = KEY_EC, .bits = 384, .curve = CURVE_P256 };
  assert_refused(key_generate(&spec, &k),
                 "Unsupported key size (384). Supported sizes are [256, 384, 521]");
  spec = (struct key_spec){ .type = KEY_OCT, .bits = 512 };
  assert_refused(key_generate(&spec, &k),
                 "Unsupported key size (512). Supported sizes are [128, 192, 256]");
  assert_null(k);
}

static void other_exponents_are_refused(void **state) {
  static const uint32_t exponents[] = { 1, 2, 65536 };
  for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
    struct key *k = NULL;
    struct key_spec spec = { .type = KEY_RSA, .bits = 2048, .exponent = exponents[i] };
    assert_err(key_generate(&spec, &k), ERR_BAD_PARAMETER);
  }
}

/* RFC 7638, 3.1. */
static void rsa_thumbprint_known_answer(void **state) {
  struct key *k = NULL;
  char kid[44];
  assert_ok(from_jwk_text(
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\","
    "\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6t"
    "Soc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0"
    "_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4v"
    "MQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}",
    &k));
  assert_false(key_is_private(k));
  assert_ok(key_thumbprint(k, kid));
  assert_string_equal(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  struct secret form = { 0 };
  assert_err(key_export(k, &form), ERR_INTERNAL);
  key_free(k);
}

#define EC_X_TEXT "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define EC_Y_TEXT "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define EC_D_TEXT "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"

/* The key of RFC 7517, A.2. */
static void ec_members_are_those_given(void **state) {
  struct key *k = NULL;
  struct buf b = BUF_EMPTY;
  char kid[44];
  assert_ok(from_jwk_text("{\"kty\":\"EC-HSM\",\"crv\":\"P-256\",\"x\":\"" EC_X_TEXT
                          "\",\"y\":\"" EC_Y_TEXT "\",\"d\":\"" EC_D_TEXT "\"}",
                          &k));
  assert_true(key_is_private(k));
  assert_ok(key_public_members(k, &b));
  assert_bytes(buf_bytes(&b),
               str("\"crv\":\"P-256\",\"x\":\"" EC_X_TEXT "\",\"y\":\"" EC_Y_TEXT "\""));
  assert_ok(key_thumbprint(k, kid));
  assert_string_equal(kid, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
  buf_free(&b);
  key_free(k);
}

static void oct_gives_nothing_away(void **state) {
  struct key *k = NULL;
  struct buf b = BUF_EMPTY;
  char kid[44];
  assert_ok(from_jwk_text("{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}", &k));
  assert_int_equal(key_spec(k)->bits, 128);
  assert_ok(key_public_members(k, &b));
  assert_int_equal(b.size, 0);
  assert_err(key_thumbprint(k, kid), ERR_BAD_PARAMETER);
  key_free(k);
}

static void assert_same_export(const struct key *a, const struct key *b) {
  struct secret x = { 0 }, y = { 0 };
  assert_ok(key_export(a, &x));
  assert_ok(key_export(b, &y));
  assert_true(crypto_equal(secret_bytes(&x), secret_bytes(&y)));
  secret_free(&x);
  secret_free(&y);
}

static void private_keys_come_back_from_jwk(void **state) {
  for (unsigned i = 0; i < 5; i++) {
    struct key *made = i == 0 ? key_ref(rsa) : new_key(KEY_EC, 0, (enum key_curve)i), *k = NULL;
    json_t *j = private_jwk(made, true);
    assert_ok(key_from_jwk(j, &k));
    assert_same_export(k, made);
    key_free(k);
    json_decref(j);
    key_free(made);
  }
}

/* Which of the primes is called p is free; p > q is what comes out. */
static void absent_primes_are_computed(void **state) {
  json_t *j = private_jwk(rsa, false);
  struct key *k = NULL, *again = NULL;
  assert_ok(key_from_jwk(j, &k));
  assert_ok(key_check(k));
  struct rsa_numbers n = { 0 }, m = { 0 };
  assert_ok(rsa_numbers_of(rsa, true, &n));
  assert_ok(rsa_numbers_of(k, true, &m));
  bool same = crypto_equal(secret_bytes(&n.part[RSA_P]), secret_bytes(&m.part[RSA_P]));
  bool swapped = crypto_equal(secret_bytes(&n.part[RSA_P]), secret_bytes(&m.part[RSA_Q]));
  assert_true(same || swapped);
  assert_true(memcmp(m.part[RSA_P].data, m.part[RSA_Q].data, m.part[RSA_P].size) > 0);
  rsa_numbers_free(&n);
  rsa_numbers_free(&m);
  json_t *whole = private_jwk(k, true);
  assert_ok(key_from_jwk(whole, &again));
  assert_same_export(again, k);
  key_free(again);
  key_free(k);
  json_decref(whole);
  json_decref(j);
}

static json_t *number(const BIGNUM *n) {
  uint8_t bytes[512];
  struct buf b = BUF_EMPTY;
  buf_put_b64url(&b, bytes_of(bytes, (size_t)BN_bn2bin(n, bytes)));
  json_t *text = json_stringn((char *)b.data, b.size);
  buf_free(&b);
  return text;
}

/* A prime and the one after it: whoever has the modulus finds them by its square root. */
static void close_primes_are_refused(void **state) {
  BN_CTX *ctx = BN_CTX_new();
  BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *e = BN_new(), *d = BN_new();
  BN_set_word(e, 65537);
  do {
    assert_true(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL) && BN_copy(q, p));
    do
      BN_add_word(q, 2);
    while (!BN_check_prime(q, ctx, NULL));
    BN_mul(n, p, q, ctx);
    BN_sub_word(p, 1);
    BN_sub_word(q, 1);
    BN_mul(d, p, q, ctx);
  } while (!BN_mod_inverse(d, e, d, ctx));
  json_t *j =
    json_pack("{s:s, s:o, s:o, s:o}", "kty", "RSA", "n", number(n), "e", number(e), "d", number(d));
  struct key *k = NULL;
  assert_refused(key_from_jwk(j, &k), "The primes of this RSA key are too close to each other.");
  json_decref(j);
  BIGNUM *all[] = { p, q, n, e, d };
  for (size_t i = 0; i < 5; i++)
    BN_free(all[i]);
  BN_CTX_free(ctx);
}

static json_t *with(json_t *j, const char *member, struct bytes value) {
  struct buf b = BUF_EMPTY;
  buf_put_b64url(&b, value);
  assert_int_equal(json_object_set_new(j, member, json_stringn((char *)b.data, b.size)), 0);
  buf_free(&b);
  return j;
}

/* The member's bytes after a room for more in front. */
static uint8_t *decoded(json_t *j, const char *member, size_t before, size_t *size) {
  static uint8_t room[2048];
  memset(room, 0, sizeof room);
  struct bytes text = str(json_string_value(json_object_get(j, member)));
  assert_ok(b64url_decode(text, room + before, sizeof room - before, size));
  return room;
}

static void flip(json_t *j, const char *member, unsigned bits) {
  size_t n;
  uint8_t *v = decoded(j, member, 0, &n);
  v[n - 1] ^= (uint8_t)bits;
  (void)with(j, member, bytes_of(v, n));
}

static void leading_zeros_are_accepted(void **state) {
  static const char *const members[] = { "n", "e", "d", "p", "qi" };
  json_t *j = private_jwk(rsa, true);
  for (unsigned i = 0; i < 5; i++) {
    size_t n;
    uint8_t *v = decoded(j, members[i], 2, &n);
    (void)with(j, members[i], bytes_of(v, n + 2));
  }
  struct key *k = NULL;
  assert_ok(key_from_jwk(j, &k));
  assert_same_export(k, rsa);
  key_free(k);
  json_decref(j);
}

/* Each number of a private key, changed by a little. */
static void numbers_that_do_not_fit_are_refused(void **state) {
  static const char *const rsa_names[] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };
  static const char *const ec_names[] = { "x", "y", "d" };
  struct key *k = NULL, *ec = new_key(KEY_EC, 0, CURVE_P384);
  for (unsigned i = 0; i < 8; i++) {
    json_t *j = private_jwk(rsa, true);
    flip(j, rsa_names[i], 2);
    assert_err(key_from_jwk(j, &k), ERR_BAD_PARAMETER);
    json_decref(j);
  }
  for (unsigned i = 0; i < 3; i++) {
    json_t *j = private_jwk(rsa, false);
    flip(j, rsa_names[i], 2);
    assert_err(key_from_jwk(j, &k), ERR_BAD_PARAMETER);
    json_decref(j);
    j = private_jwk(ec, true);
    flip(j, ec_names[i], 1);
    assert_err(key_from_jwk(j, &k), ERR_BAD_PARAMETER);
    json_decref(j);
  }
  assert_null(k);
  key_free(ec);
}

static void public_points_off_the_curve_are_refused(void **state) {
  struct key *k = NULL;
  assert_err(from_jwk_text("{\"kty\":\"EC\",\"crv\":\"P-256K\",\"x\":\"" EC_X_TEXT
                           "\",\"y\":\"" EC_Y_TEXT "\"}",
                           &k),
             ERR_BAD_PARAMETER);
  assert_err(from_jwk_text("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X_TEXT
                           "\",\"y\":\"" EC_Y_TEXT "\"}",
                           &k),
             ERR_BAD_PARAMETER);
  /* x = p + a coordinate would be the same point */
  uint8_t ones[32];
  memset(ones, 0xff, sizeof ones);
  struct key *ec = new_key(KEY_EC, 0, CURVE_P256);
  json_t *j = with(public_jwk(ec), "x", bytes_of(ones, sizeof ones));
  assert_refused(key_from_jwk(j, &k), "Property x has invalid value: x, y and d must be a point of "
                                      "the curve and its private number\r\n");
  json_decref(j);
  key_free(ec);
}

/* d = 0, d = n, d = n + 1 for P-256; d = n for RSA. */
static void private_numbers_out_of_range_are_refused(void **state) {
  static const char *const order =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  struct key *k = NULL, *ec = new_key(KEY_EC, 0, CURVE_P256);
  json_t *j = private_jwk(ec, true);
  assert_err(key_from_jwk(with(j, "d", hex(order)), &k), ERR_BAD_PARAMETER);
  assert_err(key_from_jwk(with(j, "d", hex("00")), &k), ERR_BAD_PARAMETER);
  assert_err(key_from_jwk(with(j, "d", (struct bytes){ 0 }), &k), ERR_BAD_PARAMETER);
  json_decref(j);
  j = private_jwk(rsa, false);
  (void)json_object_set(j, "d", json_object_get(j, "n"));
  assert_refused(key_from_jwk(j, &k), "Property d has invalid value: it must be less than n\r\n");
  json_decref(j);
  key_free(ec);
}

static void rsa_numbers_not_offered_are_refused(void **state) {
  struct key *k = NULL;
  json_t *j = public_jwk(rsa);
  size_t n;
  uint8_t *v = decoded(j, "n", 0, &n);
  v[n - 1] &= 0xfe;
  assert_refused(key_from_jwk(with(j, "n", bytes_of(v, n)), &k),
                 "Property n has invalid value: an odd number expected\r\n");
  v[n - 1] |= 1;
  v[0] &= 0x7f;
  v[0] |= 0x40;
  assert_refused(key_from_jwk(with(j, "n", bytes_of(v, n)), &k),
                 "Unsupported key size (2047). Supported sizes are [2048, 3072, 4096]");
  assert_refused(key_from_jwk(with(j, "n", bytes_of(v, 1025)), &k),
                 "Property n has invalid value: it is too long\r\n");
  json_decref(j);
  static const char *const exponents[] = { "01", "02", "010000", "0100000001", "ffffffffffffffffff",
                                           "00" };
  j = public_jwk(rsa);
  for (unsigned i = 0; i < sizeof exponents / sizeof *exponents; i++)
    assert_err(key_from_jwk(with(j, "e", hex(exponents[i])), &k), ERR_BAD_PARAMETER);
  json_decref(j);
  assert_null(k);
}

/* 2^2048 - 1 is a multiple of 3. */
static void moduli_with_small_factors_are_refused(void **state) {
  struct key *k = NULL;
  json_t *j = public_jwk(rsa);
  uint8_t v[256];
  memset(v, 0xff, sizeof v);
  assert_err(key_from_jwk(with(j, "n", bytes_of(v, sizeof v)), &k), ERR_BAD_PARAMETER);
  json_decref(j);
}

static void members_must_be_complete(void **state) {
  static const char *const parts[] = { "p", "q", "dp", "dq", "qi", "d", "n", "e" };
  struct key *k = NULL;
  for (unsigned i = 0; i < 8; i++) {
    json_t *j = private_jwk(rsa, true);
    (void)json_object_del(j, parts[i]);
    assert_err(key_from_jwk(j, &k), ERR_BAD_PARAMETER);
    json_decref(j);
  }
  json_t *j = private_jwk(rsa, true);
  (void)json_object_set_new(j, "oth", json_array());
  assert_err(key_from_jwk(j, &k), ERR_BAD_PARAMETER);
  json_decref(j);
  assert_null(k);
}

static void malformed_jwks_are_refused(void **state) {
  static const char *const texts[] = {
    "{}",
    "{\"kty\":null}",
    "{\"kty\":1}",
    "{\"kty\":\"rsa\"}",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
    "{\"kty\":\"RSA\"}",
    "{\"kty\":\"RSA\",\"n\":5,\"e\":\"AQAB\"}",
    "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
    "{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}",
    "{\"kty\":\"RSA\",\"n\":\"_w==\",\"e\":\"AQAB\"}",
    "{\"kty\":\"EC\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-224\",\"x\":\"AQ\",\"y\":\"AQ\"}",
    "{\"kty\":\"EC\",\"crv\":\"p-256\",\"x\":\"" EC_X_TEXT "\",\"y\":\"" EC_Y_TEXT "\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X_TEXT "\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X_TEXT "\",\"y\":\"+" EC_Y_TEXT "\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X_TEXT "\",\"y\":\"" EC_X_TEXT "\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ" EC_X_TEXT "AQ\",\"y\":\"" EC_Y_TEXT "\"}",
    "{\"kty\":\"oct\"}",
    "{\"kty\":\"oct\",\"k\":\"\"}",
    "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0O\"}",
    "{\"kty\":\"oct\",\"k\":\"AAECAwQFBgcICQoLDA0ODx\"}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct key *k = NULL;
    err_t e = from_jwk_text(texts[i], &k);
    if (e != ERR_BAD_PARAMETER)
      print_error("%s: %s\n", texts[i], err_info(e)->name);
    assert_string_equal(err_info(e)->name, "ERR_BAD_PARAMETER");
    assert_null(k);
  }
}

static void damaged_private_forms_are_refused(void **state) {
  struct key *ec = new_key(KEY_EC, 0, CURVE_P256), *k = NULL;
  struct secret form = { 0 };
  assert_ok(key_export(ec, &form));
  for (size_t n = 0; n < form.size; n++)
    assert_err(key_import(KEY_EC, bytes_of(form.data, n), &k), ERR_BAD_PARAMETER);
  assert_err(key_import(KEY_RSA, secret_bytes(&form), &k), ERR_BAD_PARAMETER);
  struct secret longer = { 0 };
  assert_ok(secret_new(form.size + 1, &longer));
  memcpy(longer.data, form.data, form.size);
  assert_err(key_import(KEY_EC, secret_bytes(&longer), &k), ERR_BAD_PARAMETER);
  secret_free(&longer);
  secret_free(&form);
  assert_refused(key_import(KEY_OCT, str("fifteen bytes.."), &k),
                 "Unsupported key size (120). Supported sizes are [128, 192, 256]");
  assert_err(key_import(KEY_OCT, str("this is a good deal longer than 32 bytes"), &k),
             ERR_BAD_PARAMETER);
  assert_null(k);
  key_free(ec);
}

static void pem_goes_out_and_comes_back(void **state) {
  struct key *keys[] = { key_ref(rsa), new_key(KEY_EC, 0, CURVE_P521) };
  for (unsigned i = 0; i < 2; i++) {
    struct secret pem = { 0 };
    struct key *k = NULL;
    assert_ok(key_to_pem(keys[i], &pem));
    assert_true(bytes_starts(secret_bytes(&pem), "-----BEGIN PRIVATE KEY-----\n"));
    assert_ok(key_from_pem(secret_bytes(&pem), &k));
    assert_same_export(k, keys[i]);
    key_free(k);
    pem.data[40] ^= 1;
    assert_err(key_from_pem(secret_bytes(&pem), &k), ERR_BAD_PARAMETER);
    secret_free(&pem);
    key_free(keys[i]);
  }
}

#define ENCRYPTED_PEM \
  "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n" \
  "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n" \
  "-----END RSA PRIVATE KEY-----\n"

static void pem_without_a_private_key_is_refused(void **state) {
  static const char *const texts[] = {
    "",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ENCRYPTED_PEM,
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct key *k = NULL;
    assert_err(key_from_pem(str(texts[i]), &k), ERR_BAD_PARAMETER);
  }
  struct key *oct = new_key(KEY_OCT, 128, CURVE_NONE);
  struct secret pem = { 0 };
  assert_err(key_to_pem(oct, &pem), ERR_BAD_PARAMETER);
  key_free(oct);
}

static void *share(void *arg) {
  for (unsigned i = 0; i < 1000; i++)
    key_free(key_ref(arg));
  return NULL;
}

static void shares_are_counted_across_threads(void **state) {
  struct key *k = new_key(KEY_OCT, 256, CURVE_NONE);
  pthread_t threads[4];
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, share, k), 0);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  struct secret form = { 0 };
  assert_ok(key_export(k, &form));
  secret_free(&form);
  key_free(k);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_type_is_generated),
    cmocka_unit_test(ec_may_be_asked_for_by_size),
    cmocka_unit_test(other_sizes_are_refused),
    cmocka_unit_test(other_exponents_are_refused),
    cmocka_unit_test(rsa_thumbprint_known_answer),
    cmocka_unit_test(ec_members_are_those_given),
    cmocka_unit_test(oct_gives_nothing_away),
    cmocka_unit_test(private_keys_come_back_from_jwk),
    cmocka_unit_test(absent_primes_are_computed),
    cmocka_unit_test(close_primes_are_refused),
    cmocka_unit_test(leading_zeros_are_accepted),
    cmocka_unit_test(numbers_that_do_not_fit_are_refused),
    cmocka_unit_test(public_points_off_the_curve_are_refused),
    cmocka_unit_test(private_numbers_out_of_range_are_refused),
    cmocka_unit_test(rsa_numbers_not_offered_are_refused),
    cmocka_unit_test(moduli_with_small_factors_are_refused),
    cmocka_unit_test(members_must_be_complete),
    cmocka_unit_test(malformed_jwks_are_refused),
    cmocka_unit_test(damaged_private_forms_are_refused),
    cmocka_unit_test(pem_goes_out_and_comes_back),
    cmocka_unit_test(pem_without_a_private_key_is_refused),
    cmocka_unit_test(shares_are_counted_across_threads),
  };
  return cmocka_run_group_tests(tests, make_rsa, free_rsa);
}
