#include "client/public_key.h"

#include "base/json.h"
#include "crypto/alg.h"

#define WRAP_ALG "RSA-OAEP-256"

struct public_key {
  struct key *key;
  char id[KEY_ID_MAX];
  struct key_name name;
};

void public_key_free(struct public_key *k) {
  if (k->key)
    key_free(k->key);
  mem_free(k);
}

static err_t read_id(json_t *jwk, const char *origin, struct public_key *k) {
  struct bytes id = { 0 };
  if (json_get_str(jwk, "kid", &id, NULL) != OK || bytes_to_cstr(id, k->id, sizeof k->id) != OK ||
      key_name_parse(k->id, &k->name) != OK || !*k->name.version || !strstr(k->id, "://"))
    FAIL(ERR_CONFIG,
         "%s: its \"kid\" must be a key id with a version, https://host/keys/NAME/VERSION", origin);
  return OK;
}

/* A JWK that has private members would do as well, but lies about where that key is. */
static err_t read_key(json_t *jwk, const char *origin, struct public_key *k) {
  err_t e = key_from_jwk(jwk, &k->key);
  if (e == ERR_NOMEM)
    return e;
  if (e != OK)
    FAIL(ERR_CONFIG, "%s: this is no key (a JWK): %.160s", origin, err_text(e));
  if (key_spec(k->key)->type != KEY_RSA)
    FAIL(ERR_CONFIG, "%s: only an RSA key can be wrapped with without the vault", origin);
  if (key_is_private(k->key))
    FAIL(ERR_CONFIG, "%s: this is a private key; what belongs here is its public part", origin);
  return OK;
}

err_t public_key_read(struct bytes text, const char *origin, struct public_key **out) {
  AUTO(public_key) struct public_key *k = mem_zalloc(sizeof *k);
  AUTO_JSON *document = NULL;
  json_t *jwk = NULL;
  if (!k)
    return ERR_NOMEM;
  err_t e = json_read(text, &document);
  if (e == OK)
    e = json_get_object(document, "key", &jwk);
  if (e == ERR_NOMEM)
    return e;
  if (e != OK)
    FAIL(ERR_CONFIG, "%s: this is no key (a JWK)", origin);
  TRY(read_id(jwk ? jwk : document, origin, k));
  TRY(read_key(jwk ? jwk : document, origin, k));
  *out = TAKE(k);
  return OK;
}

const char *public_key_id(const struct public_key *k) {
  return k->id;
}

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  const struct public_key *k = ctx;
  struct key_name name;
  AUTO_BUF wrapped = BUF_EMPTY;
  TRY(key_name_parse(key, &name));
  bool ours = bytes_equal_nocase(bytes_str(name.name), k->name.name) &&
              (!*name.version || bytes_equal_nocase(bytes_str(name.version), k->name.version));
  if (!ours)
    FAIL(ERR_BAD_PARAMETER, "the public key that is here is %s, not %s", k->id, key);
  TRY(alg_wrap(alg_find(bytes_str(WRAP_ALG)), k->key, plain, &wrapped));
  if (wrapped.size > sizeof out->data)
    FAIL(ERR_BAD_PARAMETER, "the key %s is too large", k->id);
  *out = (struct wrapped){ .alg = WRAP_ALG, .size = wrapped.size };
  memcpy(out->key_id, k->id, sizeof out->key_id);
  memcpy(out->data, wrapped.data, wrapped.size);
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  const struct public_key *k = ctx;
  FAIL(ERR_FORBIDDEN, "the public part of %s opens nothing: the vault does", k->id);
}

struct key_service public_key_service(const struct public_key *k) {
  return (struct key_service){ .ctx = (void *)k, .wrap = wrap, .unwrap = unwrap };
}
