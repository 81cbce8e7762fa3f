#include "crypto/key.h"

#include "crypto/key_der.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#define DER_LIMIT 16384
#define DEFAULT_EXPONENT 65537

struct key {
  atomic_uint shares;
  struct key_spec spec;
  bool is_private;
  EVP_PKEY *pkey;    /* RSA, EC */
  struct secret oct; /* oct */
  atomic_bool distrusted;
  _Atomic(EVP_PKEY_CTX *) contexts[KEY_SLOTS];
};

#define SIZES 3
static const unsigned sizes[][SIZES] = {
  [KEY_RSA] = { 2048, 3072, 4096 },
  [KEY_EC] = { 256, 384, 521 },
  [KEY_OCT] = { 128, 192, 256 },
};

static const struct curve curves[] = {
  [CURVE_P256] = { "P-256",
                   "prime256v1",
                   256,
                   { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 },
                   10 },
  [CURVE_P384] = { "P-384", "secp384r1", 384, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, 7 },
  [CURVE_P521] = { "P-521", "secp521r1", 521, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 }, 7 },
  [CURVE_P256K] = { "P-256K", "secp256k1", 256, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a }, 7 },
};
#define CURVES (sizeof curves / sizeof *curves)

const struct curve *curve_of(enum key_curve curve) {
  return &curves[curve];
}

bool key_size_offered(enum key_type type, unsigned bits) {
  for (unsigned i = 0; i < SIZES; i++)
    if (sizes[type][i] == bits)
      return true;
  return false;
}

err_t key_refuse_size(enum key_type type, unsigned bits) {
  REFUSE(ERR_BAD_PARAMETER, "Unsupported key size (%u). Supported sizes are [%u, %u, %u]", bits,
         sizes[type][0], sizes[type][1], sizes[type][2]);
}

struct key *key_ref(struct key *k) {
  atomic_fetch_add_explicit(&k->shares, 1, memory_order_relaxed);
  return k;
}

void key_free(struct key *k) {
  if (!k || atomic_fetch_sub_explicit(&k->shares, 1, memory_order_acq_rel) > 1)
    return;
  for (unsigned i = 0; i < KEY_SLOTS; i++)
    EVP_PKEY_CTX_free(k->contexts[i]);
  EVP_PKEY_free(k->pkey);
  secret_free(&k->oct);
  mem_free(k);
}

const struct key_spec *key_spec(const struct key *k) {
  return &k->spec;
}

bool key_is_private(const struct key *k) {
  return k->is_private;
}

EVP_PKEY *key_evp(const struct key *k) {
  return k->pkey;
}

struct bytes key_oct(const struct key *k) {
  return secret_bytes(&k->oct);
}

err_t key_context(const struct key *k, unsigned slot, key_context_make *make, const struct alg *a,
                  EVP_PKEY_CTX **out) {
  assert(slot < KEY_SLOTS);
  _Atomic(EVP_PKEY_CTX *) *kept = &((struct key *)k)->contexts[slot];
  EVP_PKEY_CTX *ready = atomic_load_explicit(kept, memory_order_acquire);
  if (!ready) {
    EVP_PKEY_CTX *made AUTO(evp_pkey_ctx) = NULL;
    TRY(make(a, k, &made));
    if (atomic_compare_exchange_strong(kept, &ready, made)) /* else another thread was first */
      ready = TAKE(made);
  }
  if (!(*out = EVP_PKEY_CTX_dup(ready)))
    EVP_FAIL(ERR_NOMEM, "copy of a context");
  return OK;
}

bool key_distrusted(const struct key *k) {
  return k->distrusted;
}

void key_distrust(const struct key *k) {
  ((struct key *)k)->distrusted = true;
}

static err_t key_new(const struct key_spec *spec, bool is_private, struct key **out) {
  struct key *k = mem_zalloc(sizeof *k);
  if (!k)
    return ERR_NOMEM;
  atomic_init(&k->shares, 1);
  k->spec = *spec;
  k->is_private = is_private;
  *out = k;
  return OK;
}

err_t key_new_oct(struct secret *value, struct key **out) {
  struct key_spec spec = { .type = KEY_OCT, .bits = (unsigned)(8 * value->size) };
  if (!key_size_offered(KEY_OCT, spec.bits))
    return key_refuse_size(KEY_OCT, spec.bits);
  TRY(key_new(&spec, true, out));
  (*out)->oct = secret_take(value);
  return OK;
}

