/*
 * PEM (RFC 7468), for certificates and private keys alike: everything passes through secrets.
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "crypto/crypto.h"

/* The contents of the first block that has one of the labels (a list that ends with NULL).
 * ERR_BAD_PARAMETER (REFUSEd) when there is none, or when it is encrypted. */
err_t pem_read(struct bytes text, const char *const *labels, struct secret *out);
err_t pem_write(const char *label, struct bytes der, struct secret *out);

#endif
