/* Where private numbers are, and where they are not. */
#include "check.h"

#include <openssl/crypto.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define MASK 0xa5
#define WINDOW 24
#define NEEDLES 16

/* Pieces of private numbers, as they are on the wire and as limbs, masked so that the list itself
 * is not found. */
static uint8_t needles[NEEDLES][WINDOW];
static unsigned needle_count;

static void look_for(const struct secret *number) {
  uint8_t *forward = needles[needle_count++], *backward = needles[needle_count++];
  assert_true(needle_count <= NEEDLES && number->size >= WINDOW + 4);
  for (size_t i = 0; i < WINDOW; i++)
    forward[i] = backward[WINDOW - 1 - i] = number->data[4 + i] ^ MASK;
}

static bool matches(const volatile uint8_t *p, const uint8_t *needle) {
  for (size_t i = 0; i < WINDOW; i++)
    if ((p[i] ^ MASK) != needle[i])
      return false;
  return true;
}

static unsigned found_in(uintptr_t from, uintptr_t to) {
  unsigned found = 0;
  for (const uint8_t *p = (const uint8_t *)from; p + WINDOW <= (const uint8_t *)to; p++)
    for (unsigned n = 0; n < needle_count; n++)
      if ((*p ^ MASK) == needles[n][0] && matches(p, needles[n]) && !CRYPTO_secure_allocated(p))
        found++;
  return found;
}

/* How many pieces are in this process's writable memory outside the secure heap: heap, data and
 * stacks. */
static unsigned found_in_memory(void) {
  static char line[4096];
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  unsigned found = 0, ranges = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    char access[5];
    if (sscanf(line, "%lx-%lx %4s", &from, &to, access) != 3 || strncmp(access, "rw", 2) != 0)
      continue;
    found += found_in(from, to);
    ranges++;
  }
  fclose(maps);
  assert_true(ranges > 3);
  return found;
}

static void use_rsa(const struct key *k) {
  uint8_t digest[32] = { 1 };
  struct buf signature = BUF_EMPTY, wrapped = BUF_EMPTY, plain = BUF_EMPTY;
  const struct alg *sign = alg_find(str("PS256")), *wrap = alg_find(str("RSA-OAEP-256"));
  assert_ok(alg_sign(sign, k, bytes_of(digest, 32), &signature));
  assert_ok(alg_wrap(wrap, k, bytes_of(digest, 32), &wrapped));
  assert_ok(alg_unwrap(wrap, k, buf_bytes(&wrapped), &plain));
  buf_free(&signature);
  buf_free(&wrapped);
  buf_free(&plain);
}

static void look_for_rsa(const struct key *k) {
  struct rsa_numbers n = { 0 };
  assert_ok(rsa_numbers_of(k, true, &n));
  needle_count = 0;
  for (unsigned i = RSA_D; i < RSA_PARTS; i++)
    look_for(&n.part[i]);
  rsa_numbers_free(&n);
}

static void the_scan_finds_what_is_there(void **state) {
#ifdef SANITIZED
  skip();
#endif
  struct secret s = { 0 };
  assert_ok(secret_random(64, &s));
  needle_count = 0;
  look_for(&s);
  assert_int_equal(found_in_memory(), 0);
  uint8_t *leak = mem_alloc(64);
  memcpy(leak, s.data, 64);
  assert_int_equal(found_in_memory(), 1);
  mem_free(leak);
  assert_int_equal(found_in_memory(), 0);
  secret_free(&s);
}

static void rsa_leaves_nothing_behind(void **state) {
#ifdef SANITIZED
  skip();
#endif
  struct key *made = new_key(KEY_RSA, 2048, CURVE_NONE), *k = NULL;
  look_for_rsa(made);
  assert_int_equal(found_in_memory(), 0);
  json_t *whole = private_jwk(made, true), *short_form = private_jwk(made, false);
  struct secret der = { 0 };
  assert_ok(key_export(made, &der));
  use_rsa(made);
  key_free(made);
  assert_int_equal(found_in_memory(), 0);

  assert_ok(key_from_jwk(whole, &k));
  assert_int_equal(found_in_memory(), 0);
  use_rsa(k);
  key_free(k);
  json_decref(whole);
  assert_int_equal(found_in_memory(), 0);

  assert_ok(key_from_jwk(short_form, &k));
  assert_int_equal(found_in_memory(), 0);
  use_rsa(k);
  key_free(k);
  json_decref(short_form);
  assert_int_equal(found_in_memory(), 0);

  assert_ok(key_import(KEY_RSA, secret_bytes(&der), &k));
  assert_int_equal(found_in_memory(), 0);
  use_rsa(k);
  key_free(k);
  secret_free(&der);
  assert_int_equal(found_in_memory(), 0);
}

