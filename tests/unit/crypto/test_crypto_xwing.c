/* X25519, ML-KEM-768 and both together: known answers, and inputs that are none. */
#include "check.h"

#include "crypto/mlkem_ring.h"
#include "crypto/xwing.h"

#include <openssl/crypto.h>

/* What secret_random() gives next, where a test says so (the linker sends its calls here). */
static struct bytes fixed;
err_t __real_secret_random(size_t size, struct secret *out);
err_t __wrap_secret_random(size_t size, struct secret *out);

err_t __wrap_secret_random(size_t size, struct secret *out) {
  if (!fixed.size)
    return __real_secret_random(size, out);
  assert_true(fixed.size >= size);
  assert_ok(secret_copy(bytes_of(fixed.data, size), out));
  fixed = bytes_of(fixed.data + size, fixed.size - size);
  return OK;
}

/* RFC 7748, 6.1 */
static void x25519_of_the_rfc(void **state) {
  struct bytes alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  struct bytes bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  struct bytes alice_public =
    hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  struct bytes bob_public = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  uint8_t public[X25519_SIZE];
  AUTO_SECRET one = { 0 }, two = { 0 };
  assert_ok(x25519_public(alice, public));
  assert_bytes(bytes_of(public, sizeof public), alice_public);
  assert_ok(x25519_public(bob, public));
  assert_bytes(bytes_of(public, sizeof public), bob_public);
  assert_ok(x25519_shared(alice, bob_public.data, &one));
  assert_ok(x25519_shared(bob, alice_public.data, &two));
  assert_bytes(secret_bytes(&one), secret_bytes(&two));
  assert_bytes(secret_bytes(&one),
               hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
  assert_true(CRYPTO_secure_allocated(one.data));
}

static void nothing_is_shared_with_points_of_low_order(void **state) {
  static const char *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  };
  AUTO_SECRET private = { 0 }, shared = { 0 };
  uint8_t public[X25519_SIZE];
  assert_ok(x25519_generate(&private, public));
  for (size_t i = 0; i < sizeof points / sizeof *points; i++)
    assert_err(x25519_shared(secret_bytes(&private), hex(points[i]).data, &shared),
               ERR_BAD_PARAMETER);
  assert_null(shared.data);
  assert_err(x25519_public(bytes_of(private.data, 31), public), ERR_BAD_PARAMETER);
}

/* OpenSSL's copy of a private key, too, is on the secure heap. */
static void private_keys_are_on_the_secure_heap(void **state) {
  AUTO_SECRET private = { 0 };
  uint8_t public[X25519_SIZE];
  size_t before = CRYPTO_secure_used();
  assert_ok(x25519_generate(&private, public));
  assert_true(CRYPTO_secure_allocated(private.data));
  assert_int_equal(CRYPTO_secure_used(), before + X25519_SIZE);
}

