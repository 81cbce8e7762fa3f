/*
 * Keys of every type that the vault holds, from one table over OpenSSL EVP.
 *
 * struct key is immutable and counted: any thread may use one, key_ref() shares it and key_free()
 * gives a share back. A key may be public only. Private parts are on the secure heap: whatever a
 * key is made from goes through PKCS#8 in a struct secret and d2i, in one place (an EVP_PKEY built
 * from parameters would keep them in ordinary memory). One thing is out of reach: from the first
 * private operation of an RSA key until its last share is given back, OpenSSL keeps the two primes
 * as Montgomery moduli in ordinary memory too; they are wiped then.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/json.h"
#include "crypto/crypto.h"

enum key_type { KEY_RSA, KEY_EC, KEY_OCT };
enum key_curve { CURVE_NONE, CURVE_P256, CURVE_P384, CURVE_P521, CURVE_P256K };

struct key_spec {
  enum key_type type;
  unsigned bits; /* RSA 2048, 3072, 4096; oct 128, 192, 256; EC: the curve's field size (256, 384,
                    521, 256) */
  enum key_curve curve; /* EC; generation: CURVE_NONE takes that of the size, CURVE_P256K has to be
                           named */
  uint32_t exponent;    /* RSA generation: 0 means 65537; odd, 3 or more */
};

struct key;

/* ERR_BAD_PARAMETER (REFUSEd with the API's text) for sizes or exponents that are not offered. */
err_t key_generate(const struct key_spec *spec, struct key **out);
struct key *key_ref(struct key *k);
void key_free(struct key *k);
CLEANUP(key, struct key *, key_free)

const struct key_spec *key_spec(const struct key *k);
bool key_is_private(const struct key *k);

/*
 * From a JWK object (RFC 7517/7518, and "k" for oct): kty RSA, RSA-HSM, EC, EC-HSM, oct, oct-HSM.
 * Private if it has private members: RSA needs n, e, d (p, q, dp, dq, qi all or none: they are
 * computed when absent), EC crv, x, y, d. Checked for consistency (the public part must fit the
 * private one, points must be on the curve, sizes must be offered). ERR_BAD_PARAMETER (REFUSEd,
 * naming the member) otherwise. Leading zeros of numbers are accepted.
 */
err_t key_from_jwk(json_t *jwk, struct key **out);
/* Appends the public members as a JSON fragment, without kty and braces: "n":"..","e":".." or
 * "crv":"..","x":"..","y":".."; nothing for oct. Minimal-length RSA numbers; full-length
 * coordinates. */
err_t key_public_members(const struct key *k, struct buf *out);
/* RFC 7638 thumbprint, SHA-256, base64url: a kid. */
err_t key_thumbprint(const struct key *k, char out[static 44]);

/* Private form for the store: PKCS#8 DER, or the raw bytes of oct. */
err_t key_export(const struct key *k, struct secret *out);
err_t key_import(enum key_type type, struct bytes private_form, struct key **out);

#endif
