/*
 * PEM (RFC 7468), for certificates and private keys alike: everything passes through secrets.
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "crypto/crypto.h"

/* The contents of the first block that has one of the labels (a list that ends with NULL).
 * ERR_BAD_PARAMETER (REFUSEd) when there is none, or when it is encrypted. */
err_t pem_read(struct bytes text, const char *const *labels, struct secret *out);
/* Calls visit with each block in turn, until it fails. ERR_BAD_PARAMETER (REFUSEd) when the text is
 * malformed; one without blocks is not. */
struct pem_block {
  const char *label;
  bool encrypted; /* by a header (RFC 1421), as old private keys are */
  struct bytes der;
};
typedef err_t pem_visit(void *ctx, const struct pem_block *block);
err_t pem_each(struct bytes text, pem_visit *visit, void *ctx);
err_t pem_write(const char *label, struct bytes der, struct secret *out);

#endif
