/*
 * Certificate revocation lists (RFC 5280, 5): version 2, with a number, the issuer's key identifier
 * and reasons. They are signed for authorities, and read for verifiers. Any thread; a list that was
 * read is constant and its reader's.
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

#define CRL_DER_MAX (16u << 20) /* bytes of a list that is read */

struct crl_serial {
  uint8_t size, data[CERT_SERIAL_MAX]; /* big-endian, without leading zeros */
};
/* A list as verifiers need it. */
struct crl {
  uint64_t number;
  int64_t this_update, next_update; /* Unix seconds */
  struct crl_serial *serials;       /* sorted, for crl_has() */
  size_t count;
};
/* ERR_BAD_PARAMETER (FAILed, saying why) unless the authority whose certificate ca_der is has
 * signed it, all of it is there (no list of changes, of some certificates, or of others'), and it
 * has a number and both times. Times are not compared with the clock. */
err_t crl_read(struct bytes der, struct bytes ca_der, struct crl *out);
void crl_free(struct crl *c); /* a zeroed struct is fine */
#define AUTO_CRL __attribute__((cleanup(crl_free))) struct crl
/* serial: as cert_read() gives it. */
bool crl_has(const struct crl *c, struct bytes serial);

#endif
