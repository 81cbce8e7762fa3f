#include "crypto/xwing.h"

#include "crypto/sha3.h"

#define LABEL "\\.//^\\"

/* The private keys of both, ML-KEM's first. */
static err_t expand(struct bytes seed, struct secret *out) {
  AUTO_SECRET s = { 0 };
  if (seed.size != XWING_SEED)
    FAIL(ERR_BAD_PARAMETER, "X-Wing: a private key of %zu bytes", seed.size);
  TRY(secret_new(MLKEM_SEED + X25519_SIZE, &s));
  TRY(crypto_sha3(SHAKE256, &seed, 1, s.data, s.size));
  *out = secret_take(&s);
  return OK;
}

static struct bytes mlkem_key(const struct secret *keys) {
  return bytes_of(keys->data, MLKEM_SEED);
}

static struct bytes x25519_key(const struct secret *keys) {
  return bytes_of(keys->data + MLKEM_SEED, X25519_SIZE);
}

static err_t combine(const struct secret *mlkem, const struct secret *x25519, const uint8_t *share,
                     const uint8_t *public, struct secret *out) {
  AUTO_SECRET s = { 0 };
  const struct bytes parts[] = { secret_bytes(mlkem), secret_bytes(x25519),
                                 bytes_of(share, X25519_SIZE), bytes_of(public, X25519_SIZE),
                                 bytes_str(LABEL) };
  TRY(secret_new(SHA3_256_SIZE, &s));
  TRY(crypto_sha3(SHA3_256, parts, sizeof parts / sizeof *parts, s.data, s.size));
  *out = secret_take(&s);
  return OK;
}

err_t xwing_public(struct bytes seed, uint8_t public[static XWING_PUBLIC]) {
  AUTO_SECRET keys = { 0 };
  TRY(expand(seed, &keys));
  TRY(mlkem_public(mlkem_key(&keys), public));
  return x25519_public(x25519_key(&keys), public + MLKEM_PUBLIC);
}

err_t xwing_encapsulate_with(const uint8_t public[static XWING_PUBLIC], struct bytes random,
                             uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET mlkem = { 0 }, x25519 = { 0 };
  uint8_t *share = ciphertext + MLKEM_CIPHERTEXT;
  const uint8_t *peer = public + MLKEM_PUBLIC;
  if (random.size != XWING_RANDOM)
    FAIL(ERR_BAD_PARAMETER, "X-Wing: %zu random bytes", random.size);
  struct bytes ephemeral = bytes_of(random.data + MLKEM_RANDOM, X25519_SIZE);
  TRY(mlkem_encapsulate_with(public, bytes_of(random.data, MLKEM_RANDOM), ciphertext, &mlkem));
  TRY(x25519_public(ephemeral, share));
  TRY(x25519_shared(ephemeral, peer, &x25519));
  return combine(&mlkem, &x25519, share, peer, shared);
}

err_t xwing_encapsulate(const uint8_t public[static XWING_PUBLIC],
                        uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET random = { 0 };
  TRY(secret_random(XWING_RANDOM, &random));
  return xwing_encapsulate_with(public, secret_bytes(&random), ciphertext, shared);
}

err_t xwing_decapsulate(struct bytes seed, const uint8_t ciphertext[static XWING_CIPHERTEXT],
                        struct secret *shared) {
  AUTO_SECRET keys = { 0 }, mlkem = { 0 }, x25519 = { 0 };
  const uint8_t *share = ciphertext + MLKEM_CIPHERTEXT;
  uint8_t public[X25519_SIZE];
  TRY(expand(seed, &keys));
  TRY(x25519_shared(x25519_key(&keys), share, &x25519));
  TRY(x25519_public(x25519_key(&keys), public));
  TRY(mlkem_decapsulate(mlkem_key(&keys), ciphertext, &mlkem));
  return combine(&mlkem, &x25519, share, public, shared);
}
