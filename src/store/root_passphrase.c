/* The provider "passphrase": scrypt with a fresh salt for each wrapping. */
#include "base/pack.h"
#include "store/root_provider.h"

#define LOG2_N 17 /* 128 MiB, some 0.3 s */
#define LOG2_N_MIN 10
#define LOG2_N_MAX 20 /* what we are ready to spend on a file that says so */
#define SALT_SIZE 16
#define PASSPHRASE_MIN 8
#define PASSPHRASE_MAX 1024

static err_t check(struct bytes secret) {
  if (secret.size < PASSPHRASE_MIN || secret.size > PASSPHRASE_MAX)
    FAIL(ERR_CONFIG, "a passphrase has %d to %d bytes", PASSPHRASE_MIN, PASSPHRASE_MAX);
  return OK;
}

static err_t params(struct buf *out) {
  uint8_t salt[SALT_SIZE];
  TRY(crypto_random(salt, sizeof salt));
  pack_u8(out, LOG2_N);
  pack_bytes(out, bytes_of(salt, sizeof salt));
  return buf_ok(out);
}

static err_t derive(struct bytes secret, struct bytes text, struct secret *key) {
  struct unpack u = unpack_of(text);
  uint8_t log2_n = unpack_u8(&u);
  struct bytes salt = unpack_bytes(&u);
  TRY(unpack_end(&u));
  if (log2_n < LOG2_N_MIN || log2_n > LOG2_N_MAX || salt.size != SALT_SIZE)
    FAIL(ERR_CORRUPT, "the wrapped master key asks for scrypt with log2(N) = %u, %zu bytes of salt",
         log2_n, salt.size);
  return crypto_scrypt(secret, salt, log2_n, ROOT_KEY_SIZE, key);
}

const struct root_provider root_provider_passphrase = { "passphrase", check, params, derive };
