/* Secrets, digests, key derivation and sealing. */
#include "check.h"

#include <openssl/crypto.h>

static void secrets_live_on_the_secure_heap(void **state) {
  size_t before = CRYPTO_secure_used();
  struct secret s = { 0 }, copy = { 0 };
  assert_ok(secret_new(100, &s));
  assert_true(CRYPTO_secure_allocated(s.data));
  for (size_t i = 0; i < s.size; i++)
    assert_int_equal(s.data[i], 0);
  assert_ok(secret_copy(str("a secret"), &copy));
  assert_bytes(secret_bytes(&copy), str("a secret"));
  assert_true(CRYPTO_secure_used() > before);
  uint8_t *freed = copy.data;
  secret_free(&copy);
  assert_null(copy.data);
  assert_memory_not_equal(freed, "a secret", 8);
  secret_free(&s);
  secret_free(&s);
  assert_int_equal(CRYPTO_secure_used(), before);
}

static void a_full_secure_heap_is_an_error(void **state) {
  struct secret s = { 0 };
  assert_err(secret_new(2 * HEAP_SIZE, &s), ERR_NOMEM);
  assert_null(s.data);
}

static void random_secrets_differ(void **state) {
  struct secret a = { 0 }, b = { 0 };
  assert_ok(secret_random(32, &a));
  assert_ok(secret_random(32, &b));
  assert_false(crypto_equal(secret_bytes(&a), secret_bytes(&b)));
  secret_free(&a);
  secret_free(&b);
}

static void equal_compares_size_and_bytes(void **state) {
  assert_true(crypto_equal(str("abc"), str("abc")));
  assert_false(crypto_equal(str("abc"), str("abd")));
  assert_false(crypto_equal(str("abc"), str("abcd")));
  assert_true(crypto_equal((struct bytes){ 0 }, (struct bytes){ 0 }));
}

