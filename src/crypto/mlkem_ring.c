#include "crypto/mlkem_ring.h"

/* 17 to the power of i's bits in reverse order. */
static const uint16_t zetas[RING_N / 2] = {
  1,    1729, 2580, 3289, 2642, 630,  1897, 848,  1062, 1919, 193,  797,  2786, 3260, 569,  1746,
  296,  2447, 1339, 1476, 3046, 56,   2240, 1333, 1426, 2094, 535,  2882, 2393, 2879, 1974, 821,
  289,  331,  3253, 1756, 1197, 2304, 2277, 2055, 650,  1977, 2513, 632,  2865, 33,   1320, 1915,
  2319, 1435, 807,  452,  1438, 2868, 1534, 2402, 2647, 2617, 1481, 648,  2474, 3110, 1227, 910,
  17,   2761, 583,  2649, 1637, 723,  2288, 1100, 1409, 2662, 3281, 233,  756,  2156, 3015, 3050,
  1703, 1651, 2789, 1789, 1847, 952,  1461, 2687, 939,  2308, 2437, 2388, 733,  2337, 268,  641,
  1584, 2298, 2037, 3220, 375,  2549, 2090, 1645, 1063, 319,  2773, 757,  2099, 561,  2466, 2594,
  2804, 1092, 403,  1026, 1143, 2150, 2775, 886,  1722, 1212, 1874, 1029, 2110, 2935, 885,  2154,
};
#define INVERSE_128 3303 /* modulo RING_Q */

/* x below 2 * RING_Q. */
static uint16_t once(uint32_t x) {
  uint32_t less = x - RING_Q;
  return (uint16_t)(less + (RING_Q & (0u - (less >> 31))));
}

/* Any x: the quotient is at most one too small. */
static uint16_t reduce(uint32_t x) {
  uint32_t quotient = (uint32_t)((uint64_t)x * ((UINT64_C(1) << 32) / RING_Q) >> 32);
  return once(x - quotient * RING_Q);
}

static uint16_t times(uint16_t a, uint16_t b) {
  return reduce((uint32_t)a * b);
}

static uint16_t minus(uint16_t a, uint16_t b) {
  return once((uint32_t)a + RING_Q - b);
}

void ring_add(struct ring *r, const struct ring *a) {
  for (size_t i = 0; i < RING_N; i++)
    r->c[i] = once((uint32_t)r->c[i] + a->c[i]);
}

void ring_subtract(struct ring *r, const struct ring *a) {
  for (size_t i = 0; i < RING_N; i++)
    r->c[i] = minus(r->c[i], a->c[i]);
}

void ring_ntt(struct ring *r) {
  const uint16_t *zeta = zetas + 1;
  for (size_t length = RING_N / 2; length >= 2; length /= 2)
    for (size_t start = 0; start < RING_N; start += 2 * length, zeta++)
      for (size_t i = start; i < start + length; i++) {
        uint16_t t = times(*zeta, r->c[i + length]);
        r->c[i + length] = minus(r->c[i], t);
        r->c[i] = once((uint32_t)r->c[i] + t);
      }
}

void ring_inverse_ntt(struct ring *r) {
  const uint16_t *zeta = zetas + RING_N / 2 - 1;
  for (size_t length = 2; length <= RING_N / 2; length *= 2)
    for (size_t start = 0; start < RING_N; start += 2 * length, zeta--)
      for (size_t i = start; i < start + length; i++) {
        uint16_t t = r->c[i];
        r->c[i] = once((uint32_t)t + r->c[i + length]);
        r->c[i + length] = times(*zeta, minus(r->c[i + length], t));
      }
  for (size_t i = 0; i < RING_N; i++)
    r->c[i] = times(r->c[i], INVERSE_128);
}

void ring_multiply_add(struct ring *r, const struct ring *a, const struct ring *b) {
  for (size_t i = 0; i < RING_N; i += 2) {
    uint16_t gamma = zetas[RING_N / 4 + i / 4];
    if (i % 4)
      gamma = (uint16_t)(RING_Q - gamma);
    uint32_t a0 = a->c[i], a1 = a->c[i + 1], b0 = b->c[i], b1 = b->c[i + 1];
    r->c[i] = reduce(r->c[i] + a0 * b0 + (uint32_t)reduce(a1 * b1) * gamma);
    r->c[i + 1] = reduce(r->c[i + 1] + a0 * b1 + a1 * b0);
  }
}

/* A division by RING_Q that takes as long whatever x is: exact for x below 2^25. */
static uint32_t divide(uint32_t x) {
  return (uint32_t)((uint64_t)x * ((UINT64_C(1) << 36) / RING_Q + 1) >> 36);
}

void ring_compress(struct ring *r, unsigned bits) {
  for (size_t i = 0; i < RING_N; i++)
    r->c[i] = (uint16_t)(divide(((uint32_t)r->c[i] << bits) + RING_Q / 2) & ((1u << bits) - 1));
}

void ring_decompress(struct ring *r, unsigned bits) {
  for (size_t i = 0; i < RING_N; i++)
    r->c[i] = (uint16_t)(((uint32_t)r->c[i] * RING_Q + (1u << (bits - 1))) >> bits);
}

void ring_encode(const struct ring *r, unsigned bits, uint8_t *out) {
  uint32_t held = 0;
  unsigned count = 0;
  for (size_t i = 0; i < RING_N; i++) {
    held |= (uint32_t)r->c[i] << count;
    for (count += bits; count >= 8; count -= 8, held >>= 8)
      *out++ = (uint8_t)held;
  }
}

void ring_decode(struct ring *r, unsigned bits, const uint8_t *in) {
  uint32_t held = 0;
  unsigned count = 0;
  for (size_t i = 0; i < RING_N; i++) {
    for (; count < bits; count += 8)
      held |= (uint32_t)*in++ << count;
    r->c[i] = (uint16_t)(held & ((1u << bits) - 1));
    held >>= bits;
    count -= bits;
  }
}

bool ring_valid(const struct ring *r) {
  uint32_t over = 0;
  for (size_t i = 0; i < RING_N; i++)
    over |= (uint32_t)(RING_Q - 1) - r->c[i];
  return over >> 31 == 0;
}

/* Each half byte: the sum of two of its bits less that of the others. */
void ring_noise(struct ring *r, const uint8_t random[static RING_NOISE]) {
  for (size_t i = 0; i < RING_N; i++) {
    unsigned four = random[i / 2] >> 4 * (i % 2) & 15;
    unsigned plus = (four & 1) + (four >> 1 & 1), less = (four >> 2 & 1) + (four >> 3);
    r->c[i] = minus((uint16_t)plus, (uint16_t)less);
  }
}

bool ring_uniform(struct ring *r, struct bytes random) {
  size_t n = 0;
  for (size_t i = 0; i + 2 < random.size && n < RING_N; i += 3) {
    const uint8_t *b = random.data + i;
    unsigned first = b[0] | (b[1] & 15u) << 8, second = b[1] >> 4 | (unsigned)b[2] << 4;
    if (first < RING_Q)
      r->c[n++] = (uint16_t)first;
    if (second < RING_Q && n < RING_N)
      r->c[n++] = (uint16_t)second;
  }
  return n == RING_N;
}
