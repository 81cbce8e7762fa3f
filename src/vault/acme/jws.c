#include "vault/acme/jws.h"

#include "base/codec.h"

static const char *const signatures[] = { "ES256", "ES384", "RS256", "PS256" };

void acme_jws_free(struct acme_jws *j) {
  json_decref(j->doc);
  json_decref(j->header);
  buf_free(&j->payload);
  *j = (struct acme_jws){ 0 };
}

static err_t get_member(json_t *doc, const char *name, struct bytes *out) {
  bool found = false;
  TRY(json_get_str(doc, name, out, &found));
  if (!found)
    REFUSE(ERR_BAD_PARAMETER, "The JWS has no member %s.", name);
  return OK;
}

static err_t read_header(struct acme_jws *j, bool mac, bool *algorithm) {
  AUTO_BUF text = BUF_EMPTY;
  if (buf_put_b64url_decoded(&text, j->protected) != OK ||
      json_read(buf_bytes(&text), &j->header) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's protected header is not a JSON object in base64url.");
  TRY(json_get_str(j->header, "alg", &j->name, NULL));
  if (json_object_get(j->header, "crit") || json_object_get(j->header, "b64"))
    REFUSE(ERR_BAD_PARAMETER, "The JWS's header has extensions that are not understood.");
  if (mac && bytes_equal_str(j->name, "HS256"))
    return OK;
  for (size_t i = 0; !mac && i < sizeof signatures / sizeof *signatures; i++)
    if (bytes_equal_str(j->name, signatures[i]))
      j->alg = alg_find(j->name);
  *algorithm = !j->alg;
  if (*algorithm)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's algorithm is not one of %s.",
           mac ? "HS256" : "ES256, ES384, RS256, PS256");
  return OK;
}

err_t acme_jws_parse(json_t *doc, bool mac, struct acme_jws *out, bool *algorithm) {
  AUTO_ACME_JWS j = { .doc = doc };
  struct bytes signature;
  *algorithm = false;
  if (json_object_get(doc, "header") || json_object_get(doc, "signatures"))
    REFUSE(ERR_BAD_PARAMETER,
           "The JWS must have one signature and nothing in an unprotected header.");
  TRY(get_member(doc, "protected", &j.protected));
  TRY(get_member(doc, "payload", &j.payload64));
  TRY(get_member(doc, "signature", &signature));
  TRY(read_header(&j, mac, algorithm));
  if (buf_put_b64url_decoded(&j.payload, j.payload64) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's payload is not base64url.");
  if (b64url_decode(signature, j.signature, sizeof j.signature, &j.signature_size) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's signature is not base64url.");
  *out = j;
  j = (struct acme_jws){ 0 };
  return OK;
}

static err_t put_signing_input(const struct acme_jws *j, struct buf *out) {
  buf_put_bytes(out, j->protected);
  buf_put_char(out, '.');
  buf_put_bytes(out, j->payload64);
  return buf_ok(out);
}

err_t acme_jws_verify(const struct acme_jws *j, const struct key *public_key) {
  AUTO_BUF input = BUF_EMPTY;
  uint8_t digest[SHA384_SIZE];
  bool valid = false, long_digest = bytes_equal_str(j->name, "ES384");
  if (!j->alg || !alg_fits(j->alg, key_spec(public_key)))
    REFUSE(ERR_BAD_PARAMETER, "The JWS's algorithm does not fit the key.");
  TRY(put_signing_input(j, &input));
  TRY(long_digest ? crypto_sha384(buf_bytes(&input), digest)
                  : crypto_sha256(buf_bytes(&input), digest));
  TRY(alg_verify(j->alg, public_key, bytes_of(digest, long_digest ? SHA384_SIZE : SHA256_SIZE),
                 bytes_of(j->signature, j->signature_size), &valid));
  if (!valid)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's signature is not that of the key.");
  return OK;
}

err_t acme_jws_verify_mac(const struct acme_jws *j, struct bytes key) {
  AUTO_BUF input = BUF_EMPTY;
  uint8_t mac[SHA256_SIZE];
  TRY(put_signing_input(j, &input));
  TRY(crypto_hmac_sha256(key, buf_bytes(&input), mac));
  if (!crypto_equal(bytes_of(mac, sizeof mac), bytes_of(j->signature, j->signature_size)))
    REFUSE(ERR_BAD_PARAMETER, "The MAC of the JWS is not that of the key.");
  return OK;
}

err_t acme_jwk(json_t *jwk, struct key **out) {
  struct bytes kty = { 0 };
  TRY(json_get_str(jwk, "kty", &kty, NULL));
  if (!bytes_equal_str(kty, "EC") && !bytes_equal_str(kty, "RSA"))
    REFUSE(ERR_BAD_PARAMETER, "The JWK's kty is neither EC nor RSA.");
  if (json_object_get(jwk, "d") || json_object_get(jwk, "p") || json_object_get(jwk, "k"))
    REFUSE(ERR_BAD_PARAMETER, "The JWK is a private key: it must not be sent, and is not used.");
  AUTO(key) struct key *k = NULL;
  TRY(key_from_jwk(jwk, &k));
  const struct key_spec *spec = key_spec(k);
  if (spec->type == KEY_EC && spec->curve != CURVE_P256 && spec->curve != CURVE_P384)
    REFUSE(ERR_BAD_PARAMETER, "The JWK's curve is neither P-256 nor P-384.");
  *out = TAKE(k);
  return OK;
}
