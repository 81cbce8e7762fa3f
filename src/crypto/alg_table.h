/*
 * What a row of the algorithm table is, for the files that carry the families out.
 *
 * The functions get keys that fit the algorithm and are private where the operation needs it, and
 * digests of the right size: alg.c checks.
 */
#ifndef CRYPTO_ALG_TABLE_H
#define CRYPTO_ALG_TABLE_H

#include "crypto/alg.h"
#include "crypto/evp.h"

#define ALG_DATA_MAX (1024u * 1024) /* bytes of in and of aad */

struct alg_family {
  err_t (*encrypt)(const struct alg *a, const struct key *k, struct alg_io *io);
  err_t (*decrypt)(const struct alg *a, const struct key *k, struct alg_io *io);
  err_t (*sign)(const struct alg *a, const struct key *k, struct bytes digest, struct buf *out);
  err_t (*verify)(const struct alg *a, const struct key *k, struct bytes digest,
                  struct bytes signature, bool *valid);
};
extern const struct alg_family alg_rsa_encryption, alg_rsa_signature; /* alg_rsa.c */
extern const struct alg_family alg_ecdsa;                             /* alg_ec.c */
extern const struct alg_family alg_aes_gcm, alg_aes_cbc;              /* alg_aes.c */
extern const struct alg_family alg_aes_kw, alg_aes_kwp;               /* alg_kw.c */
extern const struct alg_family alg_hmac;                              /* alg.c */

struct alg {
  const char *name;
  enum key_type type;
  unsigned uses;        /* of enum alg_use */
  unsigned bits;        /* oct: the one size that fits; 0: any */
  enum key_curve curve; /* EC */
  enum evp_hash hash;   /* of the digest, and of OAEP */
  int padding;          /* RSA: as EVP has it; AES-CBC: 1 pads */
  const struct alg_family *family;
};

enum alg_side { SIDE_PUBLIC, SIDE_PRIVATE };
/* Where the key keeps its context for an algorithm of RSA or EC. */
unsigned alg_slot(const struct alg *a, enum alg_side side);

/* "Invalid length of 'value': 10 bytes. A256KW <needs>, encoded with base64url." */
#define REFUSE_LENGTH(a, size, ...) return alg_refuse_length((a), (size), __VA_ARGS__)
err_t alg_refuse_length(const struct alg *a, size_t size, const char *needs, ...)
  __attribute__((format(printf, 3, 4)));

#endif
