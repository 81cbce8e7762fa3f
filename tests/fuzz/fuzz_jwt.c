/* A token: parsing, and verifying with one public key (the one of RFC 7515, A.3, as is the seed's
 * signature). */
#include "crypto/jws.h"
#include "start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key *public_key;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                            "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                            "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
  AUTO_JSON *j = NULL;
  return !fuzz_start_crypto() || json_read(bytes_str(jwk), &j) != OK ||
         key_from_jwk(j, &public_key) != OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_JWS j = { 0 };
  if (jws_parse(bytes_of(data, size), &j) != OK)
    return 0;
  err_t e = jws_verify(&j, public_key);
  if (e != OK && e != ERR_UNAUTHORIZED)
    abort();
  return 0;
}