static void sha256_known_answers(void **state) {
  uint8_t out[SHA256_SIZE];
  struct bytes abc = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_ok(crypto_sha256(str("abc"), out));
  assert_memory_equal(out, abc.data, sizeof out);
  struct bytes parts[] = { str("a"), { 0 }, str("bc") };
  assert_ok(crypto_sha256_parts(parts, 3, out));
  assert_memory_equal(out, abc.data, sizeof out);
  assert_ok(crypto_sha256((struct bytes){ 0 }, out));
  assert_memory_equal(
    out, hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").data, sizeof out);
}

/* RFC 4231, cases 1 and 2; an empty key is a key. */
static void hmac_known_answers(void **state) {
  uint8_t out[SHA256_SIZE];
  assert_ok(
    crypto_hmac_sha256(hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), str("Hi There"), out));
  assert_memory_equal(
    out, hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7").data, sizeof out);
  assert_ok(crypto_hmac_sha256(str("Jefe"), str("what do ya want for nothing?"), out));
  assert_memory_equal(
    out, hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").data, sizeof out);
  assert_ok(crypto_hmac_sha256((struct bytes){ 0 }, str(""), out));
  assert_memory_equal(
    out, hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad").data, sizeof out);
}

/* RFC 5869, A.3: no salt, no info. */
static void hkdf_known_answer(void **state) {
  struct secret out = { 0 };
  assert_ok(crypto_hkdf(hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), "", 42, &out));
  assert_bytes(secret_bytes(&out), hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c"
                                       "738d2d9d201395faa4b61a96c8"));
  secret_free(&out);
}

static void hkdf_separates_by_info_and_limits_sizes(void **state) {
  struct secret a = { 0 }, b = { 0 };
  assert_ok(crypto_hkdf(str("key"), "a", 32, &a));
  assert_ok(crypto_hkdf(str("key"), "b", 32, &b));
  assert_false(crypto_equal(secret_bytes(&a), secret_bytes(&b)));
  secret_free(&a);
  secret_free(&b);
  assert_err(crypto_hkdf(str("key"), "a", 0, &a), ERR_BAD_PARAMETER);
  assert_err(crypto_hkdf(str("key"), "a", 255 * 32 + 1, &a), ERR_BAD_PARAMETER);
}

/* RFC 7914, section 12: N = 16384, r = 8, p = 1. */
/* As another implementation of RFC 5869 has it. */
static void hkdf_with_a_salt(void **state) {
  struct secret out = { 0 }, plain = { 0 };
  struct bytes key = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
  assert_ok(crypto_hkdf_salted(hex("000102030405060708090a0b0c0d0e0f"),
                               hex("101112131415161718191a1b1c1d1e1f"), "payload", 32, &out));
  assert_bytes(secret_bytes(&out),
               hex("a9b6b2f491423ef997e866099d8ab29f171b0374a41426b361d50625ffa8044b"));
  secret_free(&out);
  assert_ok(crypto_hkdf_salted(key, (struct bytes){ 0 }, "x", 32, &out));
  assert_ok(crypto_hkdf(key, "x", 32, &plain));
  assert_bytes(secret_bytes(&out), secret_bytes(&plain));
  secret_free(&out);
  secret_free(&plain);
}

static void hkdf_expand_known_answers(void **state) {
  static const struct {
    const char *info;
    size_t repeat, size;
    const char *out;
  } table[] = {
    { "", 0, 1, "a5" },
    { "info", 1, 64,
      "d40d67a9d7c34ec3c2c3eca41e6f25e08441c93422575b091a5d9f9cb9bd6da3f7145c42fae0a63d0c73fedacaaa"
      "63edbdd80d92f11aeaa7d8deac5ccef5e4ae" },
    { "info", 1, 65,
      "d40d67a9d7c34ec3c2c3eca41e6f25e08441c93422575b091a5d9f9cb9bd6da3f7145c42fae0a63d0c73fedacaaa"
      "63edbdd80d92f11aeaa7d8deac5ccef5e4ae89" },
    { "context ", 1000, 76,
      "e3b10658eb214c23a2ba392801585fa46e67d31c7d2e8803f42ab8ccc4ef0a8e0c29f1370adf5140ced660dcde5a"
      "53d16a8081da63b2345305b14f9b0fcf7243269c3bc4f42dcdec7126066e" },
  };
  struct bytes prk = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  struct secret out = { 0 };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct buf info = BUF_EMPTY;
    for (size_t k = 0; k < table[i].repeat; k++)
      buf_put_str(&info, table[i].info);
    assert_ok(crypto_hkdf_expand_sha512(prk, buf_bytes(&info), table[i].size, &out));
    assert_bytes(secret_bytes(&out), hex(table[i].out));
    secret_free(&out);
    buf_free(&info);
  }
  assert_err(crypto_hkdf_expand_sha512(prk, prk, 0, &out), ERR_BAD_PARAMETER);
  assert_err(crypto_hkdf_expand_sha512(prk, prk, 255 * 64 + 1, &out), ERR_BAD_PARAMETER);
}

static void scrypt_known_answer(void **state) {
  struct secret out = { 0 };
  assert_ok(crypto_scrypt(str("pleaseletmein"), str("SodiumChloride"), 14, 64, &out));
  assert_bytes(secret_bytes(&out), hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545"
                                       "da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf01"
                                       "7b45575887"));
  secret_free(&out);
}

static void scrypt_limits_its_cost(void **state) {
  struct secret out = { 0 };
  assert_err(crypto_scrypt(str("p"), str("s"), 0, 32, &out), ERR_BAD_PARAMETER);
  assert_err(crypto_scrypt(str("p"), str("s"), 21, 32, &out), ERR_BAD_PARAMETER);
  assert_ok(crypto_scrypt(str(""), str(""), 10, 32, &out));
  secret_free(&out);
}

static const uint8_t seal_key[32] = "0123456789abcdef0123456789abcde";
#define KEY bytes_of(seal_key, sizeof seal_key)

static void what_is_sealed_opens(void **state) {
  struct buf sealed = BUF_EMPTY, plain = BUF_EMPTY;
  struct secret secret = { 0 };
  buf_put_str(&sealed, "header");
  assert_ok(crypto_seal(KEY, str("place"), str("text"), &sealed));
  assert_int_equal(sealed.size, 6 + 4 + SEAL_OVERHEAD);
  struct bytes s = bytes_of(sealed.data + 6, sealed.size - 6);
  buf_put_str(&plain, "before:");
  assert_ok(crypto_open(KEY, str("place"), s, &plain));
  assert_bytes(buf_bytes(&plain), str("before:text"));
  assert_ok(crypto_open_secret(KEY, str("place"), s, &secret));
  assert_bytes(secret_bytes(&secret), str("text"));
  secret_free(&secret);
  buf_free(&sealed);
  buf_free(&plain);
}

