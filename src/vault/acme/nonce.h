/*
 * Nonces (RFC 8555, 6.5): a number and a MAC of it under a key of this process, so that nobody can
 * make one. The latest ones that were given out are remembered by a bit each, which says whether
 * they were used; older ones, and those of an earlier process, are bad, and the client takes a new
 * one. Any thread.
 */
#ifndef VAULT_ACME_NONCE_H
#define VAULT_ACME_NONCE_H

#include "crypto/crypto.h"

struct nonces;
err_t nonces_new(struct nonces **out);
void nonces_free(struct nonces *n);
CLEANUP(nonces, struct nonces *, nonces_free)

#define NONCE_SIZE 43
#define NONCES_KEPT (1u << 20)
err_t nonce_make(struct nonces *n, char out[static NONCE_SIZE + 1]);
/* True once for each nonce that was made. */
bool nonce_use(struct nonces *n, struct bytes nonce);

#endif
