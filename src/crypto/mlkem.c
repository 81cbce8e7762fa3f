/*
 * Names are those of FIPS 203: a is its matrix A, transformed, t and s the vectors of the public
 * and the private key, also transformed; u and v are what a ciphertext holds.
 */
#include "crypto/mlkem.h"

#include "crypto/mlkem_poly.h"
#include "crypto/sha3.h"

#define K 3       /* the rank of the module */
#define U_BITS 10 /* that a ciphertext keeps of a coefficient of u */
#define V_BITS 4
#define SEED_HALF 32

#define T_BYTES POLY_BYTES(POLY_BITS)
#define U_BYTES POLY_BYTES(U_BITS)
_Static_assert(MLKEM_PUBLIC == K * T_BYTES + SEED_HALF, "t and the seed of a");
_Static_assert(MLKEM_CIPHERTEXT == K * U_BYTES + POLY_BYTES(V_BITS), "u and v");

/* All that a call works with, on the secure heap. */
struct work {
  struct poly a[K][K], t[K], s[K];
  uint8_t public[MLKEM_PUBLIC], public_hash[SHA3_256_SIZE];
  uint8_t pair[2 * SEED_HALF]; /* what two keys were made of: G */
  uint8_t random[MLKEM_RANDOM], ciphertext[MLKEM_CIPHERTEXT], noise[POLY_NOISE];
  struct poly y[K], sum, small;
};

static err_t new_work(struct secret *memory, struct work **out) {
  TRY(secret_new(sizeof **out, memory));
  *out = (void *)memory->data;
  return OK;
}

/* G: two keys out of two parts. */
static err_t make_pair(struct bytes first, struct bytes second, struct work *w) {
  const struct bytes parts[] = { first, second };
  return crypto_sha3(SHA3_512, parts, 2, w->pair, sizeof w->pair);
}

/* a, out of the seed at the end of the public key. */
static err_t make_matrix(struct work *w) {
  uint8_t random[POLY_UNIFORM], place[2];
  const struct bytes parts[] = { bytes_of(w->public + K * T_BYTES, SEED_HALF),
                                 bytes_of(place, sizeof place) };
  for (uint8_t i = 0; i < K; i++)
    for (uint8_t j = 0; j < K; j++) {
      place[0] = j;
      place[1] = i;
      TRY(crypto_sha3(SHAKE128, parts, 2, random, sizeof random));
      if (!poly_uniform(random, &w->a[i][j]))
        FAIL(ERR_CRYPTO, "ML-KEM: a seed without a matrix");
    }
  return OK;
}

/* The n-th polynomial of small coefficients under a key. */
static err_t make_noise(const uint8_t *key, uint8_t n, struct work *w, struct poly *out) {
  const struct bytes parts[] = { bytes_of(key, SEED_HALF), bytes_of(&n, 1) };
  TRY(crypto_sha3(SHAKE256, parts, 2, w->noise, sizeof w->noise));
  poly_noise(w->noise, out);
  return OK;
}

static err_t hash_public(struct work *w) {
  const struct bytes public = bytes_of(w->public, sizeof w->public);
  return crypto_sha3(SHA3_256, &public, 1, w->public_hash, sizeof w->public_hash);
}

/* Both keys (Algorithm 13). */
static err_t make_keys(const uint8_t *d, struct work *w) {
  static const uint8_t rank = K;
  const uint8_t *noise_key = w->pair + SEED_HALF;
  TRY(make_pair(bytes_of(d, SEED_HALF), bytes_of(&rank, 1), w));
  memcpy(w->public + K * T_BYTES, w->pair, SEED_HALF);
  TRY(make_matrix(w));
  for (uint8_t i = 0; i < K; i++) {
    TRY(make_noise(noise_key, i, w, &w->s[i]));
    poly_transform(&w->s[i]);
  }
  for (uint8_t i = 0; i < K; i++) {
    TRY(make_noise(noise_key, K + i, w, &w->t[i]));
    poly_transform(&w->t[i]);
    for (unsigned j = 0; j < K; j++)
      poly_add_product(&w->t[i], &w->a[i][j], &w->s[j]);
    poly_write(&w->t[i], POLY_BITS, w->public + i * T_BYTES);
  }
  return hash_public(w);
}

/* Somebody else's public key (7.2: what is written anew must be what was read). */
static err_t read_public(const uint8_t *public, struct work *w) {
  for (unsigned i = 0; i < K; i++) {
    poly_read(public + i * T_BYTES, POLY_BITS, &w->t[i]);
    poly_write(&w->t[i], POLY_BITS, w->public + i * T_BYTES);
  }
  if (memcmp(w->public, public, K * T_BYTES) != 0) /* not secret */
    FAIL(ERR_BAD_PARAMETER, "ML-KEM: this is not a public key");
  memcpy(w->public + K * T_BYTES, public + K * T_BYTES, SEED_HALF);
  TRY(make_matrix(w));
  return hash_public(w);
}

