/*
 * The arithmetic of ML-KEM (FIPS 203): polynomials of 256 coefficients modulo q = 3329, their
 * number-theoretic transform, and how they are written as bytes. For mlkem.c and its tests.
 *
 * Coefficients may be secrets: whatever is done here takes the same steps whichever they are. There
 * is no branch on one, no index by one, and no division: processors take longer for some of them
 * than for others. Any thread.
 */
#ifndef CRYPTO_MLKEM_POLY_H
#define CRYPTO_MLKEM_POLY_H

#include "base/bytes.h"

#define POLY_N 256
#define POLY_Q 3329

struct poly {
  uint16_t c[POLY_N]; /* below POLY_Q */
};

/* Hides from the compiler what it may know of x: it shall not find a branch for what is none. */
static inline uint32_t poly_opaque(uint32_t x) {
  __asm__("" : "+r"(x));
  return x;
}

void poly_add(struct poly *f, const struct poly *g);      /* f += g */
void poly_subtract(struct poly *f, const struct poly *g); /* f -= g */

/* To the transformed domain and back, in place (Algorithms 9 and 10). */
void poly_transform(struct poly *f);
void poly_restore(struct poly *f);
/* sum += f * g, all of them transformed (Algorithm 11). */
void poly_add_product(struct poly *sum, const struct poly *f, const struct poly *g);

/* Bytes of a polynomial of so many bits a coefficient. */
#define POLY_BYTES(bits) (POLY_N / 8 * (bits))
#define POLY_BITS 12 /* those of coefficients as they are; fewer round them */
/* Compress with ByteEncode, and back (4.2.1). Numbers of POLY_BITS that are not below q are
 * reduced: writing them again then gives other bytes. */
void poly_write(const struct poly *f, unsigned bits, uint8_t *out);
void poly_read(const uint8_t *in, unsigned bits, struct poly *f);

/* Small coefficients out of random bytes (SamplePolyCBD of eta = 2, Algorithm 8). */
#define POLY_NOISE 128
void poly_noise(const uint8_t in[static POLY_NOISE], struct poly *f);
/* Uniform ones out of public random bytes (SampleNTT, Algorithm 7). False: these did not do, which
 * happens once in 2^261 times. */
#define POLY_UNIFORM 840
bool poly_uniform(const uint8_t in[static POLY_UNIFORM], struct poly *f);

#endif
