/* Many messages under one key. */
#include "check.h"

#include "crypto/aead.h"

static struct aead *new_aead(enum aead_alg alg, struct bytes key) {
  struct aead *a = NULL;
  assert_ok(aead_new(alg, key, &a));
  return a;
}

struct known {
  enum aead_alg alg;
  const char *key, *nonce, *aad, *plain, *sealed;
};
static const struct known known[] = {
  /* The GCM specification's case 16. */
  { AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
    "b525b16aedf5aa0de657ba637b39",
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
    "838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
  /* RFC 8439 2.8.2. */
  { AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920"
    "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c207375"
    "6e73637265656e20776f756c642062652069742e",
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da9272"
    "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831"
    "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691" },
};

static void known_answers(void **state) {
  for (size_t i = 0; i < 2; i++) {
    const struct known *k = &known[i];
    AUTO(aead) struct aead *a = new_aead(k->alg, hex(k->key));
    struct bytes plain = hex(k->plain), sealed = hex(k->sealed), aad = hex(k->aad);
    uint8_t out[256];
    assert_ok(aead_seal(a, hex(k->nonce).data, aad, plain, out));
    assert_bytes(bytes_of(out, plain.size + AEAD_TAG), sealed);
    assert_ok(aead_open(a, hex(k->nonce).data, aad, sealed, out));
    assert_bytes(bytes_of(out, plain.size), plain);
  }
}

/* One after the other, sealing and opening in turn, each where it lies. */
static void many_messages(void **state) {
  static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 4096, 20000 };
  for (size_t alg = 0; alg < 2; alg++) {
    AUTO(aead) struct aead *a = new_aead(known[alg].alg, hex(known[alg].key));
    for (uint8_t n = 0; n < 100; n++) {
      size_t size = sizes[n % 8];
      uint8_t nonce[AEAD_NONCE] = { n }, *text = malloc(size + AEAD_TAG);
      memset(text, n, size);
      assert_ok(aead_seal(a, nonce, str("aad"), bytes_of(text, size), text));
      assert_ok(aead_open(a, nonce, str("aad"), bytes_of(text, size + AEAD_TAG), text));
      for (size_t i = 0; i < size; i++)
        assert_int_equal(text[i], n);
      free(text);
    }
  }
}

static void what_is_not_authentic(void **state) {
  for (size_t alg = 0; alg < 2; alg++) {
    const struct known *k = &known[alg];
    AUTO(aead) struct aead *a = new_aead(k->alg, hex(k->key));
    struct bytes sealed = hex(k->sealed);
    uint8_t out[256], changed[256];
    memcpy(changed, sealed.data, sealed.size);
    sealed.data = changed; /* a literal's bytes do not last */
    for (size_t i = 0; i < sealed.size; i++) {
      changed[i] ^= 0x40;
      memset(out, 0xff, sizeof out);
      assert_err(aead_open(a, hex(k->nonce).data, hex(k->aad), sealed, out), ERR_DECRYPT);
      for (size_t j = 0; j < sealed.size - AEAD_TAG; j++)
        assert_int_equal(out[j], 0);
      changed[i] ^= 0x40;
    }
    assert_err(aead_open(a, hex(k->nonce).data, str(""), sealed, out), ERR_DECRYPT);
    assert_err(aead_open(a, (uint8_t[AEAD_NONCE]){ 0 }, hex(k->aad), sealed, out), ERR_DECRYPT);
    assert_err(aead_open(a, hex(k->nonce).data, str(""), bytes_of(out, 15), out), ERR_TOO_LARGE);
    assert_ok(aead_open(a, hex(k->nonce).data, hex(k->aad), sealed, out)); /* still usable */
  }
}

static void keys_have_one_size(void **state) {
  struct aead *a = NULL;
  uint8_t out[AES_BLOCK] = { 0 };
  assert_err(aead_new(AEAD_AES_256_GCM, hex("00"), &a), ERR_INTERNAL);
  assert_err(aes256_blocks(hex("00"), out, 1, out), ERR_INTERNAL);
}

/* FIPS 197, C.3. */
static void single_blocks(void **state) {
  uint8_t out[2 * AES_BLOCK];
  struct bytes expected = hex("8ea2b7ca516745bfeafc49904b4960898ea2b7ca516745bfeafc49904b496089");
  assert_ok(aes256_blocks(
    hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
    hex("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff").data, 2, out));
  assert_bytes(bytes_of(out, sizeof out), expected);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers),         cmocka_unit_test(many_messages),
    cmocka_unit_test(what_is_not_authentic), cmocka_unit_test(keys_have_one_size),
    cmocka_unit_test(single_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
