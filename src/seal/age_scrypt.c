/* scrypt recipients: a passphrase. */
#include "seal/age_type.h"

#include "base/codec.h"

#define SALT_PREFIX "age-encryption.org/v1/scrypt"
#define SALT_SIZE 16
#define LOG2_N 18     /* what is written: 256 MiB, about a second */
#define LOG2_N_MAX 20 /* what we are ready to spend on a file that says so: 1 GiB */

static err_t read_work_factor(const struct stanza *s, unsigned *out) {
  struct bytes text = stanza_arg(s, 2);
  uint64_t n = 0;
  bool zero = text.size && text.data[0] == '0'; /* alone, or leading */
  for (size_t i = 0; i < text.size; i++)
    zero |= text.data[i] < '0' || text.data[i] > '9';
  if (text.size == 0 || zero)
    FAIL(ERR_DAMAGED, "age header: the work factor of a passphrase is not a number");
  if (bytes_to_u64(text, LOG2_N_MAX, &n) != OK)
    FAIL(ERR_BAD_PARAMETER,
         "age header: its passphrase asks for a work factor of 2^%.*s, over 2^%d: more memory than "
         "is spent on a file that says so",
         (int)(text.size < 8 ? text.size : 8), (const char *)text.data, LOG2_N_MAX);
  *out = (unsigned)n;
  return OK;
}

err_t age_scrypt_check(const struct stanza *s) {
  uint8_t salt[SALT_SIZE];
  unsigned log2_n;
  if (stanza_arg_count(s) != 3)
    FAIL(ERR_DAMAGED, "age header: a scrypt stanza has %zu arguments", stanza_arg_count(s));
  TRY(stanza_arg_exactly(s, 1, salt, sizeof salt));
  TRY(read_work_factor(s, &log2_n));
  if (stanza_body_size(s) != AGE_WRAPPED_KEY)
    FAIL(ERR_DAMAGED, "age header: the body of a scrypt stanza has %zu bytes", stanza_body_size(s));
  return OK;
}

static err_t wrap_key(struct bytes passphrase, const uint8_t salt[static SALT_SIZE],
                      unsigned log2_n, struct secret *out) {
  uint8_t full[sizeof SALT_PREFIX - 1 + SALT_SIZE];
  memcpy(full, SALT_PREFIX, sizeof SALT_PREFIX - 1);
  memcpy(full + sizeof SALT_PREFIX - 1, salt, SALT_SIZE);
  return crypto_scrypt(passphrase, bytes_of(full, sizeof full), log2_n, 32, out);
}

err_t age_scrypt_wrap(struct bytes passphrase, struct bytes file_key, struct buf *out) {
  AUTO_SECRET key = { 0 };
  AUTO_BUF args = BUF_EMPTY;
  uint8_t salt[SALT_SIZE], box[AGE_WRAPPED_KEY];
  TRY(crypto_random(salt, sizeof salt));
  TRY(wrap_key(passphrase, salt, LOG2_N, &key));
  TRY(age_box_seal(secret_bytes(&key), file_key, box));
  buf_put_str(&args, AGE_SCRYPT " ");
  buf_put_b64raw(&args, bytes_of(salt, sizeof salt));
  buf_printf(&args, " %d", LOG2_N);
  TRY(buf_ok(&args));
  stanza_write(buf_bytes(&args), bytes_of(box, sizeof box), out);
  return buf_ok(out);
}

err_t age_scrypt_unwrap(struct bytes passphrase, const struct stanza *s, struct secret *file_key) {
  AUTO_SECRET key = { 0 };
  uint8_t salt[SALT_SIZE], box[AGE_WRAPPED_KEY];
  unsigned log2_n;
  TRY(stanza_arg_exactly(s, 1, salt, sizeof salt));
  TRY(read_work_factor(s, &log2_n));
  TRY(stanza_body_exactly(s, box, sizeof box));
  TRY(wrap_key(passphrase, salt, log2_n, &key));
  return age_box_open(secret_bytes(&key), box, file_key);
}
