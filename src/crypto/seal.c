#include "crypto/gcm.h"

#define SEAL_KEY 32

static err_t check_key(struct bytes key) {
  if (key.size != SEAL_KEY)
    FAIL(ERR_INTERNAL, "a sealing key of %zu bytes", key.size);
  return OK;
}

err_t crypto_seal(struct bytes key, struct bytes aad, struct bytes plain, struct buf *out) {
  TRY(check_key(key));
  if (!buf_reserve(out, plain.size + SEAL_OVERHEAD))
    return ERR_NOMEM;
  uint8_t *nonce = out->data + out->size;
  TRY(crypto_random(nonce, GCM_IV));
  struct gcm g = { key, bytes_of(nonce, GCM_IV), aad };
  uint8_t *text = nonce + GCM_IV;
  TRY(gcm_encrypt(&g, plain, text, text + plain.size));
  out->size += plain.size + SEAL_OVERHEAD;
  return OK;
}

/* plain has room for sealed.size - SEAL_OVERHEAD bytes. */
static err_t open_into(struct bytes key, struct bytes aad, struct bytes sealed, uint8_t *plain) {
  struct gcm g = { key, bytes_of(sealed.data, GCM_IV), aad };
  struct bytes text = bytes_of(sealed.data + GCM_IV, sealed.size - SEAL_OVERHEAD);
  err_t e = gcm_decrypt(&g, text, text.data + text.size, plain);
  if (e == ERR_DECRYPT)
    FAIL(ERR_CORRUPT, "sealed data of %zu bytes is not authentic", sealed.size);
  return e;
}

static err_t check_sealed(struct bytes key, struct bytes sealed) {
  TRY(check_key(key));
  if (sealed.size < SEAL_OVERHEAD)
    FAIL(ERR_CORRUPT, "sealed data of %zu bytes is too short", sealed.size);
  return OK;
}

err_t crypto_open(struct bytes key, struct bytes aad, struct bytes sealed, struct buf *out) {
  TRY(check_sealed(key, sealed));
  size_t size = sealed.size - SEAL_OVERHEAD;
  if (!buf_reserve(out, sealed.size))
    return ERR_NOMEM;
  TRY(open_into(key, aad, sealed, out->data + out->size));
  out->size += size;
  return OK;
}

err_t crypto_open_secret(struct bytes key, struct bytes aad, struct bytes sealed,
                         struct secret *out) {
  TRY(check_sealed(key, sealed));
  AUTO_SECRET s = { 0 };
  TRY(secret_new(sealed.size - SEAL_OVERHEAD, &s));
  TRY(open_into(key, aad, sealed, s.data));
  *out = secret_take(&s);
  return OK;
}
