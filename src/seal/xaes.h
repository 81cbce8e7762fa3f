/*
 * Small records: XAES-256-GCM (c2sp.org/XAES-256-GCM), AES-256-GCM with random nonces of 192 bits,
 * so that one key seals any number of them. The sealed form is nonce (24) || ciphertext || tag
 * (16); aad is the record's place. Any thread.
 */
#ifndef SEAL_XAES_H
#define SEAL_XAES_H

#include "crypto/crypto.h"

#define XAES_OVERHEAD 40

/* One key, derived from once. */
struct xaes;
err_t xaes_new(struct bytes key, struct xaes **out); /* 32 bytes */
void xaes_free(struct xaes *x);
CLEANUP(xaes, struct xaes *, xaes_free)
err_t xaes_seal(const struct xaes *x, struct bytes aad, struct bytes plain, struct buf *out);
/* ERR_DAMAGED; nothing is appended then. */
err_t xaes_open(const struct xaes *x, struct bytes aad, struct bytes sealed, struct buf *out);

#endif
