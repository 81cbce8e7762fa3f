/*
 * A version of a certificate as a server needs it: PEM texts of the certificate, the authorities
 * between it and the root, the root, and the private key.
 */
#ifndef CLI_CERT_FETCH_H
#define CLI_CERT_FETCH_H

#include "cli/cert/cert.h"

#define CERT_VERSION_SIZE 32

struct cert_set {
  char version[CERT_VERSION_SIZE + 1];
  int64_t not_before, not_after;
  struct buf cert, chain, fullchain; /* fullchain: cert and chain; the root is in neither */
  struct buf ca;                     /* the root, or what is nearest to it */
  struct secret key;
};
void cert_set_free(struct cert_set *s);
#define AUTO_CERT_SET __attribute__((cleanup(cert_set_free))) struct cert_set

/* The version of a bundle: checked, since it becomes part of a path. */
err_t cert_version_of(json_t *bundle, char out[static CERT_VERSION_SIZE + 1]);
/* Whether the vault gives the private key away. */
bool cert_exportable(json_t *bundle);
/* Of a bundle that was asked for: gets the key and the chain from its secret. ERR_FORBIDDEN when
 * the caller may not read that. */
err_t cert_fetch(struct client *c, const char *name, json_t *bundle, struct cert_set *out);
/* As much as the bundle alone says: the certificate. */
err_t cert_set_of(json_t *bundle, struct cert_set *out);

#endif
