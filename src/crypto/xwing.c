#include "crypto/xwing.h"

#include "crypto/keccak.h"

#define LABEL "\\.//^\\"

/* MLKEM_SEED bytes for the one, X25519_SIZE for the other. */
static err_t expand(struct bytes seed, struct secret *out) {
  AUTO_SECRET s = { 0 };
  if (seed.size != XWING_SEED)
    FAIL(ERR_BAD_PARAMETER, "X-Wing: a seed of %zu bytes", seed.size);
  TRY(secret_new(MLKEM_SEED + X25519_SIZE, &s));
  TRY(keccak(SHAKE256, &seed, 1, s.data, s.size));
  *out = secret_take(&s);
  return OK;
}

static struct bytes mlkem_part(const struct secret *s) {
  return bytes_of(s->data, MLKEM_SEED);
}

static struct bytes x25519_part(const struct secret *s) {
  return bytes_of(s->data + MLKEM_SEED, X25519_SIZE);
}

/* share: the sender's; public: the receiver's. */
static err_t combine(const struct secret *mlkem, const struct secret *x25519, const uint8_t *share,
                     const uint8_t *public, struct secret *out) {
  const struct bytes parts[] = { secret_bytes(mlkem), secret_bytes(x25519),
                                 bytes_of(share, X25519_SIZE), bytes_of(public, X25519_SIZE),
                                 bytes_str(LABEL) };
  AUTO_SECRET s = { 0 };
  TRY(secret_new(SHA256_SIZE, &s));
  TRY(keccak(SHA3_256, parts, sizeof parts / sizeof *parts, s.data, s.size));
  *out = secret_take(&s);
  return OK;
}

err_t xwing_public(struct bytes seed, uint8_t public[static XWING_PUBLIC]) {
  AUTO_SECRET both = { 0 };
  TRY(expand(seed, &both));
  TRY(mlkem_public(mlkem_part(&both), public));
  return x25519_public(x25519_part(&both), public + MLKEM_PUBLIC);
}

err_t xwing_encapsulate(const uint8_t public[static XWING_PUBLIC],
                        uint8_t ciphertext[static XWING_CIPHERTEXT], struct secret *shared) {
  AUTO_SECRET ephemeral = { 0 }, mlkem = { 0 }, x25519 = { 0 };
  uint8_t *share = ciphertext + MLKEM_CIPHERTEXT;
  TRY(mlkem_encapsulate(public, ciphertext, &mlkem));
  TRY(x25519_generate(&ephemeral, share));
  TRY(x25519_shared(secret_bytes(&ephemeral), public + MLKEM_PUBLIC, &x25519));
  return combine(&mlkem, &x25519, share, public + MLKEM_PUBLIC, shared);
}

err_t xwing_decapsulate(struct bytes seed, const uint8_t ciphertext[static XWING_CIPHERTEXT],
                        struct secret *shared) {
  AUTO_SECRET both = { 0 }, mlkem = { 0 }, x25519 = { 0 };
  const uint8_t *share = ciphertext + MLKEM_CIPHERTEXT;
  uint8_t public[X25519_SIZE];
  TRY(expand(seed, &both));
  TRY(x25519_public(x25519_part(&both), public));
  TRY(mlkem_decapsulate(mlkem_part(&both), ciphertext, &mlkem));
  TRY(x25519_shared(x25519_part(&both), share, &x25519));
  return combine(&mlkem, &x25519, share, public, shared);
}
