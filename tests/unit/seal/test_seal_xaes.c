/* XAES-256-GCM: the specification's vectors, and what does not open. */
#include "fixture.h"

#include "base/codec.h"
#include "seal/xaes.h"

#include <openssl/evp.h>

struct vector {
  uint8_t key;
  const char *aad, *sealed;
};
static const struct vector vectors[] = {
  { 1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
  { 3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};
#define NONCE "ABCDEFGHIJKLMNOPQRSTUVWX"

static struct xaes *of_key(const uint8_t key[static 32]) {
  struct xaes *x = NULL;
  assert_ok(xaes_new(bytes_of(key, 32), &x));
  return x;
}

static void known_answers(void **state) {
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    uint8_t key[32], text[64];
    size_t size;
    AUTO_BUF sealed = BUF_EMPTY, plain = BUF_EMPTY;
    memset(key, vectors[i].key, sizeof key);
    AUTO(xaes) struct xaes *x = of_key(key);
    assert_ok(hex_decode(bytes_str(vectors[i].sealed), text, sizeof text, &size));
    buf_put_str(&sealed, NONCE);
    buf_put(&sealed, text, size);
    assert_ok(xaes_open(x, bytes_str(vectors[i].aad), buf_bytes(&sealed), &plain));
    assert_bytes(buf_bytes(&plain), bytes_str("XAES-256-GCM"));
  }
}

/* SHAKE-128 whose output is read bit by bit: OpenSSL 3.0 gives it once, so all of it is made. */
struct shake {
  uint8_t *data;
  size_t at;
};

static struct bytes draw(struct shake *s, size_t size) {
  s->at += size;
  return bytes_of(s->data + s->at - size, size);
}

static struct bytes draw_short(struct shake *s) {
  return draw(s, draw(s, 1).data[0]);
}

/* The next random bytes, where a test says which (the linker sends calls of crypto_random here). */
static struct bytes next_random;
err_t __real_crypto_random(void *out, size_t n);
err_t __wrap_crypto_random(void *out, size_t n);

err_t __wrap_crypto_random(void *out, size_t n) {
  if (!next_random.data)
    return __real_crypto_random(out, n);
  assert_int_equal(n, next_random.size);
  memcpy(out, next_random.data, n);
  next_random = (struct bytes){ 0 };
  return OK;
}

static void accumulated(void **state) {
  enum { COUNT = 10000, ROOM = COUNT * (32 + 24 + 512) };
  struct shake in = { malloc(ROOM), 0 };
  EVP_MD_CTX *ctx = EVP_MD_CTX_new(), *sum = EVP_MD_CTX_new();
  uint8_t out[32], expected[32];
  size_t n;
  assert_true(EVP_DigestInit_ex(ctx, EVP_shake128(), NULL) &&
              EVP_DigestFinalXOF(ctx, in.data, ROOM));
  assert_true(EVP_DigestInit_ex(sum, EVP_shake128(), NULL));
  for (unsigned i = 0; i < COUNT; i++) {
    AUTO_BUF sealed = BUF_EMPTY;
    AUTO(xaes) struct xaes *x = of_key(draw(&in, 32).data);
    struct bytes nonce = draw(&in, 24), plain = draw_short(&in), aad = draw_short(&in);
    next_random = nonce;
    assert_ok(xaes_seal(x, aad, plain, &sealed));
    assert_true(EVP_DigestUpdate(sum, sealed.data + 24, sealed.size - 24));
  }
  assert_true(EVP_DigestFinalXOF(sum, out, sizeof out));
  assert_ok(
    hex_decode(bytes_str("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"),
               expected, sizeof expected, &n));
  assert_memory_equal(out, expected, sizeof out);
  EVP_MD_CTX_free(ctx);
  EVP_MD_CTX_free(sum);
  free(in.data);
}

static void what_is_sealed_opens(void **state) {
  static const size_t sizes[] = { 0, 1, 15, 16, 17, 255, 4096, 100000 };
  AUTO(xaes) struct xaes *x = of_key(pattern(1, 32).data);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    AUTO_BUF sealed = BUF_EMPTY, plain = BUF_EMPTY;
    struct bytes text = pattern(2, sizes[i]);
    assert_ok(xaes_seal(x, bytes_str("place"), text, &sealed));
    assert_int_equal(sealed.size, text.size + XAES_OVERHEAD);
    buf_put_str(&plain, "before");
    assert_ok(xaes_open(x, bytes_str("place"), buf_bytes(&sealed), &plain));
    buf_drop(&plain, 6);
    assert_bytes(buf_bytes(&plain), text);
  }
}

static void nonces_differ(void **state) {
  AUTO_BUF sealed = BUF_EMPTY;
  AUTO(xaes) struct xaes *x = of_key(pattern(1, 32).data);
  for (int i = 0; i < 2; i++)
    assert_ok(xaes_seal(x, bytes_str(""), bytes_str("same"), &sealed));
  assert_memory_not_equal(sealed.data, sealed.data + sealed.size / 2, 24);
}

static void what_was_changed_does_not_open(void **state) {
  AUTO_BUF sealed = BUF_EMPTY, plain = BUF_EMPTY;
  AUTO(xaes) struct xaes *x = of_key(pattern(1, 32).data), *other = of_key(pattern(2, 32).data);
  assert_ok(xaes_seal(x, bytes_str("place"), bytes_str("record"), &sealed));
  for (size_t i = 0; i < sealed.size; i++) {
    sealed.data[i] ^= 1;
    assert_err(xaes_open(x, bytes_str("place"), buf_bytes(&sealed), &plain), ERR_DAMAGED);
    sealed.data[i] ^= 1;
  }
  for (size_t size = 0; size < sealed.size; size++)
    assert_err(xaes_open(x, bytes_str("place"), bytes_of(sealed.data, size), &plain), ERR_DAMAGED);
  assert_err(xaes_open(x, bytes_str("elsewhere"), buf_bytes(&sealed), &plain), ERR_DAMAGED);
  assert_err(xaes_open(other, bytes_str("place"), buf_bytes(&sealed), &plain), ERR_DAMAGED);
  assert_int_equal(plain.size, 0);
}

static void keys_have_one_size(void **state) {
  struct xaes *x = NULL;
  for (size_t size = 0; size < 64; size++)
    if (size != 32)
      assert_err(xaes_new(pattern(1, size), &x), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers),
    cmocka_unit_test(accumulated),
    cmocka_unit_test(what_is_sealed_opens),
    cmocka_unit_test(nonces_differ),
    cmocka_unit_test(what_was_changed_does_not_open),
    cmocka_unit_test(keys_have_one_size),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