static void bn_cleanup(BIGNUM **n) {
  BN_clear_free(*n);
}
#define AUTO_BN __attribute__((cleanup(bn_cleanup))) BIGNUM

/* Primes that are close to each other are found from the modulus in no time (FIPS 186-5, A.1.1). */
static err_t check_distance(EVP_PKEY *pkey, unsigned bits) {
  AUTO_BN *p = BN_secure_new();
  AUTO_BN *q = BN_secure_new();
  if (!p || !q || !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) ||
      !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) || !BN_sub(p, p, q))
    EVP_FAIL(ERR_CRYPTO, "RSA primes");
  if ((unsigned)BN_num_bits(p) <= bits / 2 - 100)
    REFUSE(ERR_BAD_PARAMETER, "The primes of this RSA key are too close to each other.");
  return OK;
}

/* Two primes of half the modulus' size each (FIPS 186-5, A.1.1). */
static err_t check_primes(EVP_PKEY *pkey, unsigned bits) {
  OSSL_PARAM sizes_only[] = {
    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_FACTOR1, NULL, 0),
    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_FACTOR2, NULL, 0),
    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_FACTOR3, NULL, 0),
    OSSL_PARAM_END,
  };
  if (!EVP_PKEY_get_params(pkey, sizes_only))
    EVP_FAIL(ERR_CRYPTO, "RSA primes");
  if (sizes_only[0].return_size != bits / 16 || sizes_only[1].return_size != bits / 16 ||
      OSSL_PARAM_modified(&sizes_only[2]))
    REFUSE(ERR_BAD_PARAMETER, "RSA keys need two primes of %u bits.", bits / 2);
  return check_distance(pkey, bits);
}

static err_t rsa_spec(EVP_PKEY *pkey, bool is_private, struct key_spec *spec) {
  spec->bits = (unsigned)EVP_PKEY_get_bits(pkey);
  if (!key_size_offered(KEY_RSA, spec->bits))
    return key_refuse_size(KEY_RSA, spec->bits);
  uint64_t exponent = 0;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_uint64(OSSL_PKEY_PARAM_RSA_E, &exponent),
    OSSL_PARAM_END,
  };
  if (!EVP_PKEY_get_params(pkey, params) || !rsa_exponent_fits(exponent))
    EVP_REFUSE("Property e has invalid value: an odd number from 3 to 4294967295 expected\r\n");
  spec->exponent = (uint32_t)exponent;
  return is_private ? check_primes(pkey, spec->bits) : OK;
}

static err_t ec_spec(EVP_PKEY *pkey, struct key_spec *spec) {
  char name[32];
  if (!EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL))
    EVP_REFUSE("Property crv has invalid value: a named curve expected\r\n");
  for (unsigned i = CURVE_P256; i < CURVES; i++)
    if (strcmp(name, curves[i].openssl_name) == 0) {
      spec->curve = (enum key_curve)i;
      spec->bits = curves[i].bits;
      return OK;
    }
  REFUSE(ERR_BAD_PARAMETER, "Property crv has invalid value: the curve is not supported\r\n");
}

err_t key_adopt(EVP_PKEY **pkey, enum key_type type, bool is_private, struct key **out) {
  struct key_spec spec = { .type = type };
  if (!EVP_PKEY_is_a(*pkey, type == KEY_RSA ? "RSA" : "EC"))
    REFUSE(ERR_BAD_PARAMETER, "The key is not of the type that was said.");
  TRY(type == KEY_RSA ? rsa_spec(*pkey, is_private, &spec) : ec_spec(*pkey, &spec));
  TRY(key_new(&spec, is_private, out));
  (*out)->pkey = TAKE(*pkey);
  return OK;
}

err_t key_load(struct bytes der, bool is_private, enum key_type type, struct key **out) {
  if (der.size > DER_LIMIT)
    REFUSE(ERR_BAD_PARAMETER, "The key is too large.");
  const uint8_t *p = der.data;
  int id = type == KEY_RSA ? EVP_PKEY_RSA : EVP_PKEY_EC;
  EVP_PKEY *pkey AUTO(evp_pkey) = is_private ? d2i_PrivateKey(id, NULL, &p, (long)der.size)
                                             : d2i_PUBKEY(NULL, &p, (long)der.size);
  /* Without a provider: what OpenSSL's older decoder made where the newer one gave up. It would be
   * copied into ordinary memory at its first use. */
  if (!pkey || p != der.data + der.size || !EVP_PKEY_get0_provider(pkey))
    EVP_REFUSE("The key is malformed.");
  ERR_clear_error(); /* what it tried before it succeeded */
  return key_adopt(&pkey, type, is_private, out);
}

