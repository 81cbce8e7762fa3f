/*
 * ML-KEM's arithmetic (FIPS 203, 4.2 to 4.3): polynomials of 256 coefficients modulo 3329, and
 * their forms as bytes. Coefficients are always below the modulus. Nothing here branches on them or
 * divides by anything. For mlkem.c only.
 */
#ifndef CRYPTO_MLKEM_RING_H
#define CRYPTO_MLKEM_RING_H

#include "base/bytes.h"

#define RING_N 256
#define RING_Q 3329
#define RING_BYTES(bits) (RING_N * (bits) / 8)
#define RING_NOISE 128 /* bytes that ring_noise() takes */

struct ring {
  uint16_t c[RING_N];
};

void ring_add(struct ring *r, const struct ring *a);
void ring_subtract(struct ring *r, const struct ring *a);
void ring_ntt(struct ring *r);
void ring_inverse_ntt(struct ring *r);
void ring_multiply_add(struct ring *r, const struct ring *a, const struct ring *b); /* after NTT */

void ring_compress(struct ring *r, unsigned bits);   /* to that many bits, rounded */
void ring_decompress(struct ring *r, unsigned bits); /* of that many bits */
void ring_encode(const struct ring *r, unsigned bits, uint8_t *out);
void ring_decode(struct ring *r, unsigned bits, const uint8_t *in);
bool ring_valid(const struct ring *r); /* whether all of what was decoded is below the modulus */

/* Small coefficients out of random bytes (eta = 2). */
void ring_noise(struct ring *r, const uint8_t random[static RING_NOISE]);
/* Uniform ones (after NTT) out of public bytes; false when there are too few. */
bool ring_uniform(struct ring *r, struct bytes random);

#endif
