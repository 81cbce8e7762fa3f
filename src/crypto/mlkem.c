#include "crypto/mlkem.h"

#include "crypto/keccak.h"
#include "crypto/mlkem_ring.h"

#define K 3       /* polynomials in a vector */
#define T_BITS 12 /* of what is not compressed */
#define U_BITS 10
#define V_BITS 4
#define PART 32 /* bytes of a seed, a message, a digest */
#define T_SIZE (K * RING_BYTES(T_BITS))
#define U_SIZE (K * RING_BYTES(U_BITS))
_Static_assert(MLKEM_PUBLIC == T_SIZE + PART, "t and the matrix's seed");
_Static_assert(MLKEM_CIPHERTEXT == U_SIZE + RING_BYTES(V_BITS), "u and v");

#define MATRIX_BYTES 672 /* nearly always enough for a polynomial of the matrix */

/* A key as the arithmetic wants it. */
struct keys {
  struct ring s[K], t[K]; /* after NTT; s is the private part */
  uint8_t public[MLKEM_PUBLIC], digest[PART];
};
/* What one encryption needs on the way. */
struct encryption {
  struct ring y[K], sum, a;
  uint8_t random[RING_NOISE];
};

/* Row i, column j of the public matrix, after NTT. */
static err_t matrix(const uint8_t *rho, uint8_t i, uint8_t j, struct ring *out) {
  const uint8_t place[2] = { j, i };
  const struct bytes parts[] = { bytes_of(rho, PART), bytes_of(place, sizeof place) };
  AUTO_BUF random = BUF_EMPTY;
  for (size_t size = MATRIX_BYTES;; size *= 2) {
    buf_clear(&random);
    if (!buf_reserve(&random, size))
      return ERR_NOMEM;
    TRY(keccak(SHAKE128, parts, 2, random.data, size));
    random.size = size;
    if (ring_uniform(out, buf_bytes(&random)))
      return OK;
  }
}

/* The nth small polynomial of a seed. */
static err_t noise(const uint8_t *seed, uint8_t n, uint8_t *random, struct ring *out) {
  const struct bytes parts[] = { bytes_of(seed, PART), bytes_of(&n, 1) };
  TRY(keccak(SHAKE256, parts, 2, random, RING_NOISE));
  ring_noise(out, random);
  return OK;
}

static err_t vector_noise(const uint8_t *seed, uint8_t first, uint8_t *random,
                          struct ring out[static K]) {
  for (uint8_t i = 0; i < K; i++) {
    TRY(noise(seed, first + i, random, &out[i]));
    ring_ntt(&out[i]);
  }
  return OK;
}

static err_t digest_public(struct keys *k) {
  const struct bytes all = bytes_of(k->public, MLKEM_PUBLIC);
  return keccak(SHA3_256, &all, 1, k->digest, PART);
}

/* K-PKE.KeyGen of d. work: 2 * PART + RING_NOISE bytes. */
static err_t generate(const uint8_t *d, uint8_t *work, struct keys *k) {
  const uint8_t dimension = K;
  const struct bytes parts[] = { bytes_of(d, PART), bytes_of(&dimension, 1) };
  uint8_t *rho = work, *sigma = work + PART, *random = work + 2 * PART;
  TRY(keccak(SHA3_512, parts, 2, work, 2 * PART));
  TRY(vector_noise(sigma, 0, random, k->s));
  TRY(vector_noise(sigma, K, random, k->t));
  for (uint8_t i = 0; i < K; i++) {
    for (uint8_t j = 0; j < K; j++) {
      struct ring a;
      TRY(matrix(rho, i, j, &a));
      ring_multiply_add(&k->t[i], &a, &k->s[j]);
    }
    ring_encode(&k->t[i], T_BITS, k->public + i * RING_BYTES(T_BITS));
  }
  memcpy(k->public + T_SIZE, rho, PART);
  return digest_public(k);
}

static err_t keys_of(struct bytes seed, struct secret *memory) {
  AUTO_SECRET s = { 0 }, work = { 0 };
  if (seed.size != MLKEM_SEED)
    FAIL(ERR_BAD_PARAMETER, "ML-KEM: a seed of %zu bytes", seed.size);
  TRY(secret_new(sizeof(struct keys), &s));
  TRY(secret_new(2 * PART + RING_NOISE, &work));
  TRY(generate(seed.data, work.data, (struct keys *)(void *)s.data));
  *memory = secret_take(&s);
  return OK;
}

static err_t read_public(const uint8_t *public, struct keys *k) {
  for (size_t i = 0; i < K; i++) {
    ring_decode(&k->t[i], T_BITS, public + i * RING_BYTES(T_BITS));
    if (!ring_valid(&k->t[i]))
      FAIL(ERR_BAD_PARAMETER, "ML-KEM: this is no public key");
  }
  memcpy(k->public, public, MLKEM_PUBLIC);
  return digest_public(k);
}

/* The part of a ciphertext that hides the message. */
static err_t encrypt_message(const struct keys *k, const uint8_t *message, const uint8_t *seed,
                             struct encryption *e, uint8_t *out) {
  e->sum = (struct ring){ 0 };
  for (size_t j = 0; j < K; j++)
    ring_multiply_add(&e->sum, &k->t[j], &e->y[j]);
  ring_inverse_ntt(&e->sum);
  TRY(noise(seed, 2 * K, e->random, &e->a));
  ring_add(&e->sum, &e->a);
  ring_decode(&e->a, 1, message);
  ring_decompress(&e->a, 1);
  ring_add(&e->sum, &e->a);
  ring_compress(&e->sum, V_BITS);
  ring_encode(&e->sum, V_BITS, out);
  return OK;
}

