#include "operation.h"

#include <stdio.h>

/* 32 bytes in base64url: a digest to sign, a data key to wrap. */
#define VALUE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

void operation_free(struct operation *o) {
  buf_free(&o->request);
}

/* One operation by way of the ordinary client; *value is the answer's. */
static err_t perform(struct server *s, const char *path, const char *alg, const char *value,
                     char *out, size_t size) {
  char body[1024];
  AUTO_ANSWER answer = { 0 };
  struct bytes text = { 0 };
  snprintf(body, sizeof body, "{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
  TRY(server_call(s, HTTP_POST, path, body, &answer));
  TRY(json_get_str(answer.body, "value", &text, NULL));
  return bytes_to_cstr(text, out, size);
}

static err_t check_signature(struct server *s, const char *key, const char *alg,
                             const char *signature) {
  char path[256], body[1024];
  bool valid = false;
  AUTO_ANSWER answer = { 0 };
  snprintf(path, sizeof path, "%s/verify", key);
  snprintf(body, sizeof body, "{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", alg, VALUE,
           signature);
  TRY(server_call(s, HTTP_POST, path, body, &answer));
  TRY(json_get_bool(answer.body, "value", &valid, NULL));
  if (!valid)
    FAIL(ERR_CRYPTO, "a signature is not valid");
  return OK;
}

static err_t put_request(struct server *s, const char *path, const char *alg, const char *value,
                         struct operation *out) {
  char body[1024];
  snprintf(body, sizeof body, "{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
  return server_operation(s, "POST", path, body, &out->request);
}

/* Expects the same signature again, or, where each is another one, any. */
static err_t make_sign(struct server *s, const char *name, const char *spec, const char *alg,
                       bool same, struct operation *out) {
  char path[256], signature[400];
  AUTO_BUF key = BUF_EMPTY;
  TRY(server_make_key(s, name, spec, &key));
  if (!buf_cstr(&key))
    return ERR_NOMEM;
  snprintf(path, sizeof path, "%s/sign", (const char *)key.data);
  TRY(perform(s, path, alg, VALUE, signature, sizeof signature));
  TRY(check_signature(s, (const char *)key.data, alg, signature));
  snprintf(out->expect, sizeof out->expect, "\"value\":\"%s", same ? signature : "");
  return put_request(s, path, alg, VALUE, out);
}

err_t operation_rs256(struct server *s, struct operation *out) {
  return make_sign(s, "bench-rsa", "{\"kty\":\"RSA\",\"key_size\":2048}", "RS256", true, out);
}

err_t operation_es256(struct server *s, struct operation *out) {
  return make_sign(s, "bench-ec", "{\"kty\":\"EC\",\"crv\":\"P-256\"}", "ES256", false, out);
}

err_t operation_unwrap(struct server *s, struct operation *out) {
  char path[256], wrapped[100];
  AUTO_BUF key = BUF_EMPTY;
  TRY(server_make_key(s, "bench-kek", "{\"kty\":\"oct\",\"key_size\":256}", &key));
  if (!buf_cstr(&key))
    return ERR_NOMEM;
  snprintf(path, sizeof path, "%s/wrapkey", (const char *)key.data);
  TRY(perform(s, path, "A256KW", VALUE, wrapped, sizeof wrapped));
  snprintf(out->expect, sizeof out->expect, "\"value\":\"" VALUE "\"");
  snprintf(path, sizeof path, "%s/unwrapkey", (const char *)key.data);
  return put_request(s, path, "A256KW", wrapped, out);
}

#define SECRET "/secrets/bench-secret"

err_t operation_secret(struct server *s, struct operation *out) {
  AUTO_ANSWER answer = { 0 };
  TRY(
    server_call(s, HTTP_PUT, SECRET, "{\"value\":\"correct horse battery staple 101\"}", &answer));
  snprintf(out->expect, sizeof out->expect, "\"value\":\"correct horse battery staple 101\"");
  return server_operation(s, "GET", SECRET, NULL, &out->request);
}
