#include "base/write.h"
#include "crypto/evp.h"
#include "vectors.h"

#include <stdio.h>

/* A JWK of the point that a group has as wx and wy, which may have a leading zero byte. */
static json_t *jwk_of_point(json_t *public_key) {
  static const char *const curves[][2] = { { "secp256r1", "P-256" },
                                           { "secp384r1", "P-384" },
                                           { "secp521r1", "P-521" },
                                           { "secp256k1", "P-256K" } };
  const char *crv = "";
  for (unsigned i = 0; i < sizeof curves / sizeof *curves; i++)
    if (strcmp(vector_str(public_key, "curve"), curves[i][0]) == 0)
      crv = curves[i][1];
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_str(&b, "kty", "EC");
  write_str(&b, "crv", crv);
  write_b64url(&b, "x", vector_hex(public_key, "wx"));
  write_b64url(&b, "y", vector_hex(public_key, "wy"));
  write_close(&b, '}');
  return json_loadb((const char *)b.data, b.size, 0, NULL);
}

/* The public or private key of a group: as JWK where the file has it, else as PKCS#8 or point. */
static enum outcome open_key(struct vector *v) {
  static const char *const jwk[] = { "privateKeyJwk", "publicKeyJwk", "keyJwk" };
  for (unsigned i = 0; i < sizeof jwk / sizeof *jwk; i++) {
    json_t *j = json_object_get(v->group, jwk[i]);
    if (j)
      return vector_outcome(key_from_jwk(j, &v->key));
  }
  json_t *public_key = json_object_get(v->group, "publicKey");
  if (!public_key)
    return vector_outcome(key_import(KEY_RSA, vector_hex(v->group, "privateKeyPkcs8"), &v->key));
  AUTO_JSON *j = jwk_of_point(public_key);
  return vector_outcome(key_from_jwk(j, &v->key));
}

static enum evp_hash hash_of(struct vector *v) {
  static const char *const names[HASH_COUNT] = { "", "SHA-1", "SHA-256", "SHA-384", "SHA-512" };
  for (unsigned h = HASH_SHA1; h < HASH_COUNT; h++)
    if (strcmp(vector_str(v->group, "sha"), names[h]) == 0)
      return (enum evp_hash)h;
  return HASH_NONE;
}

/* "RS" and the group's hash make RS256; a whole name stays. NULL: not offered. */
static const struct alg *alg_of(struct vector *v) {
  static const char *const sizes[HASH_COUNT] = { "", "1", "256", "384", "512" };
  char name[32];
  (void)snprintf(name, sizeof name, "%s%s", v->alg, strlen(v->alg) == 2 ? sizes[hash_of(v)] : "");
  return alg_find(bytes_str(name));
}

static struct bytes digest_of(struct vector *v, uint8_t out[static EVP_MAX_MD_SIZE]) {
  struct bytes message = vector_hex(v->test, "msg");
  unsigned n = 0;
  if (!EVP_Digest(message.data, message.size, out, &n, evp_md(hash_of(v)), NULL))
    return (struct bytes){ 0 };
  return bytes_of(out, n);
}

static enum outcome run_verify(struct vector *v) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  bool valid = false;
  err_t e = alg_verify(alg_of(v), v->key, digest_of(v, hash), vector_hex(v->test, "sig"), &valid);
  return e != OK ? WRONG : valid ? ACCEPTED : REJECTED;
}

static enum outcome open_signature(struct vector *v) {
  if (!hash_of(v) || !alg_of(v))
    return vector_skip(v, "no algorithm has this hash");
  return open_key(v);
}

const struct family family_verify = { open_signature, run_verify };

static enum outcome run_sign(struct vector *v) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  AUTO_BUF signature = BUF_EMPTY;
  if (alg_sign(alg_of(v), v->key, digest_of(v, hash), &signature) != OK)
    return WRONG;
  enum outcome o = vector_same(buf_bytes(&signature), vector_hex(v->test, "sig"));
  return o == ACCEPTED ? run_verify(v) : o;
}

const struct family family_sign = { open_signature, run_sign };

static enum outcome run_decrypt(struct vector *v) {
  AUTO_BUF plain = BUF_EMPTY;
  struct alg_io io = { .in = vector_hex(v->test, "ct"), .out = &plain };
  if (vector_hex(v->test, "label").size)
    return vector_skip(v, "labels are not offered");
  err_t e = alg_decrypt(alg_of(v), v->key, &io);
  return e != OK ? vector_outcome(e) : vector_same(buf_bytes(&plain), vector_hex(v->test, "msg"));
}

const struct family family_decrypt = { open_key, run_decrypt };

/* Each test is that the key itself is not taken. */
static enum outcome run_refused_key(struct vector *v) {
  struct key *k AUTO(key) = NULL;
  err_t e = key_import(KEY_RSA, vector_hex(v->group, "privateKeyPkcs8"), &k);
  return e == ERR_BAD_PARAMETER ? vector_skip(v, "three primes: the key is refused") : WRONG;
}

const struct family family_refused_key = { NULL, run_refused_key };