static void ec_leaves_nothing_behind(void **state) {
#ifdef SANITIZED
  skip();
#endif
  static const enum key_curve curves[] = { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_P256K };
  static const char *const algs[] = { "ES256", "ES384", "ES512", "ES256K" };
  static const uint8_t sizes[] = { 32, 48, 64, 32 };
  for (unsigned i = 0; i < 4; i++) {
    uint8_t digest[64] = { 1 };
    struct key *k = new_key(KEY_EC, 0, curves[i]);
    struct ec_numbers n = { 0 };
    struct secret der = { 0 };
    struct buf signature = BUF_EMPTY;
    assert_ok(ec_numbers_of(k, true, &n));
    needle_count = 0;
    look_for(&n.part[EC_D]);
    ec_numbers_free(&n);
    assert_ok(key_export(k, &der));
    key_free(k);
    assert_ok(key_import(KEY_EC, secret_bytes(&der), &k));
    assert_ok(alg_sign(alg_find(str(algs[i])), k, bytes_of(digest, sizes[i]), &signature));
    assert_int_equal(found_in_memory(), 0);
    key_free(k);
    secret_free(&der);
    assert_int_equal(found_in_memory(), 0);
    buf_free(&signature);
  }
}

static void oct_leaves_nothing_behind(void **state) {
#ifdef SANITIZED
  skip();
#endif
  struct key *k = new_key(KEY_OCT, 256, CURVE_NONE);
  struct secret value = { 0 };
  struct buf wrapped = BUF_EMPTY, plain = BUF_EMPTY;
  const struct alg *kw = alg_find(str("A256KW"));
  assert_ok(key_export(k, &value));
  needle_count = 0;
  look_for(&value);
  assert_ok(alg_wrap(kw, k, str("a data encryption key of 32 byte"), &wrapped));
  assert_ok(alg_unwrap(kw, k, buf_bytes(&wrapped), &plain));
  assert_int_equal(found_in_memory(), 0);
  key_free(k);
  secret_free(&value);
  buf_free(&wrapped);
  buf_free(&plain);
}

/* How much of the secure heap a key holds: at least its private numbers. */
static size_t held_by(const struct key *k, struct secret *der) {
  assert_ok(key_export(k, der));
  size_t before = CRYPTO_secure_used();
  struct key *again = NULL;
  assert_ok(key_import(key_spec(k)->type, secret_bytes(der), &again));
  size_t held = CRYPTO_secure_used() - before;
  key_free(again);
  assert_int_equal(CRYPTO_secure_used(), before);
  secret_free(der);
  return held;
}

static void private_numbers_are_on_the_secure_heap(void **state) {
  struct secret der = { 0 };
  key_free(new_key(KEY_EC, 0, CURVE_P256)); /* the thread's random generators are there too */
  size_t before = CRYPTO_secure_used();
  struct key *k = new_key(KEY_RSA, 2048, CURVE_NONE);
  assert_true(CRYPTO_secure_used() - before >= 256 + 5 * 128);
  assert_true(held_by(k, &der) >= 256 + 5 * 128);
  key_free(k);
  assert_int_equal(CRYPTO_secure_used(), before);
  k = new_key(KEY_EC, 0, CURVE_P256);
  assert_true(CRYPTO_secure_used() - before >= 32);
  assert_true(held_by(k, &der) >= 32);
  key_free(k);
  k = new_key(KEY_OCT, 256, CURVE_NONE);
  assert_true(held_by(k, &der) >= 32);
  key_free(k);
  assert_int_equal(CRYPTO_secure_used(), before);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_scan_finds_what_is_there),
    cmocka_unit_test(rsa_leaves_nothing_behind),
    cmocka_unit_test(ec_leaves_nothing_behind),
    cmocka_unit_test(oct_leaves_nothing_behind),
    cmocka_unit_test(private_numbers_are_on_the_secure_heap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
