/* A file key under a key that nothing else is sealed with. */
#include "crypto/aead.h"
#include "seal/age_type.h"

_Static_assert(AGE_WRAPPED_KEY == AGE_FILE_KEY + AEAD_TAG, "a file key and its tag");

static const uint8_t nonce[AEAD_NONCE]; /* zeros: the key is used once */

err_t age_box_seal(struct bytes key, struct bytes file_key, uint8_t out[static AGE_WRAPPED_KEY]) {
  AUTO(aead) struct aead *a = NULL;
  TRY(aead_new(AEAD_CHACHA20_POLY1305, key, &a));
  return aead_seal(a, nonce, (struct bytes){ 0 }, file_key, out);
}

err_t age_box_open(struct bytes key, const uint8_t box[static AGE_WRAPPED_KEY],
                   struct secret *file_key) {
  AUTO(aead) struct aead *a = NULL;
  AUTO_SECRET plain = { 0 };
  TRY(secret_new(AGE_FILE_KEY, &plain));
  TRY(aead_new(AEAD_CHACHA20_POLY1305, key, &a));
  err_t e = aead_open(a, nonce, (struct bytes){ 0 }, bytes_of(box, AGE_WRAPPED_KEY), plain.data);
  if (e == ERR_DECRYPT)
    return ERR_WRONG_KEY;
  TRY(e);
  *file_key = secret_take(&plain);
  return OK;
}