/* K-PKE.Encrypt; seed is all its randomness. */
static err_t encrypt(const struct keys *k, const uint8_t *message, const uint8_t *seed,
                     uint8_t out[static MLKEM_CIPHERTEXT]) {
  AUTO_SECRET memory = { 0 };
  TRY(secret_new(sizeof(struct encryption), &memory));
  struct encryption *e = (struct encryption *)(void *)memory.data;
  TRY(vector_noise(seed, 0, e->random, e->y));
  for (uint8_t i = 0; i < K; i++) {
    e->sum = (struct ring){ 0 };
    for (uint8_t j = 0; j < K; j++) {
      TRY(matrix(k->public + T_SIZE, j, i, &e->a));
      ring_multiply_add(&e->sum, &e->a, &e->y[j]);
    }
    ring_inverse_ntt(&e->sum);
    TRY(noise(seed, K + i, e->random, &e->a));
    ring_add(&e->sum, &e->a);
    ring_compress(&e->sum, U_BITS);
    ring_encode(&e->sum, U_BITS, out + i * RING_BYTES(U_BITS));
  }
  return encrypt_message(k, message, seed, e, out + U_SIZE);
}

/* K-PKE.Decrypt */
static err_t decrypt(const struct keys *k, const uint8_t *ciphertext, uint8_t *message) {
  AUTO_SECRET memory = { 0 };
  TRY(secret_new(3 * sizeof(struct ring), &memory));
  struct ring *sum = (struct ring *)(void *)memory.data, *u = sum + 1, *v = sum + 2;
  for (size_t i = 0; i < K; i++) {
    ring_decode(u, U_BITS, ciphertext + i * RING_BYTES(U_BITS));
    ring_decompress(u, U_BITS);
    ring_ntt(u);
    ring_multiply_add(sum, &k->s[i], u);
  }
  ring_inverse_ntt(sum);
  ring_decode(v, V_BITS, ciphertext + U_SIZE);
  ring_decompress(v, V_BITS);
  ring_subtract(v, sum);
  ring_compress(v, 1);
  ring_encode(v, 1, message);
  return OK;
}

/* What a message comes to under a key: the shared secret, and the encryption's randomness. */
static err_t expand(const struct keys *k, const uint8_t *message, uint8_t out[static 2 * PART]) {
  const struct bytes parts[] = { bytes_of(message, PART), bytes_of(k->digest, PART) };
  return keccak(SHA3_512, parts, 2, out, 2 * PART);
}

err_t mlkem_public(struct bytes seed, uint8_t public[static MLKEM_PUBLIC]) {
  AUTO_SECRET memory = { 0 };
  TRY(keys_of(seed, &memory));
  memcpy(public, ((struct keys *)(void *)memory.data)->public, MLKEM_PUBLIC);
  return OK;
}

err_t mlkem_encapsulate(const uint8_t public[static MLKEM_PUBLIC],
                        uint8_t ciphertext[static MLKEM_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET memory = { 0 }, message = { 0 }, both = { 0 };
  TRY(secret_new(sizeof(struct keys), &memory));
  struct keys *k = (struct keys *)(void *)memory.data;
  TRY(read_public(public, k));
  TRY(secret_random(PART, &message));
  TRY(secret_new(2 * PART, &both));
  TRY(expand(k, message.data, both.data));
  TRY(encrypt(k, message.data, both.data + PART, ciphertext));
  return secret_copy(bytes_of(both.data, MLKEM_SHARED), shared);
}

/* out: the first where they are equal, else the second; which shows nowhere. */
static void choose(bool equal, const uint8_t *first, const uint8_t *second, uint8_t *out) {
  uint8_t mask = (uint8_t)(0u - (unsigned)equal);
  for (size_t i = 0; i < MLKEM_SHARED; i++)
    out[i] = (uint8_t)(second[i] ^ (mask & (first[i] ^ second[i])));
}

err_t mlkem_decapsulate(struct bytes seed, const uint8_t ciphertext[static MLKEM_CIPHERTEXT],
                        struct secret *shared) {
  AUTO_SECRET memory = { 0 }, work = { 0 }, again = { 0 }, result = { 0 };
  struct bytes text = bytes_of(ciphertext, MLKEM_CIPHERTEXT);
  TRY(keys_of(seed, &memory));
  TRY(secret_new(4 * PART, &work));
  TRY(secret_new(MLKEM_CIPHERTEXT, &again));
  TRY(secret_new(MLKEM_SHARED, &result));
  const struct keys *k = (const struct keys *)(const void *)memory.data;
  uint8_t *message = work.data, *both = work.data + PART, *other = work.data + 3 * PART;
  const struct bytes parts[] = { bytes_of(seed.data + PART, PART), text };
  TRY(decrypt(k, ciphertext, message));
  TRY(expand(k, message, both));
  TRY(keccak(SHAKE256, parts, 2, other, PART));
  TRY(encrypt(k, message, both + PART, again.data));
  choose(crypto_equal(secret_bytes(&again), text), both, other, result.data);
  *shared = secret_take(&result);
  return OK;
}
