/*
 * The types of recipients: what their stanzas look like, and how a file key gets into one and out
 * of it again. Any thread.
 *
 * A check is for a stanza of the type: ERR_DAMAGED when its form is not right. An unwrap, for one
 * that was checked, fails with ERR_WRONG_KEY when the file key is not for this identity.
 */
#ifndef SEAL_AGE_TYPE_H
#define SEAL_AGE_TYPE_H

#include "client/data_key.h"
#include "crypto/xwing.h"
#include "seal/age_header.h"

#define AGE_WRAPPED_KEY 32 /* a file key under ChaCha20-Poly1305 */

/* Keys that are used once: the nonce is zeros. */
err_t age_box_seal(struct bytes key, struct bytes file_key, uint8_t out[static AGE_WRAPPED_KEY]);
err_t age_box_open(struct bytes key, const uint8_t box[static AGE_WRAPPED_KEY],
                   struct secret *file_key);

#define AGE_X25519 "X25519"
#define AGE_X25519_PREFIX "age"
#define AGE_X25519_SECRET_PREFIX "age-secret-key-"
struct age_x25519 { /* an identity */
  struct secret private;
  uint8_t public[X25519_SIZE];
};
err_t age_x25519_check(const struct stanza *s);
err_t age_x25519_wrap(const uint8_t recipient[static X25519_SIZE], struct bytes file_key,
                      struct buf *out);
err_t age_x25519_unwrap(const struct age_x25519 *identity, const struct stanza *s,
                        struct secret *file_key);

/* ML-KEM-768 with X25519. An identity is a seed. */
#define AGE_HYBRID "mlkem768x25519"
#define AGE_HYBRID_PREFIX "age1pq"
#define AGE_HYBRID_SECRET_PREFIX "age-secret-key-pq-"
err_t age_hybrid_check(const struct stanza *s);
err_t age_hybrid_wrap(const uint8_t recipient[static XWING_PUBLIC], struct bytes file_key,
                      struct buf *out);
err_t age_hybrid_unwrap(const struct secret *identity, const struct stanza *s,
                        struct secret *file_key);
/* ERR_BAD_PARAMETER for hybrid stanzas beside such as a quantum computer opens: that is not
 * written. What others wrote so is read. age_hybrid_refuse() makes the error. */
err_t age_hybrid_unmixed(struct bytes stanzas);
err_t age_hybrid_refuse(const char *what);

/* Of a passphrase, alone in its header. */
#define AGE_SCRYPT "scrypt"
err_t age_scrypt_check(const struct stanza *s);
err_t age_scrypt_wrap(struct bytes passphrase, struct bytes file_key, struct buf *out);
err_t age_scrypt_unwrap(struct bytes passphrase, const struct stanza *s, struct secret *file_key);

/* Of a key of the vault. */
#define AGE_VAULT "strongroom"
#define AGE_VAULT_PREFIX "age1strongroom"
#define AGE_VAULT_IDENTITY_PREFIX "age-plugin-strongroom-"
err_t age_vault_check(const struct stanza *s);
/* key as in client/use.h. */
err_t age_vault_wrap(const struct key_service *vault, const char *key, struct bytes file_key,
                     struct buf *out);
err_t age_vault_unwrap(const struct key_service *vault, const struct stanza *s,
                       struct secret *file_key);
/* By the first of the header's keys of the vault that opens it; if none does, the last refusal is
 * told. The vault is asked about so many at most, and not again when it does not answer. */
#define AGE_VAULT_STANZAS_MAX 32
err_t age_vault_find(const struct key_service *vault, struct bytes stanzas,
                     struct secret *file_key);
/* The key ("NAME" or "NAME/VERSION") that the data of a recipient names, and whether the data of an
 * identity name a vault: ERR_BAD_PARAMETER, too, when requests go to another one than theirs. */
err_t age_vault_recipient(const struct key_service *vault, struct bytes data,
                          char key[static KEY_ID_MAX]);
err_t age_vault_identity(const struct key_service *vault, struct bytes data);

#endif
