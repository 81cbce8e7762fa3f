/*
 * JWS in flattened JSON form (RFC 7515, 7.2.2), as RFC 8555 (6.2) narrows it: everything is in the
 * protected header, one signature. Any thread.
 */
#ifndef VAULT_ACME_JWS_H
#define VAULT_ACME_JWS_H

#include "crypto/alg.h"

struct acme_jws {
  json_t *doc, *header;
  struct bytes protected, payload64; /* of doc, still base64url */
  struct buf payload;                /* decoded; empty for POST-as-GET */
  uint8_t signature[1024];
  size_t signature_size;
  const struct alg *alg; /* NULL for a MAC */
  struct bytes name;     /* of the algorithm */
};
void acme_jws_free(struct acme_jws *j);
#define AUTO_ACME_JWS __attribute__((cleanup(acme_jws_free))) struct acme_jws

/* The form only. ERR_BAD_PARAMETER, REFUSEd; *algorithm is set when all that is wrong is an
 * algorithm that is not taken. doc is a JSON object, whose share is taken over. mac: it must be
 * HS256, else one of the signatures. */
err_t acme_jws_parse(json_t *doc, bool mac, struct acme_jws *out, bool *algorithm);
/* ERR_BAD_PARAMETER, REFUSEd, unless the signature is that of the key and the algorithm fits it. */
err_t acme_jws_verify(const struct acme_jws *j, const struct key *public_key);
err_t acme_jws_verify_mac(const struct acme_jws *j, struct bytes key);
/* What is taken, as a JSON list. */
#define ACME_ALGORITHMS "[\"ES256\",\"ES384\",\"RS256\",\"PS256\"]"

/* A public key of a JWK object: RSA, or EC over a curve that the algorithms take. REFUSEd also when
 * it has private members. */
err_t acme_jwk(json_t *jwk, struct key **out);

#endif
