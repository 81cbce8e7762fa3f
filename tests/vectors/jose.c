#include "base/codec.h"
#include "crypto/jws.h"
#include "vectors.h"

static const char *const offered[] = { "RS256", "PS256", "ES256" };

/* What the JWK says that it is for: the callers of crypto/ look at that. */
static bool is_for_another_use(json_t *jwk) {
  json_t *op;
  size_t i;
  const char *use = vector_str(jwk, "use"), *alg = vector_str(jwk, "alg");
  bool verify = !json_object_get(jwk, "key_ops");
  json_array_foreach(json_object_get(jwk, "key_ops"), i, op) {
    verify |= strcmp(json_string_value(op), "verify") == 0;
  }
  bool known = alg[0] == '\0';
  for (unsigned o = 0; o < sizeof offered / sizeof *offered; o++)
    known |= strcmp(alg, offered[o]) == 0;
  return (use[0] && strcmp(use, "sig") != 0) || !verify || !known;
}

/* Whether the token says one of the algorithms that tokens may have here, and is the kind of token
 * that the file is about. */
static bool is_offered(struct bytes token) {
  struct bytes head;
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JSON *header = NULL;
  (void)bytes_split(token, '.', &head);
  if (buf_put_b64url_decoded(&text, head) != OK || json_read(buf_bytes(&text), &header) != OK)
    return true; /* to be refused */
  for (unsigned o = 0; o < sizeof offered / sizeof *offered; o++)
    if (strcmp(vector_str(header, "alg"), offered[o]) == 0)
      return true;
  return false;
}

/*
 * Payloads of the vectors are any bytes; ours are JSON objects. So the form of the token is checked
 * with {} in the payload's place, the payload's base64url apart, and then the signature over what
 * the token really says.
 */
static err_t verify(struct bytes token, const struct key *k) {
  struct bytes head, payload, rest = bytes_split(token, '.', &head);
  struct bytes signature = bytes_split(rest, '.', &payload);
  AUTO_BUF swapped = BUF_EMPTY, decoded = BUF_EMPTY;
  AUTO_JWS j = { 0 };
  buf_put_bytes(&swapped, head);
  buf_put_str(&swapped, ".e30");
  if (signature.data)
    buf_put_char(&swapped, '.');
  buf_put_bytes(&swapped, signature);
  TRY(jws_parse(buf_bytes(&swapped), &j));
  TRY(buf_put_b64url_decoded(&decoded, payload));
  j.signing_input = bytes_of(token.data, head.size + 1 + payload.size);
  return jws_verify(&j, k);
}

static enum outcome run_jws(struct vector *v) {
  json_t *jwk = json_object_get(v->group, "public");
  struct bytes token = bytes_str(vector_str(v->test, "jws"));
  struct key *k AUTO(key) = NULL;
  if (json_object_get(jwk, "keys"))
    jwk = json_array_get(json_object_get(jwk, "keys"), 0);
  if (!jwk || !is_offered(token))
    return vector_skip(v, "tokens have RS256, PS256 or ES256 only");
  if (is_for_another_use(jwk))
    return vector_skip(v, "use, key_ops and alg of a JWK are its user's to check");
  err_t e = key_from_jwk(jwk, &k);
  return vector_outcome(e == OK ? verify(token, k) : e);
}

const struct family family_jws = { NULL, run_jws };
