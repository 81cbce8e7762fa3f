#include "crypto/x25519.h"

#include "crypto/evp.h"

/* OpenSSL keeps its copy of the private key on the secure heap, too. */
static err_t load(struct bytes private, EVP_PKEY **out) {
  if (private.size != X25519_SIZE)
    FAIL(ERR_BAD_PARAMETER, "X25519: a private key of %zu bytes", private.size);
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private.data, private.size);
  if (!key)
    EVP_FAIL(ERR_CRYPTO, "X25519");
  *out = key;
  return OK;
}

err_t x25519_public(struct bytes private, uint8_t public[static X25519_SIZE]) {
  EVP_PKEY *key AUTO(evp_pkey) = NULL;
  size_t n = X25519_SIZE;
  TRY(load(private, &key));
  if (EVP_PKEY_get_raw_public_key(key, public, &n) <= 0 || n != X25519_SIZE)
    EVP_FAIL(ERR_CRYPTO, "X25519");
  return OK;
}

err_t x25519_generate(struct secret *private, uint8_t public[static X25519_SIZE]) {
  AUTO_SECRET s = { 0 };
  TRY(secret_random(X25519_SIZE, &s));
  TRY(x25519_public(secret_bytes(&s), public));
  *private = secret_take(&s);
  return OK;
}

err_t x25519_shared(struct bytes private, const uint8_t peer[static X25519_SIZE],
                    struct secret *out) {
  static const uint8_t zeros[X25519_SIZE];
  AUTO_SECRET s = { 0 };
  EVP_PKEY *key AUTO(evp_pkey) = NULL;
  size_t n = X25519_SIZE;
  TRY(load(private, &key));
  TRY(secret_new(X25519_SIZE, &s));
  EVP_PKEY *other AUTO(evp_pkey) =
    EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, peer, X25519_SIZE);
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  if (!other || !ctx || EVP_PKEY_derive_init(ctx) <= 0 || EVP_PKEY_derive_set_peer(ctx, other) <= 0)
    EVP_FAIL(ERR_CRYPTO, "X25519");
  /* OpenSSL fails on zeros; not to depend on that, they are looked for, too. */
  if (EVP_PKEY_derive(ctx, s.data, &n) <= 0)
    EVP_FAIL(ERR_BAD_PARAMETER, "X25519: nothing is shared with this public key");
  if (n != X25519_SIZE || crypto_equal(secret_bytes(&s), bytes_of(zeros, sizeof zeros)))
    FAIL(ERR_BAD_PARAMETER, "X25519: nothing is shared with this public key");
  *out = secret_take(&s);
  return OK;
}