/* draft-connolly-cfrg-xwing-kem, appendix C. */
static void xwing_of_the_draft(void **state) {
  static const struct {
    const char *seed, *randomness, *shared;
  } cases[] = {
    { "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
      "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2"
      "35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
      "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384" },
    { "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
      "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef"
      "aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
      "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150" },
    { "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
      "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619"
      "f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
      "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t public[XWING_PUBLIC], ciphertext[XWING_CIPHERTEXT];
    AUTO_SECRET sent = { 0 }, received = { 0 };
    assert_ok(xwing_public(hex(cases[i].seed), public));
    fixed = hex(cases[i].randomness);
    assert_ok(xwing_encapsulate(public, ciphertext, &sent));
    assert_int_equal(fixed.size, 0);
    assert_bytes(secret_bytes(&sent), hex(cases[i].shared));
    assert_ok(xwing_decapsulate(hex(cases[i].seed), ciphertext, &received));
    assert_bytes(secret_bytes(&received), secret_bytes(&sent));
  }
}

/* Another ciphertext, in any byte of it, gives another secret; so does another key. */
static void implicit_rejection(void **state) {
  uint8_t public[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT];
  AUTO_SECRET seed = { 0 }, other = { 0 }, sent = { 0 }, wrong = { 0 };
  assert_ok(secret_random(MLKEM_SEED, &seed));
  assert_ok(secret_random(MLKEM_SEED, &other));
  assert_ok(mlkem_public(secret_bytes(&seed), public));
  for (unsigned n = 0; n < 20; n++) {
    AUTO_SECRET received = { 0 };
    secret_free(&sent);
    assert_ok(mlkem_encapsulate(public, ciphertext, &sent));
    assert_ok(mlkem_decapsulate(secret_bytes(&seed), ciphertext, &received));
    assert_bytes(secret_bytes(&received), secret_bytes(&sent));
  }
  assert_ok(mlkem_decapsulate(secret_bytes(&other), ciphertext, &wrong));
  assert_false(crypto_equal(secret_bytes(&wrong), secret_bytes(&sent)));
  for (size_t i = 0; i < sizeof ciphertext; i += 31) {
    AUTO_SECRET received = { 0 }, again = { 0 };
    ciphertext[i] ^= 1;
    assert_ok(mlkem_decapsulate(secret_bytes(&seed), ciphertext, &received));
    assert_ok(mlkem_decapsulate(secret_bytes(&seed), ciphertext, &again));
    assert_false(crypto_equal(secret_bytes(&received), secret_bytes(&sent)));
    assert_bytes(secret_bytes(&received), secret_bytes(&again));
    ciphertext[i] ^= 1;
  }
}

static void public_keys_that_are_none(void **state) {
  uint8_t public[XWING_PUBLIC], ciphertext[XWING_CIPHERTEXT];
  AUTO_SECRET seed = { 0 }, shared = { 0 };
  assert_ok(secret_random(XWING_SEED, &seed));
  assert_ok(xwing_public(secret_bytes(&seed), public));
  uint8_t was = public[1], before = public[0];
  public[0] = RING_Q & 255; /* a coefficient that is the modulus */
  public[1] = (uint8_t)((public[1] & 0xf0) | RING_Q >> 8);
  assert_err(xwing_encapsulate(public, ciphertext, &shared), ERR_BAD_PARAMETER);
  public[0] = before;
  public[1] = was;
  memset(public + MLKEM_PUBLIC, 0, X25519_SIZE);
  assert_err(xwing_encapsulate(public, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_err(xwing_public(bytes_of(seed.data, 31), public), ERR_BAD_PARAMETER);
  assert_err(mlkem_public(secret_bytes(&seed), public), ERR_BAD_PARAMETER);
  assert_null(shared.data);
}

/* The ring's arithmetic against its definition. */
static void the_ring(void **state) {
  struct ring a = { 0 }, b = { 0 }, product = { 0 };
  uint32_t expected[RING_N] = { 0 };
  for (size_t i = 0; i < RING_N; i++) {
    a.c[i] = (uint16_t)((i * i * 7 + 3328) % RING_Q);
    b.c[i] = (uint16_t)((i * 2654435761u >> 7) % RING_Q);
  }
  for (size_t i = 0; i < RING_N; i++)
    for (size_t j = 0; j < RING_N; j++) {
      uint32_t t = (uint32_t)a.c[i] * b.c[j] % RING_Q;
      expected[(i + j) % RING_N] += i + j < RING_N ? t : RING_Q - t; /* X^256 = -1 */
    }
  ring_ntt(&a);
  ring_ntt(&b);
  ring_multiply_add(&product, &a, &b);
  ring_inverse_ntt(&product);
  for (size_t i = 0; i < RING_N; i++)
    assert_int_equal(product.c[i], expected[i] % RING_Q);
}

/* Each value: rounded as the standard says, and back within what rounding loses. */
static void compression(void **state) {
  static const unsigned widths[] = { 1, 4, 10 };
  for (size_t w = 0; w < 3; w++)
    for (unsigned from = 0; from < RING_Q; from += RING_N) {
      unsigned bits = widths[w];
      struct ring r, whole;
      uint8_t text[RING_BYTES(12)];
      for (size_t i = 0; i < RING_N; i++)
        r.c[i] = whole.c[i] = (uint16_t)((from + i) % RING_Q);
      ring_encode(&whole, 12, text);
      ring_decode(&whole, 12, text);
      assert_memory_equal(&whole, &r, sizeof r);
      ring_compress(&r, bits);
      for (size_t i = 0; i < RING_N; i++)
        assert_int_equal(r.c[i], ((((unsigned)whole.c[i] << (bits + 1)) + RING_Q) / (2 * RING_Q)) &
                                   ((1u << bits) - 1));
      ring_encode(&r, bits, text);
      ring_decode(&r, bits, text);
      ring_decompress(&r, bits);
      for (size_t i = 0; i < RING_N; i++) {
        unsigned d = (r.c[i] + RING_Q - whole.c[i]) % RING_Q;
        d = d < RING_Q - d ? d : RING_Q - d;
        assert_true(d <= (RING_Q + (1u << bits)) >> (bits + 1));
      }
    }
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(x25519_of_the_rfc),
    cmocka_unit_test(nothing_is_shared_with_points_of_low_order),
    cmocka_unit_test(private_keys_are_on_the_secure_heap),
    cmocka_unit_test(xwing_of_the_draft),
    cmocka_unit_test(implicit_rejection),
    cmocka_unit_test(public_keys_that_are_none),
    cmocka_unit_test(the_ring),
    cmocka_unit_test(compression),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
