/* What the tests of crypto/ share. */
#ifndef TEST_CRYPTO_CHECK_H
#define TEST_CRYPTO_CHECK_H

#include "base/codec.h"
#include "base/json.h"
#include "base/write.h"
#include "crypto/alg.h"
#include "crypto/key_der.h"

#include <openssl/err.h>

#define HEAP_SIZE (1u << 20)

/* Whatever happened, nothing is left in OpenSSL's error queue. */
#define assert_result(call, expected_name) \
  do { \
    assert_string_equal(err_info(call)->name, expected_name); \
    assert_int_equal(ERR_peek_error(), 0); \
  } while (0)
#include "../asserts.h"

static inline void start_crypto(void) {
  bool locked = false;
  mem_install_json();
  if (crypto_init(HEAP_SIZE, &locked) != OK)
    abort();
}

/* The bytes of a hexadecimal literal; a few may be held at a time. */
static inline struct bytes hex(const char *text) {
  static uint8_t room[8][2048];
  static unsigned next;
  uint8_t *out = room[next++ % 8];
  size_t n = 0;
  assert_ok(hex_decode(bytes_str(text), out, sizeof room[0], &n));
  return bytes_of(out, n);
}

static inline struct key *new_key(enum key_type type, unsigned bits, enum key_curve curve) {
  struct key_spec spec = { .type = type, .bits = bits, .curve = curve };
  struct key *k = NULL;
  assert_ok(key_generate(&spec, &k));
  return k;
}

static inline err_t from_jwk_text(const char *text, struct key **out) {
  json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(j);
  err_t e = key_from_jwk(j, out);
  json_decref(j);
  return e;
}

/* A JWK of the key's public members, with kty. */
static inline json_t *public_jwk(const struct key *k) {
  static const char *const kty[] = { "RSA", "EC", "oct" };
  struct buf b = BUF_EMPTY;
  buf_printf(&b, "{\"kty\":\"%s\"", kty[key_spec(k)->type]);
  assert_ok(key_public_members(k, &b));
  buf_put_char(&b, '}');
  json_t *j = json_loadb((const char *)b.data, b.size, 0, NULL);
  assert_non_null(j);
  buf_free(&b);
  return j;
}

static inline void put_members(struct buf *b, const char *const *names, const struct secret *parts,
                               unsigned count) {
  for (unsigned i = 0; i < count; i++)
    write_b64url(b, names[i], secret_bytes(&parts[i]));
}

/* A JWK with the private members; of RSA d only, or the primes too. */
static inline json_t *private_jwk(const struct key *k, bool with_primes) {
  static const char *const rsa[] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };
  static const char *const ec[] = { "x", "y", "d" };
  struct buf b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  if (key_spec(k)->type == KEY_RSA) {
    struct rsa_numbers n = { 0 };
    assert_ok(rsa_numbers_of(k, true, &n));
    write_str(&b, "kty", "RSA");
    put_members(&b, rsa, n.part, with_primes ? RSA_PARTS : RSA_P);
    rsa_numbers_free(&n);
  } else {
    struct ec_numbers n = { 0 };
    assert_ok(ec_numbers_of(k, true, &n));
    write_str(&b, "kty", "EC");
    write_str(&b, "crv", curve_of(n.curve)->jwk_name);
    put_members(&b, ec, n.part, EC_PARTS);
    ec_numbers_free(&n);
  }
  write_close(&b, '}');
  json_t *j = json_loadb((const char *)b.data, b.size, 0, NULL);
  assert_non_null(j);
  buf_free(&b);
  return j;
}

#endif
