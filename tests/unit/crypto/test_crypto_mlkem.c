/* ML-KEM-768: known answers, what is refused, what is rejected without saying so. */
#include "check.h"

#include "crypto/mlkem.h"
#include "crypto/mlkem_poly.h"
#include "crypto/sha3.h"

static const struct bytes none;

/* FIPS 202's own: the digests of nothing. */
static void digests(void **state) {
  uint8_t out[SHA3_512_SIZE];
  assert_ok(crypto_sha3(SHA3_256, &none, 1, out, SHA3_256_SIZE));
  assert_bytes(bytes_of(out, SHA3_256_SIZE),
               hex("a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"));
  assert_ok(crypto_sha3(SHA3_512, NULL, 0, out, SHA3_512_SIZE));
  assert_bytes(bytes_of(out, SHA3_512_SIZE),
               hex("a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
                   "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"));
  assert_ok(crypto_sha3(SHAKE128, NULL, 0, out, 32));
  assert_bytes(bytes_of(out, 32),
               hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"));
  assert_ok(crypto_sha3(SHAKE256, NULL, 0, out, 32));
  assert_bytes(bytes_of(out, 32),
               hex("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"));
  assert_err(crypto_sha3(SHA3_256, NULL, 0, out, SHA3_512_SIZE), ERR_INTERNAL);
  struct bytes parts[] = { str("ab"), none, str("c") };
  uint8_t whole[32];
  assert_ok(crypto_sha3(SHAKE256, parts, 3, out, 32));
  parts[0] = str("abc");
  assert_ok(crypto_sha3(SHAKE256, parts, 1, whole, 32));
  assert_memory_equal(out, whole, 32);
}

/* Any polynomial; another one for each n. */
static struct poly any_poly(unsigned n) {
  struct poly f;
  for (unsigned i = 0; i < POLY_N; i++)
    f.c[i] = (uint16_t)((i * 2777u + n * 1013u + i * i * (n + 1)) % POLY_Q);
  return f;
}

static void products(void **state) {
  for (unsigned n = 0; n < 20; n++) {
    struct poly f = any_poly(n), g = any_poly(n + 7), product = any_poly(n + 3);
    uint32_t expected[2 * POLY_N] = { 0 };
    for (unsigned i = 0; i < POLY_N; i++)
      for (unsigned j = 0; j < POLY_N; j++) /* X^256 is -1 */
        expected[(i + j) % POLY_N] +=
          (uint32_t)f.c[i] * g.c[j] % POLY_Q * (i + j < POLY_N ? 1 : POLY_Q - 1) % POLY_Q;
    for (unsigned i = 0; i < POLY_N; i++)
      expected[i] = (expected[i] + product.c[i]) % POLY_Q;
    poly_transform(&f);
    poly_transform(&g);
    poly_transform(&product);
    poly_add_product(&product, &f, &g);
    poly_restore(&product);
    for (unsigned i = 0; i < POLY_N; i++)
      assert_int_equal(product.c[i], expected[i]);
    poly_restore(&f);
    struct poly same = any_poly(n), sum = f;
    assert_memory_equal(&f, &same, sizeof f);
    poly_add(&sum, &product);
    poly_subtract(&sum, &f);
    assert_memory_equal(&sum, &product, sizeof sum);
  }
}

/* Every coefficient in every place, rounded as the standard says. */
static void rounding(void **state) {
  static const unsigned sizes[] = { 1, 4, 10, POLY_BITS };
  for (unsigned n = 0; n < 4; n++)
    for (unsigned first = 0; first < POLY_Q; first++) {
      unsigned bits = sizes[n];
      struct poly f, back;
      uint8_t text[POLY_BYTES(POLY_BITS)];
      for (unsigned i = 0; i < POLY_N; i++)
        f.c[i] = (uint16_t)((first + i) % POLY_Q);
      poly_write(&f, bits, text);
      poly_read(text, bits, &back);
      for (unsigned i = 0; i < POLY_N; i += 85) {
        unsigned x = f.c[i], size = 1u << bits, y = (2 * size * x + POLY_Q) / (2 * POLY_Q) % size;
        unsigned again = (2 * POLY_Q * y + size) / (2 * size), at = i * bits;
        unsigned written = 0;
        for (unsigned b = 0; b < bits; b++, at++)
          written |= (text[at / 8] >> at % 8 & 1u) << b;
        assert_int_equal(written, bits < POLY_BITS ? y : x);
        assert_int_equal(back.c[i], bits < POLY_BITS ? again : x);
      }
    }
}

static void sampling(void **state) {
  uint8_t noise[POLY_NOISE], uniform[POLY_UNIFORM];
  struct poly f;
  for (unsigned i = 0; i < POLY_NOISE; i++)
    noise[i] = (uint8_t)i;
  poly_noise(noise, &f);
  for (unsigned i = 0; i < POLY_N; i++) {
    unsigned four = noise[i / 2] >> 4 * (i % 2) & 15;
    int x = __builtin_popcount(four & 3) - __builtin_popcount(four & 12);
    assert_int_equal(f.c[i], x < 0 ? x + POLY_Q : x);
  }
  /* 3328 and 3329 by turns: one of two is taken. */
  for (unsigned i = 0; i < POLY_UNIFORM; i += 3)
    memcpy(uniform + i, (uint8_t[]){ 0x00, 0x1d, 0xd0 }, 3);
  assert_true(poly_uniform(uniform, &f));
  for (unsigned i = 0; i < POLY_N; i++)
    assert_int_equal(f.c[i], 3328);
  memset(uniform + 3 * 255, 0xff, sizeof uniform - 3 * 255);
  assert_false(poly_uniform(uniform, &f));
}

/* What Go's crypto/mlkem is tested with: a hundred keys, messages and ciphertexts out of a stream,
 * and one digest of all that they give. */
static void accumulated(void **state) {
  enum { ROUNDS = 100, EACH = MLKEM_SEED + MLKEM_RANDOM + MLKEM_CIPHERTEXT };
  static uint8_t stream[ROUNDS * EACH];
  AUTO_BUF all = BUF_EMPTY;
  assert_ok(crypto_sha3(SHAKE128, NULL, 0, stream, sizeof stream));
  for (const uint8_t *p = stream; p < stream + sizeof stream; p += EACH) {
    AUTO_SECRET sent = { 0 }, got = { 0 }, rejected = { 0 };
    struct bytes seed = bytes_of(p, MLKEM_SEED);
    uint8_t public[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT];
    assert_ok(mlkem_public(seed, public));
    assert_ok(mlkem_check(public));
    assert_ok(
      mlkem_encapsulate_with(public, bytes_of(p + MLKEM_SEED, MLKEM_RANDOM), ciphertext, &sent));
    assert_ok(mlkem_decapsulate(seed, ciphertext, &got));
    assert_bytes(secret_bytes(&got), secret_bytes(&sent));
    assert_ok(mlkem_decapsulate(seed, p + MLKEM_SEED + MLKEM_RANDOM, &rejected));
    buf_put(&all, public, sizeof public);
    buf_put(&all, ciphertext, sizeof ciphertext);
    buf_put_bytes(&all, secret_bytes(&sent));
    buf_put_bytes(&all, secret_bytes(&rejected));
  }
  uint8_t digest[32];
  struct bytes text = buf_bytes(&all);
  assert_ok(crypto_sha3(SHAKE128, &text, 1, digest, sizeof digest));
  assert_bytes(bytes_of(digest, sizeof digest),
               hex("1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415"));
}

/* A matrix that takes more random bytes than nearly all others (C2SP/CCTV, unluckysample). */
static const char unlucky[] =
  "ad568015b87690ebbe1fb438ee8a22b9ac4379a12422e34037c231341c316bc0be74d49aaeb09d9039ad875a6b81f4"
  "8b20b73c517533f85ba5ce46029319382e00012020297f475d906bc3b6ea08f3e10069d3095c87c1a6456c18b92ef2"
  "5bcb5e59363bb1acaa0627c1ec3811251b9f7487d7b70fadea527e67ace1049ee74303c6220ed8807b1936b4d02b2b"
  "5c7b3795e13c40654a47d72784d3c09b4b7b3969a633001f37c7cabc51773b1586843045059337587983c5f88c5e62"
  "619f47ae784c292779a30c8a93eb40a9921c10b461128af7c29a92a348db86a303b6031376cc6768a8e06caab48e33"
  "a073ae06cbd225972fb47c28d46a57471b133a3ad18a95a35b838a469bf4e820e78570c72946b9f3b44bc7778e4a05"
  "dd106b8e14b093a49239d22a9eecb664454126b75ae24c600b3c4d167699d841842fb956119209af596e20cca0e2a5"
  "3980232ee2f3916e570fffa805f6241488106d57d39c9219afaeb5b7379c5347270c7dccc280e34dae801153285dc8"
  "421a95c7a2f4cc8389ac9316da0816dacc3bf71c5619802e0a691e4a323836428e6587330a52c2f76578035986e7c1"
  "5d500a2ec36dc7f430fc03813453b1a666946571641e32b4cafbbae6ea1d7f47c43549c802d97cd839689517b80b61"
  "9da8137296a5be4a9c3b32e6375984b1ca00557f960583582c5503a48f5309ca802b6967a9488314bb51909536187c"
  "2082ab200c8344c4fa2c262915ac582796d3007db7566f64031a4cc48c975b593b424b04855a6af98065474560e7cb"
  "48ac043f25b65116981f17cfc11b0ccd62200d7a2d70f54994087d0056400e1525fa498386241dc10c95c372361330"
  "919f773765f730405c23a5c7a088b8a422251b0153c750e6c2b33aa1cc1c7288d536c405a6ae7b40626aac52488ad5"
  "522e3f5696ae26b7cb592d1c4690fc8602a4c833b1f57ba5bb255f3359924b98da49b757127686750f301b87058a3b"
  "66b9cd98d8c611cc472e243f8d2aa631ca98e8c162a9b87e406471698349d236119f78b98c61a83648880d7875f450"
  "975f49ca3dc29082d2a07b91ab834b6ddcc0c5495b6b5de24c735852b917bf749b0f1f3034f346475355018989c4ce"
  "f23745a352f6680104ab59c2643405a24f89a8232fe33ed667be9c282adef009b585bda08c64dc169c41344c6d5700"
  "20b02cdbc26437c046719bbc02b39c8f9b01d020c242080bf221000594bab19668d9f7cfbfb50583b45e71c230a93a"
  "16a20a9c81a269544bafd00bba65e48ba99582587a360da68f68b2ba7f2432d8976c9a0990a4d34714064e1bd960e8"
  "f12c27dc1bd410a856f16b5eca293891152e724b58fc7940852cdd9c39231671bd278f38e18c886a4b0c714a432c9c"
  "354a304aec6c65fc85ebaaa143f181e2b10e40300ff7913346eb315c499b68343b5e70395755745f4775524cc223bc"
  "635582680f5cbea9269650393231a31b8a6b2364985c4d9b9275d417c7c327e6525a0370766a508f087c437ac105cb"
  "ba4646a0bc3ab7a3a68307f100a7545b6c08d38501e404833c19f4eb6ec73792a8c5253b67a398e79aa1cb3c2433a4"
  "bacba5f4fc135751987d071be157bbd976a9cb029cc0e2b99a795daadc9cce56db4bfd02cf1893c6441a1b78f1bdd9"
  "b13626b9f21b7c6161";
static void unlucky_matrix(void **state) {
  AUTO_SECRET shared = { 0 };
  uint8_t ciphertext[MLKEM_CIPHERTEXT];
  struct bytes public = hex(unlucky);
  assert_int_equal(public.size, MLKEM_PUBLIC);
  assert_ok(mlkem_encapsulate_with(
    public.data, hex("e48f74ad416e99631003ded1478aec62a02c245d88ed7f2fae92aedf13ca03b3"),
    ciphertext, &shared));
  assert_bytes(secret_bytes(&shared),
               hex("4f7cc64c040fc4e335a539691f4638caf8b1bf5da6455754afe699e41813801b"));
  assert_bytes(bytes_of(ciphertext, 32),
               hex("696ef1699d5ac2aa9a012a64c60c6c214dcedec75ff87fb3a5850044202a790b"));
  assert_bytes(bytes_of(ciphertext + MLKEM_CIPHERTEXT - 26, 26),
               hex("82655b3294ee0371019b134559be391c29d990f82f8a1dd4a715"));
}

static struct bytes a_seed(void) {
  static uint8_t seed[MLKEM_SEED];
  for (unsigned i = 0; i < sizeof seed; i++)
    seed[i] = (uint8_t)(i * 3);
  return bytes_of(seed, sizeof seed);
}

/* Garbled anywhere, a ciphertext gives what only the second half of the seed and it determine. */
static void implicit_rejection(void **state) {
  struct bytes seed = a_seed();
  AUTO_SECRET sent = { 0 };
  uint8_t public[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT], expected[MLKEM_SHARED];
  const struct bytes parts[] = { bytes_of(seed.data + 32, 32),
                                 bytes_of(ciphertext, sizeof ciphertext) };
  assert_ok(mlkem_public(seed, public));
  assert_ok(mlkem_encapsulate(public, ciphertext, &sent));
  for (unsigned i = 0; i <= MLKEM_CIPHERTEXT; i++) {
    AUTO_SECRET got = { 0 };
    uint8_t before = ciphertext[i % MLKEM_CIPHERTEXT];
    if (i < MLKEM_CIPHERTEXT)
      ciphertext[i] ^= (uint8_t)(1 << i % 8);
    assert_ok(mlkem_decapsulate(seed, ciphertext, &got));
    assert_ok(crypto_sha3(SHAKE256, parts, 2, expected, sizeof expected));
    assert_bytes(secret_bytes(&got),
                 i < MLKEM_CIPHERTEXT ? bytes_of(expected, sizeof expected) : secret_bytes(&sent));
    ciphertext[i % MLKEM_CIPHERTEXT] = before;
  }
  /* every byte another one, and all zeros */
  for (unsigned i = 0; i < MLKEM_CIPHERTEXT; i++)
    ciphertext[i] ^= 0xff;
  for (unsigned n = 0; n < 2; n++) {
    AUTO_SECRET got = { 0 };
    assert_ok(mlkem_decapsulate(seed, ciphertext, &got));
    assert_ok(crypto_sha3(SHAKE256, parts, 2, expected, sizeof expected));
    assert_bytes(secret_bytes(&got), bytes_of(expected, sizeof expected));
    memset(ciphertext, 0, sizeof ciphertext);
  }
}

static void other_keys(void **state) {
  uint8_t public[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT], seed[MLKEM_SEED];
  AUTO_SECRET sent = { 0 }, again = { 0 }, got = { 0 };
  memcpy(seed, a_seed().data, sizeof seed);
  assert_ok(mlkem_public(a_seed(), public));
  assert_ok(mlkem_encapsulate(public, ciphertext, &sent));
  assert_ok(mlkem_encapsulate(public, ciphertext, &again));
  assert_memory_not_equal(sent.data, again.data, MLKEM_SHARED);
  seed[0] ^= 1;
  assert_ok(mlkem_decapsulate(bytes_of(seed, sizeof seed), ciphertext, &got));
  assert_memory_not_equal(again.data, got.data, MLKEM_SHARED);
}

/* 12 bits in place i of a public key. */
static void set_number(uint8_t *public, unsigned i, unsigned x) {
  uint8_t *p = public + i / 2 * 3 + i % 2;
  if (i % 2) {
    p[0] = (uint8_t)((p[0] & 15) | (x & 15) << 4);
    p[1] = (uint8_t)(x >> 4);
  } else {
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)((p[1] & 0xf0) | x >> 8);
  }
}

