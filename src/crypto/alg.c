#include "crypto/alg.h"

#include "crypto/alg_table.h"

#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>

#define RSA_CRYPT(name, hash, padding) \
  { name, KEY_RSA, ALG_ENCRYPT | ALG_WRAP, 0, CURVE_NONE, hash, padding, &alg_rsa_encryption }
#define RSA_SIGN(name, hash, padding) \
  { name, KEY_RSA, ALG_SIGN, 0, CURVE_NONE, hash, padding, &alg_rsa_signature }
#define EC_SIGN(name, hash, curve) \
  { name, KEY_EC, ALG_SIGN, 0, curve, hash, 0, &alg_ecdsa }
#define OCT(name, uses, bits, padding, family) \
  { name, KEY_OCT, uses, bits, CURVE_NONE, HASH_NONE, padding, family }
#define OCT_SIGN(name, hash) \
  { name, KEY_OCT, ALG_SIGN, 0, CURVE_NONE, hash, 0, &alg_hmac }

/* Those of RSA and EC first: their places are the slots of contexts in a key. */
static const struct alg algs[] = {
  RSA_CRYPT("RSA-OAEP", HASH_SHA1, RSA_PKCS1_OAEP_PADDING),
  RSA_CRYPT("RSA-OAEP-256", HASH_SHA256, RSA_PKCS1_OAEP_PADDING),
  RSA_CRYPT("RSA1_5", HASH_NONE, RSA_PKCS1_PADDING),
  RSA_SIGN("RS256", HASH_SHA256, RSA_PKCS1_PADDING),
  RSA_SIGN("RS384", HASH_SHA384, RSA_PKCS1_PADDING),
  RSA_SIGN("RS512", HASH_SHA512, RSA_PKCS1_PADDING),
  RSA_SIGN("PS256", HASH_SHA256, RSA_PKCS1_PSS_PADDING),
  RSA_SIGN("PS384", HASH_SHA384, RSA_PKCS1_PSS_PADDING),
  RSA_SIGN("PS512", HASH_SHA512, RSA_PKCS1_PSS_PADDING),
  RSA_SIGN("RSNULL", HASH_NONE, RSA_PKCS1_PADDING),
  EC_SIGN("ES256", HASH_SHA256, CURVE_P256),
  EC_SIGN("ES384", HASH_SHA384, CURVE_P384),
  EC_SIGN("ES512", HASH_SHA512, CURVE_P521),
  EC_SIGN("ES256K", HASH_SHA256, CURVE_P256K),
  OCT("A128KW", ALG_WRAP, 128, 0, &alg_aes_kw),
  OCT("A192KW", ALG_WRAP, 192, 0, &alg_aes_kw),
  OCT("A256KW", ALG_WRAP, 256, 0, &alg_aes_kw),
  OCT("CKM_AES_KEY_WRAP", ALG_WRAP, 0, 0, &alg_aes_kw),
  OCT("CKM_AES_KEY_WRAP_PAD", ALG_WRAP, 0, 0, &alg_aes_kwp),
  OCT("A128GCM", ALG_ENCRYPT, 128, 0, &alg_aes_gcm),
  OCT("A192GCM", ALG_ENCRYPT, 192, 0, &alg_aes_gcm),
  OCT("A256GCM", ALG_ENCRYPT, 256, 0, &alg_aes_gcm),
  OCT("A128CBC", ALG_ENCRYPT, 128, 0, &alg_aes_cbc),
  OCT("A192CBC", ALG_ENCRYPT, 192, 0, &alg_aes_cbc),
  OCT("A256CBC", ALG_ENCRYPT, 256, 0, &alg_aes_cbc),
  OCT("A128CBCPAD", ALG_ENCRYPT, 128, 1, &alg_aes_cbc),
  OCT("A192CBCPAD", ALG_ENCRYPT, 192, 1, &alg_aes_cbc),
  OCT("A256CBCPAD", ALG_ENCRYPT, 256, 1, &alg_aes_cbc),
  OCT_SIGN("HS256", HASH_SHA256),
  OCT_SIGN("HS384", HASH_SHA384),
  OCT_SIGN("HS512", HASH_SHA512),
};
#define ALGS (sizeof algs / sizeof *algs)

const struct alg *alg_find(struct bytes name) {
  for (size_t i = 0; i < ALGS; i++)
    if (bytes_equal_str(name, algs[i].name))
      return &algs[i];
  return NULL;
}

const char *alg_name(const struct alg *a) {
  return a->name;
}

