/*
 * What keys can do: one table of the API's algorithms, {name, key type, uses, parameters,
 * functions}.
 *
 * RSA-OAEP, RSA-OAEP-256, RSA1_5 (encrypt and wrap); A128/192/256KW, CKM_AES_KEY_WRAP,
 * CKM_AES_KEY_WRAP_PAD (wrap); A128/192/256GCM, CBC, CBCPAD (encrypt); RS256/384/512,
 * PS256/384/512, RSNULL; ES256/384/512/256K (raw r||s); HS256/384/512. Sign and verify take the
 * digest that the client computed (HS*: the digest is the message).
 *
 * Decryption failures of every kind give the same error, ERR_DECRYPT, with the same text and as far
 * as OpenSSL allows in the same time. Any thread.
 */
#ifndef CRYPTO_ALG_H
#define CRYPTO_ALG_H

#include "crypto/key.h"

enum alg_use { ALG_ENCRYPT = 1, ALG_WRAP = 2, ALG_SIGN = 4 };

struct alg;
const struct alg *alg_find(struct bytes name); /* NULL when unknown; names are case-sensitive */
const char *alg_name(const struct alg *a);
unsigned alg_uses(const struct alg *a);                       /* of enum alg_use */
bool alg_fits(const struct alg *a, const struct key_spec *s); /* type, size, curve */

/* in -> out, which is appended to on success only. iv, aad, tag: AES-CBC needs iv (16); AES-GCM
 * makes a 12-byte iv on encrypt, whatever iv says, and needs iv (12 or 16) and tag (16) on decrypt.
 * A missing iv or tag and an input to encrypt of a wrong length are ERR_BAD_PARAMETER. */
struct alg_io {
  struct bytes in, iv, aad, tag;
  struct buf *out;
  uint8_t iv_out[16], tag_out[16]; /* what encrypt used and made */
  size_t iv_out_size, tag_out_size;
};
err_t alg_encrypt(const struct alg *a, const struct key *k, struct alg_io *io);
err_t alg_decrypt(const struct alg *a, const struct key *k, struct alg_io *io);
err_t alg_wrap(const struct alg *a, const struct key *k, struct bytes plain, struct buf *out);
err_t alg_unwrap(const struct alg *a, const struct key *k, struct bytes wrapped, struct buf *out);
/* ERR_BAD_PARAMETER, REFUSEd "Invalid length of 'value': 10 bytes. RS256 requires 32 bytes, encoded
 * with base64url." */
err_t alg_sign(const struct alg *a, const struct key *k, struct bytes digest,
               struct buf *signature);
/* A signature of the wrong length is just not valid; a digest of the wrong length is an error. */
err_t alg_verify(const struct alg *a, const struct key *k, struct bytes digest,
                 struct bytes signature, bool *valid);

#endif
