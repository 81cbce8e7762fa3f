#include "crypto/jws.h"

#include "base/codec.h"
#include "base/write.h"

static const char *const allowed[] = { "RS256", "PS256", "ES256" }; /* all over SHA-256 */

static const struct alg *allowed_alg(struct bytes name) {
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (bytes_equal_str(name, allowed[i]))
      return alg_find(name);
  return NULL;
}

void jws_free(struct jws *j) {
  json_decref(j->header);
  json_decref(j->claims);
  *j = (struct jws){ 0 };
}

#define REJECT(why) FAIL(ERR_UNAUTHORIZED, "JWS: %s", why)

static err_t read_part(struct bytes part, json_t **out) {
  AUTO_BUF text = BUF_EMPTY;
  err_t e = buf_put_b64url_decoded(&text, part);
  if (e == OK)
    e = json_read(buf_bytes(&text), out);
  if (e != OK && e != ERR_NOMEM)
    REJECT("a part is not a JSON object in base64url");
  return e;
}

static err_t check_header(json_t *header, const struct alg **out) {
  struct bytes name = { 0 };
  if (json_get_str(header, "alg", &name, NULL) != OK)
    REJECT("alg is not a string");
  if (!(*out = allowed_alg(name)))
    REJECT("alg is not one of RS256, PS256, ES256");
  if (json_object_get(header, "crit") || json_object_get(header, "b64"))
    REJECT("extensions are not understood");
  return OK;
}

err_t jws_parse(struct bytes token, struct jws *out) {
  if (token.size > JWS_MAX)
    REJECT("too long");
  struct bytes header, claims, rest = bytes_split(token, '.', &header);
  struct bytes signature = bytes_split(rest, '.', &claims);
  if (header.size == 0 || claims.size == 0 || signature.size == 0)
    REJECT("not three parts");
  AUTO_JWS j = { .signing_input = bytes_of(token.data, header.size + 1 + claims.size) };
  TRY(read_part(header, &j.header));
  TRY(check_header(j.header, &j.alg));
  TRY(read_part(claims, &j.claims));
  if (b64url_decode(signature, j.signature, sizeof j.signature, &j.signature_size) != OK)
    REJECT("the signature is not base64url"); /* nor, with a third dot in it, the end */
  *out = j;
  j = (struct jws){ 0 };
  return OK;
}

err_t jws_verify(const struct jws *j, const struct key *public_key) {
  if (!alg_fits(j->alg, key_spec(public_key)))
    REJECT("alg does not fit the key");
  uint8_t digest[SHA256_SIZE];
  bool valid = false;
  TRY(crypto_sha256(j->signing_input, digest));
  TRY(alg_verify(j->alg, public_key, bytes_of(digest, sizeof digest),
                 bytes_of(j->signature, j->signature_size), &valid));
  if (!valid)
    REJECT("the signature is not that of the key");
  return OK;
}

static void put_header(struct buf *out, const char *alg, const char *kid) {
  AUTO_BUF text = BUF_EMPTY;
  write_open(&text, NULL, '{');
  write_str(&text, "alg", alg);
  write_str(&text, "typ", "JWT");
  write_str(&text, "kid", kid);
  write_close(&text, '}');
  out->failed |= text.failed;
  buf_put_b64url(out, buf_bytes(&text));
}

static err_t sign(const struct alg *a, const struct key *k, struct bytes input,
                  struct buf *signature) {
  uint8_t digest[SHA256_SIZE];
  TRY(crypto_sha256(input, digest));
  return alg_sign(a, k, bytes_of(digest, sizeof digest), signature);
}

err_t jws_sign(const struct key *k, const char *alg, const char *kid, struct bytes claims,
               struct buf *out) {
  const struct alg *a = allowed_alg(bytes_str(alg));
  if (!a)
    FAIL(ERR_BAD_PARAMETER, "JWS: signing with %s", alg);
  AUTO_BUF token = BUF_EMPTY, signature = BUF_EMPTY;
  put_header(&token, alg, kid);
  buf_put_char(&token, '.');
  buf_put_b64url(&token, claims);
  TRY(buf_ok(&token));
  TRY(sign(a, k, buf_bytes(&token), &signature));
  buf_put_char(&token, '.');
  buf_put_b64url(&token, buf_bytes(&signature));
  TRY(buf_ok(&token));
  buf_put_bytes(out, buf_bytes(&token));
  return buf_ok(out);
}
