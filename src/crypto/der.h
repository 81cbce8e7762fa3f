/*
 * Writing DER (X.690) into a secret, from the end to the front: contents are written before the
 * header that says how long they are, so lengths need no second pass. The only DER that is written
 * here holds keys; it is small.
 *
 * Failure is the writer's: what does not fit sets der.failed and der_take() reports it once.
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include "crypto/crypto.h"

enum der_tag {
  DER_INTEGER = 0x02,
  DER_BIT_STRING = 0x03,
  DER_OCTET_STRING = 0x04,
  DER_NULL = 0x05,
  DER_SEQUENCE = 0x30,
  DER_CONTEXT_1 = 0xa1
};

struct der {
  struct secret room;
  size_t start; /* what is written is room.data[start..] */
  bool failed;
};
err_t der_new(struct der *d);
static inline void der_free(struct der *d) {
  secret_free(&d->room);
}
#define AUTO_DER __attribute__((cleanup(der_free))) struct der

void der_put(struct der *d, struct bytes v);
/* Puts tag and length before what was written since mark (an earlier d->start). */
void der_wrap(struct der *d, enum der_tag tag, size_t mark);
/* A non-negative INTEGER from big-endian bytes, leading zeros or not. */
void der_put_uint(struct der *d, struct bytes number);
/* An exactly sized copy of what was written. */
err_t der_take(struct der *d, struct secret *out);

#endif