unsigned alg_uses(const struct alg *a) {
  return a->uses;
}

bool alg_fits(const struct alg *a, const struct key_spec *s) {
  return a->type == s->type && (a->bits == 0 || a->bits == s->bits) &&
         (a->type != KEY_EC || a->curve == s->curve);
}

unsigned alg_slot(const struct alg *a, enum alg_side side) {
  return 2 * (unsigned)(a - algs) + side;
}

err_t alg_refuse_length(const struct alg *a, size_t size, const char *needs, ...) {
  char text[128];
  va_list ap;
  va_start(ap, needs);
  vsnprintf(text, sizeof text, needs, ap);
  va_end(ap);
  REFUSE(ERR_BAD_PARAMETER, "Invalid length of 'value': %zu bytes. %s %s, encoded with base64url.",
         size, a->name, text);
}

static err_t check(const struct alg *a, const struct key *k, enum alg_use use, enum alg_side side) {
  if (!(a->uses & use) || !alg_fits(a, key_spec(k)))
    FAIL(ERR_BAD_PARAMETER, "%s does not fit the key or the operation", a->name);
  if (side == SIDE_PRIVATE && !key_is_private(k))
    FAIL(ERR_BAD_PARAMETER, "%s with a public key", a->name);
  return OK;
}

static err_t encrypt(const struct alg *a, const struct key *k, enum alg_use use,
                     struct alg_io *io) {
  TRY(check(a, k, use, SIDE_PUBLIC));
  if (io->in.size > ALG_DATA_MAX || io->aad.size > ALG_DATA_MAX)
    REFUSE_LENGTH(a, io->in.size, "takes at most %u bytes", ALG_DATA_MAX);
  return a->family->encrypt(a, k, io);
}

static err_t decrypt(const struct alg *a, const struct key *k, enum alg_use use,
                     struct alg_io *io) {
  TRY(check(a, k, use, SIDE_PRIVATE));
  if (io->in.size > 2 * ALG_DATA_MAX || io->aad.size > ALG_DATA_MAX)
    EVP_FAIL_DECRYPT();
  return a->family->decrypt(a, k, io);
}

err_t alg_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  return encrypt(a, k, ALG_ENCRYPT, io);
}

err_t alg_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  return decrypt(a, k, ALG_ENCRYPT, io);
}

err_t alg_wrap(const struct alg *a, const struct key *k, struct bytes plain, struct buf *out) {
  struct alg_io io = { .in = plain, .out = out };
  return encrypt(a, k, ALG_WRAP, &io);
}

err_t alg_unwrap(const struct alg *a, const struct key *k, struct bytes wrapped, struct buf *out) {
  struct alg_io io = { .in = wrapped, .out = out };
  return decrypt(a, k, ALG_WRAP, &io);
}

static err_t check_digest(const struct alg *a, struct bytes digest) {
  size_t size = evp_hash_size(a->hash);
  if (size && digest.size != size)
    REFUSE_LENGTH(a, digest.size, "requires %zu bytes", size);
  return OK;
}

err_t alg_sign(const struct alg *a, const struct key *k, struct bytes digest,
               struct buf *signature) {
  TRY(check(a, k, ALG_SIGN, SIDE_PRIVATE));
  TRY(check_digest(a, digest));
  return a->family->sign(a, k, digest, signature);
}

err_t alg_verify(const struct alg *a, const struct key *k, struct bytes digest,
                 struct bytes signature, bool *valid) {
  TRY(check(a, k, ALG_SIGN, SIDE_PUBLIC));
  TRY(check_digest(a, digest));
  return a->family->verify(a, k, digest, signature, valid);
}

static err_t hmac_sign(const struct alg *a, const struct key *k, struct bytes digest,
                       struct buf *out) {
  uint8_t mac[EVP_MAX_MD_SIZE];
  TRY(evp_hmac_once(a->hash, key_oct(k), digest, mac));
  buf_put(out, mac, evp_hash_size(a->hash));
  return buf_ok(out);
}

static err_t hmac_verify(const struct alg *a, const struct key *k, struct bytes digest,
                         struct bytes signature, bool *valid) {
  uint8_t mac[EVP_MAX_MD_SIZE];
  TRY(evp_hmac_once(a->hash, key_oct(k), digest, mac));
  *valid = crypto_equal(bytes_of(mac, evp_hash_size(a->hash)), signature);
  return OK;
}

const struct alg_family alg_hmac = { .sign = hmac_sign, .verify = hmac_verify };
