/*
 * Keys as DER, in and out: PKCS#8 (RFC 5208) with PKCS#1 (RFC 8017) or SEC1 (RFC 5915) inside for
 * private keys, SubjectPublicKeyInfo (RFC 5280) for public ones. Numbers are big-endian secrets.
 *
 * key_load() is the one place where OpenSSL is given a key: what d2i makes keeps its private
 * numbers on the secure heap, what EVP_PKEY_fromdata makes does not.
 */
#ifndef CRYPTO_KEY_DER_H
#define CRYPTO_KEY_DER_H

#include "crypto/evp.h"

enum rsa_part { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI, RSA_PARTS };
struct rsa_numbers {
  struct secret part[RSA_PARTS]; /* public keys: N and E only; D and on are empty */
};
enum ec_part { EC_X, EC_Y, EC_D, EC_PARTS };
struct ec_numbers {
  enum key_curve curve;
  struct secret part[EC_PARTS]; /* each of the field's size; public keys: D is empty */
};
void rsa_numbers_free(struct rsa_numbers *n);
void ec_numbers_free(struct ec_numbers *n);
#define AUTO_RSA __attribute__((cleanup(rsa_numbers_free))) struct rsa_numbers
#define AUTO_EC __attribute__((cleanup(ec_numbers_free))) struct ec_numbers

/* PKCS#8 when there is a D, else SubjectPublicKeyInfo. */
err_t rsa_encode(const struct rsa_numbers *n, struct secret *der);
err_t ec_encode(const struct ec_numbers *n, struct secret *der);

/* The numbers of a key, read from OpenSSL straight into secrets. */
err_t rsa_numbers_of(const struct key *k, bool private_too, struct rsa_numbers *out);
err_t ec_numbers_of(const struct key *k, bool private_too, struct ec_numbers *out);

/* SubjectPublicKeyInfo of an RSA or EC key, whatever else it has; and the bits in one. */
err_t spki_encode(const struct key *k, struct secret *der);
err_t spki_bits(struct bytes spki, struct bytes *bits);
/* The key in one. ERR_BAD_PARAMETER (REFUSEd) as for key_load(), or if it is neither RSA nor EC. */
err_t spki_load(struct bytes spki, struct key **out);

/* From d and e alone: finds p and q (SP 800-56B, appendix C) and the numbers for the CRT.
 * ERR_BAD_PARAMETER if n, e and d do not belong together. */
err_t rsa_complete(struct rsa_numbers *n);

/*
 * The key that a DER text holds. ERR_BAD_PARAMETER (REFUSEd) if it is malformed, of another type,
 * or of a size or curve that is not offered.
 */
err_t key_load(struct bytes der, bool is_private, enum key_type type, struct key **out);
/* The same for a private key of either type, which its DER tells. */
err_t key_load_private(struct bytes der, struct key **out);
/* The key that OpenSSL made or read; takes *pkey over, and refuses it as key_load() does. */
err_t key_adopt(EVP_PKEY **pkey, enum key_type type, bool is_private, struct key **out);
/* Refuses keys whose numbers do not fit one another, or whose point is not on the curve. */
err_t key_check(const struct key *k);
/* An oct key; takes the secret over. */
err_t key_new_oct(struct secret *value, struct key **out);

/* One row a curve. */
struct curve {
  const char *jwk_name, *openssl_name;
  unsigned bits;
  uint8_t oid[11]; /* DER, with its header */
  uint8_t oid_size;
};
const struct curve *curve_of(enum key_curve curve);
static inline size_t curve_bytes(enum key_curve curve) {
  return (curve_of(curve)->bits + 7) / 8;
}

/* REFUSEs, with the type's sizes. */
err_t key_refuse_size(enum key_type type, unsigned bits);
bool key_size_offered(enum key_type type, unsigned bits);
/* Odd, from 3 to 2^32 - 1. */
static inline bool rsa_exponent_fits(uint64_t e) {
  return e >= 3 && e <= UINT32_MAX && e % 2 == 1;
}

#endif
