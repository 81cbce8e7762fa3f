/* Key types and curves by the names that the API uses (kty, crv), in both directions. */
#ifndef VAULT_KEY_NAMES_H
#define VAULT_KEY_NAMES_H

#include "base/json.h"
#include "crypto/key.h"

const char *kty_name(enum key_type type, bool hsm); /* "RSA-HSM" */
const char *curve_name(enum key_curve curve);       /* "P-256" */

/* kty of a JSON object, required. REFUSE names the property. */
err_t kty_read(json_t *o, enum key_type *type, bool *hsm);
/* crv, P-256 when it is absent: curve and size of the key. */
err_t curve_read(json_t *o, struct key_spec *spec);

#endif
