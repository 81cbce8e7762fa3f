/* Keys: wrap, unwrap, sign, verify. */
#include "lib/lib.h"

_Static_assert(sizeof((struct sr_wrapped){ 0 }.key_id) == KEY_ID_MAX &&
                 sizeof((struct sr_wrapped){ 0 }.algorithm) == sizeof((struct wrapped){ 0 }.alg) &&
                 sizeof((struct sr_wrapped){ 0 }.data) == WRAPPED_MAX,
               "the public form holds the inner one");

void wrapped_to_public(const struct wrapped *w, struct sr_wrapped *out) {
  *out = (struct sr_wrapped){ .size = w->size };
  memcpy(out->key_id, w->key_id, sizeof out->key_id);
  memcpy(out->algorithm, w->alg, sizeof out->algorithm);
  memcpy(out->data, w->data, sizeof out->data);
}

err_t wrapped_from_public(const struct sr_wrapped *w, struct wrapped *out) {
  NEED(w);
  if (!memchr(w->key_id, 0, sizeof w->key_id) || !memchr(w->algorithm, 0, sizeof w->algorithm) ||
      !*w->key_id || !*w->algorithm || w->size == 0 || w->size > sizeof w->data)
    FAIL(ERR_USAGE, "wrapped is not what sr_wrap() made");
  *out = (struct wrapped){ .size = w->size };
  memcpy(out->key_id, w->key_id, strlen(w->key_id));
  memcpy(out->alg, w->algorithm, strlen(w->algorithm));
  memcpy(out->data, w->data, w->size);
  return OK;
}

static err_t wrap(struct sr_vault *v, const char *key, const void *plain, size_t plain_size,
                  struct sr_wrapped *out) {
  struct bytes text;
  struct wrapped w;
  TRY(vault_check(v));
  NEED(key);
  NEED(out);
  TRY(given("plain", plain, plain_size, &text));
  TRY(client_wrap(v->client, key, text, &w));
  wrapped_to_public(&w, out);
  return OK;
}

enum sr_status sr_wrap(struct sr_vault *vault, const char *key, const void *plain,
                       size_t plain_size, struct sr_wrapped *out, struct sr_error *error) {
  if (out)
    *out = (struct sr_wrapped){ 0 };
  return told(wrap(vault, key, plain, plain_size, out), error);
}

static err_t unwrap(struct sr_vault *v, const struct sr_wrapped *wrapped, struct sr_bytes *plain) {
  struct wrapped w;
  AUTO_SECRET s = { 0 };
  TRY(vault_check(v));
  TRY(wrapped_from_public(wrapped, &w));
  NEED(plain);
  TRY(client_unwrap(v->client, &w, &s));
  return put_secret(secret_bytes(&s), plain);
}

enum sr_status sr_unwrap(struct sr_vault *vault, const struct sr_wrapped *wrapped,
                         struct sr_bytes *plain, struct sr_error *error) {
  if (plain)
    *plain = (struct sr_bytes){ 0 };
  return told(unwrap(vault, wrapped, plain), error);
}

static err_t sign(struct sr_vault *v, const char *key, const char *algorithm, struct bytes digest,
                  struct sr_bytes *signature) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(vault_check(v));
  NEED(key);
  NEED(algorithm);
  NEED(signature);
  TRY(given("digest", digest.data, digest.size, &digest));
  TRY(put_start(&b));
  TRY(client_sign(v->client, key, algorithm, digest, &b));
  return put_done(&b, signature);
}

enum sr_status sr_sign(struct sr_vault *vault, const char *key, const char *algorithm,
                       const void *digest, size_t digest_size, struct sr_bytes *signature,
                       struct sr_error *error) {
  if (signature)
    *signature = (struct sr_bytes){ 0 };
  return told(sign(vault, key, algorithm, bytes_of(digest, digest_size), signature), error);
}

static err_t verify(struct sr_vault *v, const char *key, const char *algorithm, struct bytes digest,
                    struct bytes signature, bool *valid) {
  TRY(vault_check(v));
  NEED(key);
  NEED(algorithm);
  TRY(given("digest", digest.data, digest.size, &digest));
  TRY(given("signature", signature.data, signature.size, &signature));
  return client_verify(v->client, key, algorithm, digest, signature, valid);
}

enum sr_status sr_verify(struct sr_vault *vault, const char *key, const char *algorithm,
                         const void *digest, size_t digest_size, const void *signature,
                         size_t signature_size, struct sr_error *error) {
  bool valid = false;
  err_t e = verify(vault, key, algorithm, bytes_of(digest, digest_size),
                   bytes_of(signature, signature_size), &valid);
  return e == OK && !valid ? told_bad_signature(error) : told(e, error);
}
