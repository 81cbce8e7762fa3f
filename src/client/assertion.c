#include "client/credential.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/write.h"
#include "crypto/alg.h"
#include "crypto/x509.h"

#define ASSERTION_SECONDS 300

static err_t put_header(struct bytes certificate, const char *alg, struct buf *out) {
  AUTO_BUF json = BUF_EMPTY;
  uint8_t thumbprint[SHA256_SIZE];
  TRY(crypto_sha256(certificate, thumbprint));
  write_open(&json, NULL, '{');
  write_str(&json, "alg", alg);
  write_str(&json, "typ", "JWT");
  write_b64url(&json, "x5t#S256", bytes_of(thumbprint, sizeof thumbprint));
  write_close(&json, '}');
  buf_put_b64url(out, buf_bytes(&json));
  return buf_ok(&json);
}

static err_t put_claims(const char *client_id, struct bytes audience, struct buf *out) {
  AUTO_BUF json = BUF_EMPTY;
  uint8_t id[16];
  char jti[GUID_SIZE + 1];
  int64_t now = clock_now();
  TRY(crypto_random(id, sizeof id));
  guid_format(id, jti);
  write_open(&json, NULL, '{');
  write_text(&json, "aud", audience);
  write_str(&json, "iss", client_id);
  write_str(&json, "sub", client_id);
  write_str(&json, "jti", jti);
  write_i64(&json, "nbf", now);
  write_i64(&json, "iat", now);
  write_i64(&json, "exp", now + ASSERTION_SECONDS);
  write_close(&json, '}');
  buf_put_b64url(out, buf_bytes(&json));
  return buf_ok(&json);
}

static err_t put_signature(const struct key *key, const char *alg, struct buf *out) {
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF signature = BUF_EMPTY;
  TRY(buf_ok(out));
  TRY(crypto_sha256(buf_bytes(out), digest));
  TRY(alg_sign(alg_find(bytes_str(alg)), key, bytes_of(digest, sizeof digest), &signature));
  buf_put_char(out, '.');
  buf_put_b64url(out, buf_bytes(&signature));
  return buf_ok(out);
}

err_t assertion_sign(struct bytes pem, const char *client_id, struct bytes audience,
                     struct buf *out) {
  AUTO(key) struct key *key = NULL;
  AUTO_BUF certificate = BUF_EMPTY, jws = BUF_EMPTY;
  TRY(key_from_pem(pem, &key));
  TRY(x509_from_pem(pem, &certificate));
  const char *alg = key_spec(key)->type == KEY_RSA ? "PS256" : "ES256";
  if (!alg_fits(alg_find(bytes_str(alg)), key_spec(key)))
    FAIL(ERR_CONFIG, "the certificate's key must be RSA or P-256");
  TRY(put_header(buf_bytes(&certificate), alg, &jws));
  buf_put_char(&jws, '.');
  TRY(put_claims(client_id, audience, &jws));
  TRY(put_signature(key, alg, &jws));
  buf_put_bytes(out, buf_bytes(&jws));
  return buf_ok(out);
}
