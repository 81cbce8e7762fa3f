/*
 * mlkem768x25519 recipients, which hold against quantum computers, too: age1pq1.. and
 * AGE-SECRET-KEY-PQ-1.. The file key is sealed by HPKE (RFC 9180, base mode) with X-Wing,
 * HKDF-SHA-256 and ChaCha20-Poly1305.
 */
#include "crypto/aead.h"
#include "seal/age_type.h"

#include "base/codec.h"

#define INFO "age-encryption.org/mlkem768x25519"
#define SUITE "HPKE\x64\x7a\x00\x01\x00\x03" /* KEM, KDF, AEAD */
#define SUITE_SIZE 10

/* The key schedule's context: the mode and two digests. */
#define CONTEXT_SIZE (1 + 2 * SHA256_SIZE)

static void put_label(struct buf *b, const char *label) {
  buf_put_str(b, "HPKE-v1");
  buf_put(b, SUITE, SUITE_SIZE);
  buf_put_str(b, label);
}

static err_t labeled_extract(struct bytes salt, const char *label, struct bytes text,
                             uint8_t out[static SHA256_SIZE]) {
  AUTO_BUF b = BUF_EMPTY;
  put_label(&b, label);
  buf_put_bytes(&b, text);
  TRY(buf_ok(&b));
  return crypto_hmac_sha256(salt, buf_bytes(&b), out);
}

/* One block of HKDF-Expand, of which size bytes are wanted. */
static err_t labeled_expand(struct bytes secret, const char *label, struct bytes context,
                            uint8_t size, uint8_t out[static SHA256_SIZE]) {
  AUTO_BUF b = BUF_EMPTY;
  buf_put_char(&b, 0);
  buf_put_char(&b, (char)size);
  put_label(&b, label);
  buf_put_bytes(&b, context);
  buf_put_char(&b, 1);
  TRY(buf_ok(&b));
  return crypto_hmac_sha256(secret, buf_bytes(&b), out);
}

/* keys: the key, then the nonce, SHA256_SIZE bytes for each. */
static err_t schedule(const struct secret *shared, struct secret *keys) {
  AUTO_SECRET secret = { 0 }, s = { 0 };
  const struct bytes none = bytes_str("");
  uint8_t context[CONTEXT_SIZE] = { 0 };
  TRY(secret_new(SHA256_SIZE, &secret));
  TRY(secret_new(2 * SHA256_SIZE, &s));
  TRY(labeled_extract(none, "psk_id_hash", none, context + 1));
  TRY(labeled_extract(none, "info_hash", bytes_str(INFO), context + 1 + SHA256_SIZE));
  TRY(labeled_extract(secret_bytes(shared), "secret", none, secret.data));
  struct bytes all = bytes_of(context, sizeof context);
  TRY(labeled_expand(secret_bytes(&secret), "key", all, AEAD_KEY, s.data));
  TRY(labeled_expand(secret_bytes(&secret), "base_nonce", all, AEAD_NONCE, s.data + SHA256_SIZE));
  *keys = secret_take(&s);
  return OK;
}

err_t age_hybrid_check(const struct stanza *s) {
  uint8_t share[XWING_CIPHERTEXT];
  if (stanza_arg_count(s) != 2)
    FAIL(ERR_DAMAGED, "age header: an " AGE_HYBRID " stanza has %zu arguments",
         stanza_arg_count(s));
  if (stanza_body_size(s) != AGE_WRAPPED_KEY)
    FAIL(ERR_DAMAGED, "age header: the body of an " AGE_HYBRID " stanza has %zu bytes",
         stanza_body_size(s));
  return stanza_arg_exactly(s, 1, share, sizeof share);
}

err_t age_hybrid_wrap(const uint8_t recipient[static XWING_PUBLIC], struct bytes file_key,
                      struct buf *out) {
  AUTO_SECRET shared = { 0 }, keys = { 0 };
  AUTO_BUF args = BUF_EMPTY;
  uint8_t share[XWING_CIPHERTEXT], box[AGE_WRAPPED_KEY];
  TRY(xwing_encapsulate(recipient, share, &shared));
  TRY(schedule(&shared, &keys));
  TRY(age_box_seal(bytes_of(keys.data, AEAD_KEY), keys.data + SHA256_SIZE, file_key, box));
  buf_put_str(&args, AGE_HYBRID " ");
  buf_put_b64raw(&args, bytes_of(share, sizeof share));
  TRY(buf_ok(&args));
  stanza_write(buf_bytes(&args), bytes_of(box, sizeof box), out);
  return buf_ok(out);
}

err_t age_hybrid_unwrap(const struct secret *identity, const struct stanza *s,
                        struct secret *file_key) {
  AUTO_SECRET shared = { 0 }, keys = { 0 };
  uint8_t share[XWING_CIPHERTEXT], box[AGE_WRAPPED_KEY];
  TRY(stanza_arg_exactly(s, 1, share, sizeof share));
  TRY(stanza_body_exactly(s, box, sizeof box));
  err_t e = xwing_decapsulate(secret_bytes(identity), share, &shared);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_DAMAGED, "age header: the share of an " AGE_HYBRID " stanza is of low order");
  TRY(e);
  TRY(schedule(&shared, &keys));
  return age_box_open(bytes_of(keys.data, AEAD_KEY), keys.data + SHA256_SIZE, box, file_key);
}
