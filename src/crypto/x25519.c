#include "crypto/x25519.h"

#include "crypto/evp.h"

/* PKCS#8 around a private key (RFC 8410, 7): only what comes in by d2i is on OpenSSL's secure heap;
 * of raw bytes it would make a copy on the ordinary one. */
static const uint8_t pkcs8[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20 };

err_t evp_x25519(struct bytes private, EVP_PKEY **out) {
  AUTO_SECRET der = { 0 };
  if (private.size != X25519_SIZE)
    FAIL(ERR_BAD_PARAMETER, "X25519: a private key of %zu bytes", private.size);
  TRY(secret_new(sizeof pkcs8 + X25519_SIZE, &der));
  memcpy(der.data, pkcs8, sizeof pkcs8);
  memcpy(der.data + sizeof pkcs8, private.data, X25519_SIZE);
  const uint8_t *p = der.data;
  EVP_PKEY *key = d2i_PrivateKey_ex(EVP_PKEY_X25519, NULL, &p, (long)der.size, NULL, NULL);
  if (!key)
    EVP_FAIL(ERR_CRYPTO, "X25519");
  *out = key;
  return OK;
}

err_t x25519_public(struct bytes private, uint8_t public[static X25519_SIZE]) {
  EVP_PKEY *key AUTO(evp_pkey) = NULL;
  size_t n = X25519_SIZE;
  TRY(evp_x25519(private, &key));
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
  TRY(evp_x25519(private, &key));
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
