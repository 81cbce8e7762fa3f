/* X-Wing, and HPKE with it: known answers, and what is not for a key. */
#include "check.h"

#include "crypto/hpke.h"

/* The draft's three vectors. Of the long values their ends; the shared secret depends on all of the
 * public key, and test_crypto_mlkem has whole ciphertexts. */
static const struct {
  const char *seed, *random, *shared, *public[2], *ciphertext[2];
} vectors[] = {
  { "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
    "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2"
    "35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
    "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
    { "e2236b35a8c24b39b10aa1323a96a919",
      "eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534" },
    { "b83aa828d4d62b9a83ceffe1d3d3bb1e",
      "7f31ed6f7cb1600de56f17576740ce2a32fc5145030145cfb97e63e0e41d354274a079d3e6fb2e15" } },
  { "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
    "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef"
    "aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
    "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
    { "0333285fa253661508c9fb444852caa4",
      "cbb48fd4c562a576549f85b528c953926d96ea8a160b8843f1c89c62" },
    { "c93beb22326705699bbc3d1d0aa6339b",
      "00342d123f618aa8c91bdf6e0e03200693c9651e469aee6f91c98bea4127ae66312f4ae3ea155b67" } },
  { "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
    "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619"
    "f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
    "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f",
    { "36244278824f77c621c660892c1c3886",
      "c1c013747dfee80fb35b5299f555dcc2b787ea4f6f16ffdf66952461" },
    { "0d2e38cbf17a2e2e4e0c87a94ca1e770",
      "ca934f541d4cc520fa64de6b6e1c3c8e03db5971a445992227c825590688d203523f527161137334" } },
};

static void assert_ends(const uint8_t *p, size_t size, const char *const ends[2]) {
  struct bytes first = hex(ends[0]), last = hex(ends[1]);
  assert_bytes(bytes_of(p, first.size), first);
  assert_bytes(bytes_of(p + size - last.size, last.size), last);
}

static void known_answers(void **state) {
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    AUTO_SECRET sent = { 0 }, got = { 0 };
    uint8_t public[XWING_PUBLIC], ciphertext[XWING_CIPHERTEXT];
    assert_ok(xwing_public(hex(vectors[i].seed), public));
    assert_ends(public, sizeof public, vectors[i].public);
    assert_ok(xwing_encapsulate_with(public, hex(vectors[i].random), ciphertext, &sent));
    assert_ends(ciphertext, sizeof ciphertext, vectors[i].ciphertext);
    assert_bytes(secret_bytes(&sent), hex(vectors[i].shared));
    assert_ok(xwing_decapsulate(hex(vectors[i].seed), ciphertext, &got));
    assert_bytes(secret_bytes(&got), hex(vectors[i].shared));
  }
}

/* Either half garbled: another key. */
static void garbled(void **state) {
  struct bytes seed = hex(vectors[0].seed);
  AUTO_SECRET sent = { 0 };
  uint8_t public[XWING_PUBLIC], ciphertext[XWING_CIPHERTEXT];
  assert_ok(xwing_public(seed, public));
  assert_ok(xwing_encapsulate(public, ciphertext, &sent));
  for (unsigned i = 0; i < XWING_CIPHERTEXT; i += 31) {
    AUTO_SECRET got = { 0 };
    ciphertext[i] ^= 4;
    assert_ok(xwing_decapsulate(seed, ciphertext, &got));
    assert_memory_not_equal(got.data, sent.data, MLKEM_SHARED);
    ciphertext[i] ^= 4;
  }
}

