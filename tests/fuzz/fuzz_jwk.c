/* A JSON document as a JWK; a key that comes out must survive what is done with keys. */
#include "crypto/key.h"
#include "start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

static void round_trip(const struct key *k) {
  AUTO_SECRET form = { 0 }, again = { 0 };
  struct key *copy AUTO(key) = NULL;
  if (key_export(k, &form) != OK ||
      key_import(key_spec(k)->type, secret_bytes(&form), &copy) != OK ||
      key_export(copy, &again) != OK || !crypto_equal(secret_bytes(&form), secret_bytes(&again)))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_JSON *jwk = NULL;
  struct key *k AUTO(key) = NULL;
  AUTO_BUF members = BUF_EMPTY;
  char kid[44];
  if (json_read(bytes_of(data, size), &jwk) != OK || key_from_jwk(jwk, &k) != OK)
    return 0;
  if (key_public_members(k, &members) != OK)
    abort();
  if ((key_thumbprint(k, kid) == OK) != (key_spec(k)->type != KEY_OCT))
    abort();
  if (key_is_private(k))
    round_trip(k);
  return 0;
}
