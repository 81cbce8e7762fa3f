/*
 * Certificate revocation lists (RFC 5280, 5): version 2, with a number, the issuer's key identifier
 * and reasons. Any thread.
 */
#ifndef CRYPTO_CRL_H
#define CRYPTO_CRL_H

#include "crypto/cert.h"

struct crl_entry {
  struct bytes serial; /* big-endian */
  int64_t when;        /* Unix seconds */
  unsigned reason;     /* RFC 5280, 5.3.1; 0, which is unspecified, is not written */
};
struct crl_list {
  uint64_t number; /* grows from list to list */
  int64_t this_update, next_update;
  const struct crl_entry *entries;
  size_t count;
};
/* Signed with the key of the authority whose certificate ca_der is; appended to der. */
err_t crl_sign(const struct key *ca_key, struct bytes ca_der, const struct crl_list *list,
               struct buf *der);

#endif
