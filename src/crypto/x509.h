/*
 * Certificates and keys as they come and go: what a certificate is for, PEM at the edges, DER
 * inside. Certificates are made in cert.h. Any thread.
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "crypto/key.h"

err_t x509_public_key(struct bytes der, struct key **out);
err_t x509_validity(struct bytes der, int64_t *not_before, int64_t *not_after);
/* True when the certificate's subjectAltName covers the name (DNS or IP address as text). */
bool x509_covers(struct bytes der, const char *name);

/* The key identifier of its authority (RFC 5280, 4.2.1.1), appended to out; ERR_BAD_PARAMETER when
 * it has none. */
err_t x509_authority_key_id(struct bytes der, struct buf *out);
/* The critical acmeIdentifier extension (RFC 8737): ERR_BAD_PARAMETER unless it is there, once, and
 * well-formed. */
err_t x509_acme_identifier(struct bytes der, uint8_t out[static SHA256_SIZE]);
err_t x509_to_pem(struct bytes der, struct buf *pem);
/* The first certificate of a PEM text (or DER as it is). */
err_t x509_from_pem(struct bytes text, struct buf *der);
/* The first PKCS#10 request of a PEM text, and back. */
err_t x509_request_from_pem(struct bytes text, struct buf *der);
err_t x509_request_to_pem(struct bytes der, struct buf *pem);
/* Private keys as PKCS#8 PEM, for files of mode 0600. */
err_t key_to_pem(const struct key *k, struct secret *pem);
err_t key_from_pem(struct bytes pem, struct key **out);

#endif