/* w->random under the public key; what else is random comes of noise_key (Algorithm 14). */
static err_t encrypt(const uint8_t *noise_key, struct work *w, uint8_t *out) {
  for (uint8_t i = 0; i < K; i++) {
    TRY(make_noise(noise_key, i, w, &w->y[i]));
    poly_transform(&w->y[i]);
  }
  for (uint8_t i = 0; i < K; i++) {
    w->sum = (struct poly){ 0 };
    for (unsigned j = 0; j < K; j++)
      poly_add_product(&w->sum, &w->a[j][i], &w->y[j]);
    poly_restore(&w->sum);
    TRY(make_noise(noise_key, K + i, w, &w->small));
    poly_add(&w->sum, &w->small);
    poly_write(&w->sum, U_BITS, out + i * U_BYTES);
  }
  w->sum = (struct poly){ 0 };
  for (unsigned i = 0; i < K; i++)
    poly_add_product(&w->sum, &w->t[i], &w->y[i]);
  poly_restore(&w->sum);
  TRY(make_noise(noise_key, 2 * K, w, &w->small));
  poly_add(&w->sum, &w->small);
  poly_read(w->random, 1, &w->small);
  poly_add(&w->sum, &w->small);
  poly_write(&w->sum, V_BITS, out + K * U_BYTES);
  return OK;
}

/* w->random out of a ciphertext (Algorithm 15). */
static void decrypt(const uint8_t *in, struct work *w) {
  w->sum = (struct poly){ 0 };
  for (unsigned i = 0; i < K; i++) {
    poly_read(in + i * U_BYTES, U_BITS, &w->small);
    poly_transform(&w->small);
    poly_add_product(&w->sum, &w->s[i], &w->small);
  }
  poly_restore(&w->sum);
  poly_read(in + K * U_BYTES, V_BITS, &w->small);
  poly_subtract(&w->small, &w->sum);
  poly_write(&w->small, 1, w->random);
}

err_t mlkem_public(struct bytes seed, uint8_t public[static MLKEM_PUBLIC]) {
  AUTO_SECRET memory = { 0 };
  struct work *w;
  if (seed.size != MLKEM_SEED)
    FAIL(ERR_BAD_PARAMETER, "ML-KEM: a private key of %zu bytes", seed.size);
  TRY(new_work(&memory, &w));
  TRY(make_keys(seed.data, w));
  memcpy(public, w->public, MLKEM_PUBLIC);
  return OK;
}

err_t mlkem_check(const uint8_t public[static MLKEM_PUBLIC]) {
  AUTO_SECRET memory = { 0 };
  struct work *w;
  TRY(new_work(&memory, &w));
  return read_public(public, w);
}

err_t mlkem_encapsulate_with(const uint8_t public[static MLKEM_PUBLIC], struct bytes random,
                             uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET memory = { 0 };
  struct work *w;
  if (random.size != MLKEM_RANDOM)
    FAIL(ERR_BAD_PARAMETER, "ML-KEM: %zu random bytes", random.size);
  TRY(new_work(&memory, &w));
  TRY(read_public(public, w));
  memcpy(w->random, random.data, MLKEM_RANDOM);
  TRY(make_pair(random, bytes_of(w->public_hash, sizeof w->public_hash), w));
  TRY(encrypt(w->pair + SEED_HALF, w, ciphertext));
  return secret_copy(bytes_of(w->pair, MLKEM_SHARED), shared);
}

err_t mlkem_encapsulate(const uint8_t public[static MLKEM_PUBLIC],
                        uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET random = { 0 };
  TRY(secret_random(MLKEM_RANDOM, &random));
  return mlkem_encapsulate_with(public, secret_bytes(&random), ciphertext, shared);
}

/* w->pair's first key where the ciphertext was made of w->random, as w->ciphertext is; else the one
 * in out stays. */
static void choose(const uint8_t *ciphertext, const struct work *w, uint8_t *out) {
  uint32_t differ = 0;
  for (unsigned i = 0; i < MLKEM_CIPHERTEXT; i++)
    differ |= ciphertext[i] ^ w->ciphertext[i];
  uint8_t same = (uint8_t)(poly_opaque(differ - 1) >> 8); /* all ones or zero: differ < 256 */
  for (unsigned i = 0; i < MLKEM_SHARED; i++)
    out[i] ^= same & (out[i] ^ w->pair[i]);
}

err_t mlkem_decapsulate(struct bytes seed, const uint8_t ciphertext[static MLKEM_CIPHERTEXT],
                        struct secret *shared) {
  AUTO_SECRET memory = { 0 }, s = { 0 };
  struct work *w;
  if (seed.size != MLKEM_SEED)
    FAIL(ERR_BAD_PARAMETER, "ML-KEM: a private key of %zu bytes", seed.size);
  TRY(new_work(&memory, &w));
  TRY(secret_new(MLKEM_SHARED, &s));
  TRY(make_keys(seed.data, w));
  decrypt(ciphertext, w);
  TRY(make_pair(bytes_of(w->random, MLKEM_RANDOM), bytes_of(w->public_hash, sizeof w->public_hash),
                w));
  TRY(encrypt(w->pair + SEED_HALF, w, w->ciphertext));
  const struct bytes parts[] = { bytes_of(seed.data + SEED_HALF, SEED_HALF),
                                 bytes_of(ciphertext, MLKEM_CIPHERTEXT) };
  TRY(crypto_sha3(SHAKE256, parts, 2, s.data, s.size));
  choose(ciphertext, w, s.data);
  *shared = secret_take(&s);
  return OK;
}
