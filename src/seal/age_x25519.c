/* X25519 recipients: age1.. and AGE-SECRET-KEY-1.. */
#include "seal/age_type.h"

#include "base/codec.h"

#define INFO "age-encryption.org/v1/X25519"

static err_t wrap_key(const struct secret *shared, const uint8_t *share, const uint8_t *recipient,
                      struct secret *out) {
  uint8_t salt[2 * X25519_SIZE];
  memcpy(salt, share, X25519_SIZE);
  memcpy(salt + X25519_SIZE, recipient, X25519_SIZE);
  return crypto_hkdf_salted(secret_bytes(shared), bytes_of(salt, sizeof salt), INFO, 32, out);
}

err_t age_x25519_check(const struct stanza *s) {
  uint8_t share[X25519_SIZE];
  if (stanza_arg_count(s) != 2)
    FAIL(ERR_DAMAGED, "age header: an X25519 stanza has %zu arguments", stanza_arg_count(s));
  if (stanza_body_size(s) != AGE_WRAPPED_KEY)
    FAIL(ERR_DAMAGED, "age header: the body of an X25519 stanza has %zu bytes",
         stanza_body_size(s));
  return stanza_arg_exactly(s, 1, share, sizeof share);
}

err_t age_x25519_wrap(const uint8_t recipient[static X25519_SIZE], struct bytes file_key,
                      struct buf *out) {
  AUTO_SECRET ephemeral = { 0 }, shared = { 0 }, key = { 0 };
  AUTO_BUF args = BUF_EMPTY;
  uint8_t share[X25519_SIZE], box[AGE_WRAPPED_KEY];
  TRY(x25519_generate(&ephemeral, share));
  TRY(x25519_shared(secret_bytes(&ephemeral), recipient, &shared));
  TRY(wrap_key(&shared, share, recipient, &key));
  TRY(age_box_seal(secret_bytes(&key), file_key, box));
  buf_put_str(&args, AGE_X25519 " ");
  buf_put_b64raw(&args, bytes_of(share, sizeof share));
  TRY(buf_ok(&args));
  stanza_write(buf_bytes(&args), bytes_of(box, sizeof box), out);
  return buf_ok(out);
}

err_t age_x25519_unwrap(const struct age_x25519 *identity, const struct stanza *s,
                        struct secret *file_key) {
  AUTO_SECRET shared = { 0 }, key = { 0 };
  uint8_t share[X25519_SIZE], box[AGE_WRAPPED_KEY];
  TRY(stanza_arg_exactly(s, 1, share, sizeof share));
  TRY(stanza_body_exactly(s, box, sizeof box));
  err_t e = x25519_shared(secret_bytes(&identity->private), share, &shared);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_DAMAGED, "age header: the share of an X25519 stanza is of low order");
  TRY(e);
  TRY(wrap_key(&shared, share, identity->public, &key));
  return age_box_open(secret_bytes(&key), box, file_key);
}
