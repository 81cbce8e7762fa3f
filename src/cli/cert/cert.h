/* What the verbs of certificates share beyond what they share with those of keys and secrets. */
#ifndef CLI_CERT_CERT_H
#define CLI_CERT_CERT_H

#include "cli/attributes.h"
#include "cli/collection.h"

#include "crypto/cert.h"

extern const struct collection cert_collection;

/* base64 of DER, appended; ERR_INTERNAL when it is not that: only the server says such things. */
err_t cert_decode(struct bytes base64, struct buf *out);
/* The certificate of a bundle as DER; nothing while it is not issued. */
err_t cert_der(json_t *bundle, struct buf *out);
/* Whether it names itself as its issuer. */
bool cert_is_root(const struct cert_info *info);
/* "EC P-256", "RSA 2048". */
void cert_put_key(struct buf *b, const struct key_spec *spec);

/* base64 of DER as a PEM block with that label, to the file of --out or to stdout. */
err_t cert_write_pem(const struct args *a, const char *label, struct bytes base64);

#endif
