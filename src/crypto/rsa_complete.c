#include "crypto/key_der.h"

#include <openssl/bn.h>

#define TRIES 40 /* each finds the factors with a probability of one half or more */

/* BIGNUMs of a context that has them on the secure heap; they go with it. */
struct numbers {
  BN_CTX *ctx;
  BIGNUM *n, *e, *d, *p, *q, *dp, *dq, *qi, *t0, *t1, *t2;
};

static void numbers_free(struct numbers *b) {
  if (b->ctx)
    BN_CTX_end(b->ctx);
  BN_CTX_free(b->ctx);
}
#define AUTO_NUMBERS __attribute__((cleanup(numbers_free))) struct numbers

static err_t numbers_new(struct numbers *b) {
  b->ctx = BN_CTX_secure_new();
  if (!b->ctx)
    EVP_FAIL(ERR_NOMEM, "RSA factors");
  BN_CTX_start(b->ctx);
  BIGNUM **all[] = { &b->n,  &b->e,  &b->d,  &b->p,  &b->q, &b->dp,
                     &b->dq, &b->qi, &b->t0, &b->t1, &b->t2 };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!(*all[i] = BN_CTX_get(b->ctx)))
      EVP_FAIL(ERR_NOMEM, "RSA factors");
  return OK;
}

static bool load(const struct secret *s, BIGNUM *out) {
  return BN_bin2bn(s->data, (int)s->size, out) != NULL;
}

static err_t store(const BIGNUM *v, struct secret *out) {
  AUTO_SECRET s = { 0 };
  TRY(secret_new((size_t)BN_num_bytes(v), &s));
  if (BN_bn2binpad(v, s.data, (int)s.size) < 0)
    EVP_FAIL(ERR_CRYPTO, "RSA factors");
  *out = secret_take(&s);
  return OK;
}

enum verdict { FOUND, TRY_AGAIN, GIVE_UP };

/* p = a random base to the odd part t0 of d * e - 1, then squared until it is 1, as it must be
 * after so many squarings as there are twos: the value before that, unless it is n - 1 (t1),
 * is a square root of 1 that shares a factor with n. */
static enum verdict try_base(struct numbers *b, int twos) {
  if (!BN_priv_rand_range(b->q, b->t1) || !BN_mod_exp(b->p, b->q, b->t0, b->n, b->ctx))
    return GIVE_UP;
  for (int i = 0; i < twos; i++) {
    if (BN_is_one(b->p) || BN_cmp(b->p, b->t1) == 0)
      return TRY_AGAIN;
    if (!BN_mod_sqr(b->t2, b->p, b->n, b->ctx))
      return GIVE_UP;
    if (BN_is_one(b->t2))
      return FOUND;
    BN_swap(b->p, b->t2);
  }
  return GIVE_UP;
}

static bool find_factors(struct numbers *b) {
  int twos = 0;
  if (!BN_mul(b->t0, b->d, b->e, b->ctx) || !BN_sub_word(b->t0, 1) || BN_is_zero(b->t0))
    return false;
  while (!BN_is_bit_set(b->t0, twos))
    twos++;
  BN_set_flags(b->t0, BN_FLG_CONSTTIME);
  if (!BN_rshift(b->t0, b->t0, twos) || !BN_sub(b->t1, b->n, BN_value_one()))
    return false;
  enum verdict v = TRY_AGAIN;
  for (int i = 0; i < TRIES && v == TRY_AGAIN; i++)
    v = try_base(b, twos);
  return v == FOUND && BN_sub_word(b->p, 1) && BN_gcd(b->p, b->p, b->n, b->ctx) &&
         BN_div(b->q, NULL, b->n, b->p, b->ctx);
}

/* The numbers for the CRT, with p > q. */
static bool find_rest(struct numbers *b) {
  if (BN_cmp(b->p, b->q) < 0)
    BN_swap(b->p, b->q);
  return BN_sub(b->t0, b->p, BN_value_one()) && BN_mod(b->dp, b->d, b->t0, b->ctx) &&
         BN_sub(b->t1, b->q, BN_value_one()) && BN_mod(b->dq, b->d, b->t1, b->ctx) &&
         BN_mod_inverse(b->qi, b->q, b->p, b->ctx);
}

err_t rsa_complete(struct rsa_numbers *n) {
  AUTO_NUMBERS b = { 0 };
  TRY(numbers_new(&b));
  if (!load(&n->part[RSA_N], b.n) || !load(&n->part[RSA_E], b.e) || !load(&n->part[RSA_D], b.d))
    EVP_FAIL(ERR_NOMEM, "RSA factors");
  if (!find_factors(&b) || !find_rest(&b))
    EVP_REFUSE("Property d has invalid value: it does not fit n and e\r\n");
  TRY(store(b.p, &n->part[RSA_P]));
  TRY(store(b.q, &n->part[RSA_Q]));
  TRY(store(b.dp, &n->part[RSA_DP]));
  TRY(store(b.dq, &n->part[RSA_DQ]));
  return store(b.qi, &n->part[RSA_QI]);
}
