#include "cli/key/digest.h"

#include "crypto/crypto.h"

err_t digest_of(const struct args *a, const char *alg, struct bytes input, struct buf *out) {
  uint8_t digest[SHA256_SIZE];
  bool message = strncmp(alg, "HS", 2) == 0;
  if (message || args_flag(a, "digest")) {
    buf_put_bytes(out, input);
    return buf_ok(out);
  }
  if (!strstr(alg, "256"))
    FAIL(ERR_USAGE, "%s: hash the data first, such as with openssl dgst -binary, and give --digest",
         alg);
  TRY(crypto_sha256(input, digest));
  buf_put(out, digest, sizeof digest);
  return buf_ok(out);
}