static void public_keys_that_are_none(void **state) {
  uint8_t good[MLKEM_PUBLIC], bad[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT];
  AUTO_SECRET shared = { 0 };
  assert_ok(mlkem_public(a_seed(), good));
  for (unsigned i = 0; i < 3 * POLY_N; i++) {
    memcpy(bad, good, sizeof bad);
    set_number(bad, i, POLY_Q - 1);
    assert_ok(mlkem_check(bad));
    set_number(bad, i, POLY_Q + (i % 6) * 153 + (i % 6 == 5)); /* up to 4095 */
    assert_err(mlkem_check(bad), ERR_BAD_PARAMETER);
  }
  assert_err(mlkem_encapsulate(bad, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_null(shared.data);
}

static void sizes(void **state) {
  uint8_t public[MLKEM_PUBLIC], ciphertext[MLKEM_CIPHERTEXT] = { 0 };
  AUTO_SECRET shared = { 0 };
  struct bytes seed = a_seed(), shorter = bytes_of(seed.data, seed.size - 1);
  assert_err(mlkem_public(shorter, public), ERR_BAD_PARAMETER);
  assert_err(mlkem_public(none, public), ERR_BAD_PARAMETER);
  assert_err(mlkem_decapsulate(shorter, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_ok(mlkem_public(seed, public));
  assert_err(
    mlkem_encapsulate_with(public, bytes_of(seed.data, MLKEM_RANDOM - 1), ciphertext, &shared),
    ERR_BAD_PARAMETER);
  assert_null(shared.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(digests),
    cmocka_unit_test(products),
    cmocka_unit_test(rounding),
    cmocka_unit_test(sampling),
    cmocka_unit_test(accumulated),
    cmocka_unit_test(unlucky_matrix),
    cmocka_unit_test(implicit_rejection),
    cmocka_unit_test(other_keys),
    cmocka_unit_test(public_keys_that_are_none),
    cmocka_unit_test(sizes),
  };
  start_crypto();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
