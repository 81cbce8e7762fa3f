/*
 * OCSP (RFC 6960) from the responder's side: requests are read, answers signed. Certificates are
 * named by SHA-1 or SHA-256 hashes of their issuer. Any thread; a responder is constant.
 */
#ifndef CRYPTO_OCSP_H
#define CRYPTO_OCSP_H

#include "crypto/cert.h"

#define OCSP_REQUEST_MAX 8192 /* bytes */
#define OCSP_CERTS_MAX 8      /* certificates in a request */
#define OCSP_NONCE_MAX 32     /* bytes, RFC 8954 */

enum ocsp_hash { OCSP_SHA1, OCSP_SHA256, OCSP_HASHES };

/* Hashes of an issuer's name and key. */
struct ocsp_issuer {
  uint8_t name[OCSP_HASHES][SHA256_SIZE], key[OCSP_HASHES][SHA256_SIZE];
};
err_t ocsp_issuer_of(struct bytes ca_der, struct ocsp_issuer *out);

struct ocsp_cert {
  enum ocsp_hash hash;
  uint8_t name[SHA256_SIZE], key[SHA256_SIZE]; /* as long as the hash */
  uint8_t serial[CERT_SERIAL_MAX];             /* big-endian, without leading zeros */
  size_t serial_size;
};
struct ocsp_request {
  struct ocsp_cert certs[OCSP_CERTS_MAX];
  size_t count; /* at least 1 */
  uint8_t nonce[OCSP_NONCE_MAX];
  size_t nonce_size; /* 0: none */
};
/* ERR_BAD_PARAMETER for what is malformed, too long or names certificates by other hashes. */
err_t ocsp_request_read(struct bytes der, struct ocsp_request *out);
bool ocsp_is_of(const struct ocsp_cert *cert, const struct ocsp_issuer *issuer);

/* Who signs: a key with a certificate for OCSPSigning, of the authority that it answers for. */
struct ocsp_responder;
err_t ocsp_responder_new(struct key *key, struct bytes der, struct ocsp_responder **out);
void ocsp_responder_free(struct ocsp_responder *r);
CLEANUP(ocsp_responder, struct ocsp_responder *, ocsp_responder_free)

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };
struct ocsp_answer {
  enum ocsp_status status;
  int64_t revoked_at;
  unsigned reason; /* RFC 5280, 5.3.1; 0 is not written */
};
/* One answer for each certificate of the request, in its order; the nonce is echoed. The response's
 * DER is appended to der. */
err_t ocsp_respond(const struct ocsp_responder *r, const struct ocsp_request *rq,
                   const struct ocsp_answer *answers, int64_t this_update, int64_t next_update,
                   struct buf *der);

/* What needs no signature. */
enum ocsp_error {
  OCSP_MALFORMED = 1,
  OCSP_INTERNAL = 2,
  OCSP_TRY_LATER = 3,
  OCSP_UNAUTHORIZED = 6
};
err_t ocsp_refuse(enum ocsp_error e, struct buf *der);

#endif