static void refused(void **state) {
  struct bytes seed = hex(vectors[0].seed), shorter = bytes_of(seed.data, seed.size - 1);
  AUTO_SECRET shared = { 0 };
  uint8_t public[XWING_PUBLIC], ciphertext[XWING_CIPHERTEXT];
  assert_err(xwing_public(shorter, public), ERR_BAD_PARAMETER);
  assert_ok(xwing_public(seed, public));
  assert_ok(xwing_encapsulate(public, ciphertext, &shared));
  secret_free(&shared);
  assert_err(xwing_decapsulate(shorter, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_err(xwing_encapsulate_with(public, seed, ciphertext, &shared), ERR_BAD_PARAMETER);
  /* shares of low order: 0 and 1 */
  memset(ciphertext + MLKEM_CIPHERTEXT, 0, X25519_SIZE);
  assert_err(xwing_decapsulate(seed, ciphertext, &shared), ERR_BAD_PARAMETER);
  ciphertext[MLKEM_CIPHERTEXT] = 1;
  assert_err(xwing_decapsulate(seed, ciphertext, &shared), ERR_BAD_PARAMETER);
  memset(public + MLKEM_PUBLIC, 0, X25519_SIZE);
  assert_err(xwing_encapsulate(public, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_ok(xwing_public(seed, public));
  memset(public + 300, 0xff, 3);
  assert_err(xwing_encapsulate(public, ciphertext, &shared), ERR_BAD_PARAMETER);
  assert_null(shared.data);
}

/* A file key of age's test kit (C2SP/CCTV, "hybrid"). */
#define INFO "age-encryption.org/mlkem768x25519"
static const char kit_seed[] = "b8be81702bae561b372c3de084b70415734529cfef83c57eeb3e6e57689f9e23";
static const char kit_enc[] =
  "NfLcgAbzvNgf0aRb4PANBvyDtIDDQKf84JhhFlnvT1NUAcbGNrArRZ/T+bc9l4xmK1DSl+PXk6nqqGBhaM1dUiT7X17TU1"
  "/b9haZZPzEalvZHFDMSevfiZshlnSgcpWh0qnpgTyboWTU+zbrH6YD2uhshbJoiuqh+PpXtDMstXx4CgxASrNVlfSl/caR"
  "Ti24QjIXpCNwEE4FwHrmAwUqSHLUzGOHfiW/chOCTtDX591x41o6eZ4/Dt92VhoYKFcpiaWbRhbenZXUJxPS1C1sK84CVw"
  "kDH7LJjbYCnkxt3meul8kKWihZsStZYd/6bozqczOX7zN5PbaYD1XpYwMwedzWmPmQzxBybD8ZodcR7hF7WUxSmFVH7Exi"
  "YH3ZNbDAVcgGwlkTFmUmaTCbjGZTv8M+ejmvStQHgCtPi4GGRdJFr3HzvRzm6bvrdF/rdSPRFtRVM7D9o7ZAAquD1PByE0"
  "Y5YCR4/vmTlIlRwFXk4be+TsAI+Gotujou6nrigwnfqoGiNSvi/ZVvSKnDoZPIE5qwONCeeJB8CeRhqXEjvgtwc2zcWUBt"
  "jSJgNL+j887k2h0xlXpQqlmDDHsBOCP3/VoM+NZURqI+RoTudcwTl8TgmhGrQytnovuWFDvE9HgPAs67dPRC64/3RES3hF"
  "2C6/R1pQAnC7S2iSijJnyFlaDJWfcZvvNoamphDv63kUNb7b9V8E+xwqF8GkuXJnBFDo0PuJz8qWH7sDMEOhIInmanDiu6"
  "K/9jOCubYNdNcXrjQknlvk1kFdjZ2xYnC6QuqA5+qHMBpgrg301PX154X4KUcxA3PoFyYNexaBK3njks7PNxl7HyZIWjjD"
  "lz50WrQnEqBjl8RVVuneL3vgVyU45GSVWQVOH4K6aepWP0+p7WUD52rhdVH5HPZWQL3v8TjEz80Aeb87+1s1wgM+5skNX4"
  "LpOyuhRxQ/ChXsVZrVJ8SRsBlO4K+CJ271rHj8l8NEhRE2O/ZKHst8Be/6j5c9SUmRRqvI+6bcg0Bcq7Wi7d08vDQqjC2c"
  "Oi112CGra5mazd/NCICC81oYkMmTxtM9ficfIhvt9nHaZSQh27tzJ3xRWOegwzDOaNjrtJ7yvCXbV9iQ6boiCl6wdmIn7k"
  "9sI30wIuHcVU1Cr+ENWhqVyRiAKktgvxegDnqvRB2n1aHKovp60Fs7YIDrclscRFikV45x0RNBdVtUkWD430vZgekkZdnw"
  "peHxGV9TIe2FCNooQzUzx6v4ft0sZ5SYI490F2sYZu/sig4IB/KOzVfPXBX9dkftLgZTWtfP7GI9NjEitLn/lYTh2jfSKT"
  "YZSM+BQt16m2yg/4X7xftA2P3fSyU1zWineocz4DKyilWmVhPRjy9LrTPtQWVVNGrVfUsNYwWHJX6FwkF7JNbCqLEQueMj"
  "Phc9cnr66uF+Wt1IsuTj278MgyZqYlr7mkW91zyWJMSIXTKmqv5um9ypc3IJUmkvs67A91XA8vspARsUM4Jw";
static const char kit_sealed[] = "jYPfilNAMjF0zGRYMYJqR/cTTzbiGxQMhG+8zZaitic";

static void hpke_known_answer(void **state) {
  AUTO_SECRET plain = { 0 };
  uint8_t enc[HPKE_ENC], sealed[32];
  size_t n = 0;
  assert_ok(b64raw_decode(str(kit_enc), enc, sizeof enc, &n));
  assert_int_equal(n, HPKE_ENC);
  assert_ok(b64raw_decode(str(kit_sealed), sealed, sizeof sealed, &n));
  assert_ok(hpke_open(hex(kit_seed), INFO, enc, bytes_of(sealed, n), &plain));
  assert_bytes(secret_bytes(&plain), str("YELLOW SUBMARINE"));
}

static void hpke_there_and_back(void **state) {
  struct bytes seed = hex(vectors[0].seed), other = hex(vectors[1].seed);
  uint8_t public[XWING_PUBLIC], enc[HPKE_ENC], sealed[100 + HPKE_OVERHEAD], plain[100];
  memset(plain, 'x', sizeof plain);
  assert_ok(xwing_public(seed, public));
  for (size_t size = 0; size <= sizeof plain; size += 25) {
    AUTO_SECRET got = { 0 }, not = { 0 };
    struct bytes text = bytes_of(plain, size), all = bytes_of(sealed, size + HPKE_OVERHEAD);
    assert_ok(hpke_seal(public, "purpose", text, enc, sealed));
    assert_ok(hpke_open(seed, "purpose", enc, all, &got));
    assert_bytes(secret_bytes(&got), text);
    assert_err(hpke_open(seed, "purposes", enc, all, &not ), ERR_DECRYPT);
    assert_err(hpke_open(other, "purpose", enc, all, &not ), ERR_DECRYPT);
    enc[size] ^= 1;
    assert_err(hpke_open(seed, "purpose", enc, all, &not ), ERR_DECRYPT);
    enc[size] ^= 1;
    sealed[size] ^= 1;
    assert_err(hpke_open(seed, "purpose", enc, all, &not ), ERR_DECRYPT);
    assert_err(hpke_open(seed, "purpose", enc, bytes_of(sealed, HPKE_OVERHEAD - 1), &not ),
               ERR_DECRYPT);
    assert_null(not .data);
  }
  memset(enc + MLKEM_CIPHERTEXT, 0, X25519_SIZE);
  AUTO_SECRET got = { 0 };
  assert_err(hpke_open(seed, "purpose", enc, bytes_of(sealed, sizeof sealed), &got),
             ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers),
    cmocka_unit_test(garbled),
    cmocka_unit_test(refused),
    cmocka_unit_test(hpke_known_answer),
    cmocka_unit_test(hpke_there_and_back),
  };
  start_crypto();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