err_t key_check(const struct key *k) {
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
  if (!ctx)
    EVP_FAIL(ERR_CRYPTO, "key check");
  if ((k->is_private ? EVP_PKEY_check(ctx) : EVP_PKEY_public_check(ctx)) <= 0)
    EVP_REFUSE("The key's numbers do not fit one another.");
  return OK;
}

static err_t generate_with(EVP_PKEY_CTX *ctx, const OSSL_PARAM *params, enum key_type type,
                           struct key **out) {
  EVP_PKEY *pkey AUTO(evp_pkey) = NULL;
  if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 || !EVP_PKEY_CTX_set_params(ctx, params) ||
      EVP_PKEY_generate(ctx, &pkey) <= 0)
    EVP_FAIL(ERR_CRYPTO, "key generation");
  err_t e = key_adopt(&pkey, type, true, out);
  if (e == ERR_BAD_PARAMETER) /* of a key that we made: memory ran out while it was looked at */
    EVP_FAIL(ERR_CRYPTO, "a key that was just generated can't be read");
  return e;
}

static err_t generate_rsa(const struct key_spec *spec, struct key **out) {
  if (!key_size_offered(KEY_RSA, spec->bits))
    return key_refuse_size(KEY_RSA, spec->bits);
  uint32_t e = spec->exponent ? spec->exponent : DEFAULT_EXPONENT;
  if (!rsa_exponent_fits(e))
    REFUSE(ERR_BAD_PARAMETER,
           "Property public_exponent has invalid value: an odd number from 3 on expected\r\n");
  size_t bits = spec->bits;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits),
    OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &e),
    OSSL_PARAM_END,
  };
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
  return generate_with(ctx, params, KEY_RSA, out);
}

/* By curve or, where none is named, by size. */
static err_t generate_ec(const struct key_spec *spec, struct key **out) {
  unsigned i = spec->curve;
  for (unsigned c = CURVE_P256; i == CURVE_NONE && c <= CURVE_P521; c++)
    if (curves[c].bits == spec->bits)
      i = c;
  if (i == CURVE_NONE || i >= CURVES || (spec->bits && spec->bits != curves[i].bits))
    return key_refuse_size(KEY_EC, spec->bits);
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curves[i].openssl_name, 0),
    OSSL_PARAM_END,
  };
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  return generate_with(ctx, params, KEY_EC, out);
}

static err_t generate_oct(const struct key_spec *spec, struct key **out) {
  if (!key_size_offered(KEY_OCT, spec->bits))
    return key_refuse_size(KEY_OCT, spec->bits);
  AUTO_SECRET value = { 0 };
  TRY(secret_random(spec->bits / 8, &value));
  return key_new_oct(&value, out);
}

err_t key_generate(const struct key_spec *spec, struct key **out) {
  switch (spec->type) {
  case KEY_RSA:
    return generate_rsa(spec, out);
  case KEY_EC:
    return generate_ec(spec, out);
  default:
    return generate_oct(spec, out);
  }
}

err_t key_export(const struct key *k, struct secret *out) {
  if (!k->is_private)
    FAIL(ERR_INTERNAL, "export of a public key");
  if (k->spec.type == KEY_RSA) {
    AUTO_RSA n = { 0 };
    TRY(rsa_numbers_of(k, true, &n));
    return rsa_encode(&n, out);
  }
  if (k->spec.type == KEY_EC) {
    AUTO_EC n = { 0 };
    TRY(ec_numbers_of(k, true, &n));
    return ec_encode(&n, out);
  }
  return secret_copy(key_oct(k), out);
}

err_t key_import(enum key_type type, struct bytes private_form, struct key **out) {
  if (type != KEY_OCT)
    return key_load(private_form, true, type, out);
  if (private_form.size > sizes[KEY_OCT][SIZES - 1] / 8)
    return key_refuse_size(KEY_OCT, (unsigned)(8 * private_form.size));
  AUTO_SECRET value = { 0 };
  TRY(secret_copy(private_form, &value));
  return key_new_oct(&value, out);
}
