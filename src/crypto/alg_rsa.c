#include "crypto/alg_table.h"

#include <openssl/rsa.h>

#define MODULUS_MAX 512   /* RSA-4096 */
#define PKCS1_OVERHEAD 11 /* RFC 8017, 7.2.1 and 9.2 */

static size_t modulus_size(const struct key *k) {
  return key_spec(k)->bits / 8;
}

typedef int evp_init(EVP_PKEY_CTX *ctx);

/* A context ready for init's operation, with the algorithm's padding. */
static err_t make(const struct alg *a, const struct key *k, evp_init *init, EVP_PKEY_CTX **out) {
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_pkey(NULL, key_evp(k), NULL);
  if (!ctx || init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, a->padding) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  const EVP_MD *md = evp_md(a->hash);
  if (a->padding == RSA_PKCS1_OAEP_PADDING &&
      (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) <= 0))
    EVP_FAIL(ERR_CRYPTO, a->name);
  if (a->uses == ALG_SIGN && md && EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  if (a->padding == RSA_PKCS1_PSS_PADDING &&
      (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) <= 0 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) <= 0))
    EVP_FAIL(ERR_CRYPTO, a->name);
  *out = TAKE(ctx);
  return OK;
}

static err_t make_encrypt(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  return make(a, k, EVP_PKEY_encrypt_init, out);
}

static err_t make_decrypt(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  return make(a, k, EVP_PKEY_decrypt_init, out);
}

static err_t make_sign(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  return make(a, k, EVP_PKEY_sign_init, out);
}

static err_t make_verify(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out) {
  return make(a, k, EVP_PKEY_verify_init, out);
}

static err_t rsa_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  size_t size = modulus_size(k);
  size_t overhead =
    a->padding == RSA_PKCS1_PADDING ? PKCS1_OVERHEAD : 2 * evp_hash_size(a->hash) + 2;
  if (io->in.size > size - overhead)
    REFUSE_LENGTH(a, io->in.size, "takes at most %zu bytes with this key", size - overhead);
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PUBLIC), make_encrypt, a, &ctx));
  if (!buf_reserve(io->out, size))
    return ERR_NOMEM;
  if (EVP_PKEY_encrypt(ctx, io->out->data + io->out->size, &size, io->in.data, io->in.size) <= 0)
    EVP_FAIL(ERR_CRYPTO, a->name);
  io->out->size += size;
  return OK;
}

/*
 * OpenSSL 3.0 renews the blinding of a private key at each 32nd use. Where an allocation fails
 * while it does so, it keeps a blinding that does not undo itself, says nothing, and gives this
 * result and the next 31 wrong. So an operation in which an allocation failed counts as failed, and
 * with a key that this has happened to, each later operation first waits for a blinding that works.
 */
#define BLINDING_TRIES 40

static err_t settle_blinding(const struct key *k) {
  static const uint8_t anything[] = "anything";
  struct bytes text = bytes_of(anything, sizeof anything);
  const struct alg *a = alg_find(bytes_str("RSNULL"));
  for (int i = 0; i < BLINDING_TRIES; i++) {
    uint8_t signature[MODULUS_MAX];
    size_t size = sizeof signature;
    EVP_PKEY_CTX *sign AUTO(evp_pkey_ctx) = NULL, *verify AUTO(evp_pkey_ctx) = NULL;
    TRY(key_context(k, alg_slot(a, SIDE_PRIVATE), make_sign, a, &sign));
    TRY(key_context(k, alg_slot(a, SIDE_PUBLIC), make_verify, a, &verify));
    if (EVP_PKEY_sign(sign, signature, &size, text.data, text.size) > 0 &&
        EVP_PKEY_verify(verify, signature, size, text.data, text.size) == 1)
      return OK;
    (void)evp_failed(ERR_CRYPTO, __FILE__, __LINE__, a->name);
  }
  FAIL(ERR_NOMEM, "an RSA key's blinding could not be renewed");
}

typedef int evp_operation(EVP_PKEY_CTX *ctx, uint8_t *out, size_t *size, const uint8_t *in,
                          size_t in_size);

/* Runs a private operation; appends its result and sets done if it succeeds. */
static err_t run_private(const struct key *k, EVP_PKEY_CTX *ctx, evp_operation *run,
                         struct bytes in, struct buf *out, bool *done) {
  bool distrusted = key_distrusted(k);
  if (distrusted)
    TRY(settle_blinding(k));
  size_t room = modulus_size(k), size = room;
  if (!buf_reserve(out, room))
    return ERR_NOMEM;
  uint8_t *result = out->data + out->size;
  (void)evp_out_of_memory();
  *done = run(ctx, result, &size, in.data, in.size) > 0;
  bool failed_here = evp_out_of_memory();
  if (failed_here)
    key_distrust(k);
  bool failed_elsewhere = !distrusted && key_distrusted(k); /* in another thread, meanwhile */
  if (*done && !failed_here && !failed_elsewhere)
    out->size += size;
  else
    explicit_bzero(result, room);
  if (failed_here || failed_elsewhere)
    EVP_FAIL(ERR_NOMEM, "a private operation");
  return OK;
}

static err_t rsa_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  bool done = false;
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PRIVATE), make_decrypt, a, &ctx));
  if (io->in.size == modulus_size(k))
    TRY(run_private(k, ctx, EVP_PKEY_decrypt, io->in, io->out, &done));
  if (!done)
    EVP_FAIL_DECRYPT();
  return OK;
}

const struct alg_family alg_rsa_encryption = { .encrypt = rsa_encrypt, .decrypt = rsa_decrypt };

/* RSNULL: the client's bytes as they are. */
static err_t check_raw(const struct alg *a, const struct key *k, struct bytes digest) {
  size_t max = modulus_size(k) - PKCS1_OVERHEAD;
  if (a->hash == HASH_NONE && (digest.size == 0 || digest.size > max))
    REFUSE_LENGTH(a, digest.size, "takes 1 to %zu bytes with this key", max);
  return OK;
}

static err_t rsa_sign(const struct alg *a, const struct key *k, struct bytes digest,
                      struct buf *out) {
  TRY(check_raw(a, k, digest));
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PRIVATE), make_sign, a, &ctx));
  bool done = false;
  TRY(run_private(k, ctx, EVP_PKEY_sign, digest, out, &done));
  if (!done)
    EVP_FAIL(ERR_CRYPTO, a->name);
  return OK;
}

static err_t rsa_verify(const struct alg *a, const struct key *k, struct bytes digest,
                        struct bytes signature, bool *valid) {
  TRY(check_raw(a, k, digest));
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = NULL;
  TRY(key_context(k, alg_slot(a, SIDE_PUBLIC), make_verify, a, &ctx));
  *valid = signature.size == modulus_size(k) &&
           EVP_PKEY_verify(ctx, signature.data, signature.size, digest.data, digest.size) == 1;
  if (!*valid && evp_failed(ERR_BAD_PARAMETER, __FILE__, __LINE__, a->name))
    return ERR_NOMEM;
  return OK;
}

const struct alg_family alg_rsa_signature = { .sign = rsa_sign, .verify = rsa_verify };
