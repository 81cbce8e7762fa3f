/*
 * JWS in compact form (RFC 7515), as tokens and client assertions are written. Signing with RS256,
 * PS256 or ES256; verifying with exactly these: any other alg, "none" and HS* among them, any
 * "crit" and any "b64" is refused. Any thread.
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "crypto/alg.h"

#define JWS_MAX 16384 /* characters */

struct jws {
  json_t *header, *claims; /* both objects */
  const struct alg *alg;
  struct bytes signing_input; /* borrows the token's text */
  uint8_t signature[1024];
  size_t signature_size;
};
/* Parses and checks the form only: three parts, strict base64url, JSON objects without duplicate
 * names, a known alg. ERR_UNAUTHORIZED otherwise. The token's text must outlive the jws. */
err_t jws_parse(struct bytes token, struct jws *out);
/* ERR_UNAUTHORIZED unless the signature is that of the key and the key's type fits the alg. */
err_t jws_verify(const struct jws *j, const struct key *public_key);
void jws_free(struct jws *j);
#define AUTO_JWS __attribute__((cleanup(jws_free))) struct jws

/* Appends header.claims.signature; claims is JSON text. The header is {"alg","typ":"JWT","kid"}. */
err_t jws_sign(const struct key *k, const char *alg, const char *kid, struct bytes claims,
               struct buf *out);

#endif
