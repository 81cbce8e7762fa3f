#include "crypto/mlkem_poly.h"

/* 17 is a 256th root of unity modulo q. These are its powers by the exponents 0 to 127, their seven
 * bits reversed (FIPS 203, appendix A). */
static const uint16_t roots[128] = {
  1,    1729, 2580, 3289, 2642, 630,  1897, 848,  1062, 1919, 193,  797,  2786, 3260, 569,  1746,
  296,  2447, 1339, 1476, 3046, 56,   2240, 1333, 1426, 2094, 535,  2882, 2393, 2879, 1974, 821,
  289,  331,  3253, 1756, 1197, 2304, 2277, 2055, 650,  1977, 2513, 632,  2865, 33,   1320, 1915,
  2319, 1435, 807,  452,  1438, 2868, 1534, 2402, 2647, 2617, 1481, 648,  2474, 3110, 1227, 910,
  17,   2761, 583,  2649, 1637, 723,  2288, 1100, 1409, 2662, 3281, 233,  756,  2156, 3015, 3050,
  1703, 1651, 2789, 1789, 1847, 952,  1461, 2687, 939,  2308, 2437, 2388, 733,  2337, 268,  641,
  1584, 2298, 2037, 3220, 375,  2549, 2090, 1645, 1063, 319,  2773, 757,  2099, 561,  2466, 2594,
  2804, 1092, 403,  1026, 1143, 2150, 2775, 886,  1722, 1212, 1874, 1029, 2110, 2935, 885,  2154,
};
#define INVERSE_128 3303 /* modulo q */

/* The quotient by q, rounded down, of x < 2^28: the reciprocal is q's in units of 2^-40, rounded
 * up. It is too large by 3177 / q units, which is too little to reach the next quotient. */
static inline uint32_t quotient(uint32_t x) {
  return (uint32_t)((x * UINT64_C(330282857)) >> 40);
}

static inline uint16_t reduce(uint32_t x) {
  return (uint16_t)(x - quotient(x) * POLY_Q);
}

void poly_add(struct poly *f, const struct poly *g) {
  for (unsigned i = 0; i < POLY_N; i++)
    f->c[i] = reduce((uint32_t)f->c[i] + g->c[i]);
}

void poly_subtract(struct poly *f, const struct poly *g) {
  for (unsigned i = 0; i < POLY_N; i++)
    f->c[i] = reduce((uint32_t)f->c[i] + POLY_Q - g->c[i]);
}

void poly_transform(struct poly *f) {
  const uint16_t *root = roots + 1;
  for (unsigned half = POLY_N / 2; half >= 2; half /= 2)
    for (unsigned start = 0; start < POLY_N; start += 2 * half, root++)
      for (unsigned i = start; i < start + half; i++) {
        uint32_t a = f->c[i], b = reduce((uint32_t)*root * f->c[i + half]);
        f->c[i] = reduce(a + b);
        f->c[i + half] = reduce(a + POLY_Q - b);
      }
}

void poly_restore(struct poly *f) {
  const uint16_t *root = roots + 127;
  for (unsigned half = 2; half <= POLY_N / 2; half *= 2)
    for (unsigned start = 0; start < POLY_N; start += 2 * half, root--)
      for (unsigned i = start; i < start + half; i++) {
        uint32_t a = f->c[i], b = f->c[i + half];
        f->c[i] = reduce(a + b);
        f->c[i + half] = reduce(*root * (b + POLY_Q - a));
      }
  for (unsigned i = 0; i < POLY_N; i++)
    f->c[i] = reduce((uint32_t)INVERSE_128 * f->c[i]);
}

/* 128 products of pairs modulo X^2 - root, the roots one after the other and their negatives. */
void poly_add_product(struct poly *sum, const struct poly *f, const struct poly *g) {
  for (unsigned i = 0; i < POLY_N; i += 2) {
    uint32_t root = roots[64 + i / 4];
    uint32_t a0 = f->c[i], a1 = f->c[i + 1], b0 = g->c[i], b1 = g->c[i + 1];
    root = i & 2 ? POLY_Q - root : root;
    sum->c[i] = reduce(sum->c[i] + a0 * b0 + reduce(a1 * b1) * root);
    sum->c[i + 1] = reduce(sum->c[i + 1] + a0 * b1 + a1 * b0);
  }
}

/* x * 2^bits / q, rounded, modulo 2^bits. */
static inline uint32_t compress(uint32_t x, unsigned bits) {
  return quotient((x << bits) + POLY_Q / 2) & ((1u << bits) - 1);
}

static inline uint16_t decompress(uint32_t x, unsigned bits) {
  return (uint16_t)((x * POLY_Q + (1u << bits) / 2) >> bits);
}

void poly_write(const struct poly *f, unsigned bits, uint8_t *out) {
  uint32_t held = 0;
  unsigned n = 0;
  for (unsigned i = 0; i < POLY_N; i++) {
    held |= (bits < POLY_BITS ? compress(f->c[i], bits) : f->c[i]) << n;
    for (n += bits; n >= 8; n -= 8, held >>= 8)
      *out++ = (uint8_t)held;
  }
}

void poly_read(const uint8_t *in, unsigned bits, struct poly *f) {
  uint32_t held = 0;
  unsigned n = 0;
  for (unsigned i = 0; i < POLY_N; i++) {
    for (; n < bits; n += 8)
      held |= (uint32_t)*in++ << n;
    uint32_t x = poly_opaque(held & ((1u << bits) - 1));
    held >>= bits;
    n -= bits;
    f->c[i] = bits < POLY_BITS ? decompress(x, bits) : reduce(x);
  }
}

/* The sum of two bits minus that of two more, of each four bits. */
void poly_noise(const uint8_t in[static POLY_NOISE], struct poly *f) {
  for (unsigned i = 0; i < POLY_N; i++) {
    uint32_t x = poly_opaque((uint32_t)in[i / 2] >> 4 * (i % 2));
    f->c[i] = reduce((x & 1) + (x >> 1 & 1) + POLY_Q - (x >> 2 & 1) - (x >> 3 & 1));
  }
}

bool poly_uniform(const uint8_t in[static POLY_UNIFORM], struct poly *f) {
  unsigned n = 0;
  for (const uint8_t *p = in; p < in + POLY_UNIFORM && n < POLY_N; p += 3) {
    uint16_t a = (uint16_t)(p[0] | (p[1] & 15) << 8), b = (uint16_t)(p[1] >> 4 | p[2] << 4);
    if (a < POLY_Q)
      f->c[n++] = a;
    if (b < POLY_Q && n < POLY_N)
      f->c[n++] = b;
  }
  return n == POLY_N;
}