static void nothing_can_be_sealed(void **state) {
  struct buf sealed = BUF_EMPTY, plain = BUF_EMPTY;
  struct secret secret = { 0 };
  assert_ok(crypto_seal(KEY, (struct bytes){ 0 }, (struct bytes){ 0 }, &sealed));
  assert_int_equal(sealed.size, SEAL_OVERHEAD);
  assert_ok(crypto_open(KEY, (struct bytes){ 0 }, buf_bytes(&sealed), &plain));
  assert_int_equal(plain.size, 0);
  assert_ok(crypto_open_secret(KEY, (struct bytes){ 0 }, buf_bytes(&sealed), &secret));
  assert_int_equal(secret.size, 0);
  secret_free(&secret);
  buf_free(&sealed);
  buf_free(&plain);
}

static void two_seals_differ(void **state) {
  struct buf a = BUF_EMPTY, b = BUF_EMPTY;
  assert_ok(crypto_seal(KEY, str(""), str("text"), &a));
  assert_ok(crypto_seal(KEY, str(""), str("text"), &b));
  assert_memory_not_equal(a.data, b.data, 12);
  assert_memory_not_equal(a.data + 12, b.data + 12, 4);
  buf_free(&a);
  buf_free(&b);
}

static void each_changed_bit_is_noticed(void **state) {
  struct buf sealed = BUF_EMPTY, plain = BUF_EMPTY;
  struct secret secret = { 0 };
  assert_ok(crypto_seal(KEY, str("place"), str("text"), &sealed));
  for (size_t i = 0; i < 8 * sealed.size; i++) {
    sealed.data[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_err(crypto_open(KEY, str("place"), buf_bytes(&sealed), &plain), ERR_CORRUPT);
    assert_err(crypto_open_secret(KEY, str("place"), buf_bytes(&sealed), &secret), ERR_CORRUPT);
    sealed.data[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  for (size_t n = 0; n < sealed.size; n++)
    assert_err(crypto_open(KEY, str("place"), bytes_of(sealed.data, n), &plain), ERR_CORRUPT);
  assert_int_equal(plain.size, 0);
  assert_null(secret.data);
  buf_free(&sealed);
  buf_free(&plain);
}

static void another_place_or_key_does_not_open(void **state) {
  struct buf sealed = BUF_EMPTY, plain = BUF_EMPTY;
  uint8_t other[32] = { 0 };
  assert_ok(crypto_seal(KEY, str("place"), str("text"), &sealed));
  assert_err(crypto_open(KEY, str("plac"), buf_bytes(&sealed), &plain), ERR_CORRUPT);
  assert_err(crypto_open(bytes_of(other, 32), str("place"), buf_bytes(&sealed), &plain),
             ERR_CORRUPT);
  assert_err(crypto_open(bytes_of(other, 16), str("place"), buf_bytes(&sealed), &plain),
             ERR_INTERNAL);
  assert_err(crypto_seal(bytes_of(other, 31), str("place"), str("text"), &sealed), ERR_INTERNAL);
  assert_int_equal(plain.size, 0);
  buf_free(&sealed);
  buf_free(&plain);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(secrets_live_on_the_secure_heap),
    cmocka_unit_test(a_full_secure_heap_is_an_error),
    cmocka_unit_test(random_secrets_differ),
    cmocka_unit_test(equal_compares_size_and_bytes),
    cmocka_unit_test(sha256_known_answers),
    cmocka_unit_test(hmac_known_answers),
    cmocka_unit_test(hkdf_known_answer),
    cmocka_unit_test(hkdf_separates_by_info_and_limits_sizes),
    cmocka_unit_test(hkdf_with_a_salt),
    cmocka_unit_test(hkdf_expand_known_answers),
    cmocka_unit_test(scrypt_known_answer),
    cmocka_unit_test(scrypt_limits_its_cost),
    cmocka_unit_test(what_is_sealed_opens),
    cmocka_unit_test(nothing_can_be_sealed),
    cmocka_unit_test(two_seals_differ),
    cmocka_unit_test(each_changed_bit_is_noticed),
    cmocka_unit_test(another_place_or_key_does_not_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
