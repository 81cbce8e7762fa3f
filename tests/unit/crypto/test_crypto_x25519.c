/* X25519: the known answer of the RFC, points that share nothing, and where private keys are. */
#include "check.h"

#include "crypto/x25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

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

/* Ours, what is shared, and OpenSSL's own copy, which it has for as long as it computes. */
static void private_keys_are_on_the_secure_heap(void **state) {
  AUTO_SECRET private = { 0 }, shared = { 0 };
  uint8_t public[X25519_SIZE];
  size_t before = CRYPTO_secure_used();
  assert_ok(x25519_generate(&private, public));
  assert_true(CRYPTO_secure_allocated(private.data));
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private.data, private.size);
  assert_non_null(key);
  assert_int_equal(CRYPTO_secure_used(), before + 2 * X25519_SIZE);
  EVP_PKEY_free(key);
  assert_ok(x25519_shared(secret_bytes(&private), public, &shared));
  assert_true(CRYPTO_secure_allocated(shared.data));
  assert_int_equal(CRYPTO_secure_used(), before + 2 * X25519_SIZE);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(x25519_of_the_rfc),
    cmocka_unit_test(nothing_is_shared_with_points_of_low_order),
    cmocka_unit_test(private_keys_are_on_the_secure_heap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
