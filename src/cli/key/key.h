/* What the verbs of keys share beyond what they share with secrets. */
#ifndef CLI_KEY_KEY_H
#define CLI_KEY_KEY_H

#include "cli/attributes.h"
#include "cli/collection.h"

extern const struct collection key_collection;

#define KEY_TYPES "RSA RSA-HSM EC EC-HSM oct oct-HSM"
#define KEY_CURVES "P-256 P-384 P-521 P-256K"

/* Writes "key_ops" into an open object, for the first of the options below. */
void key_write_ops(const struct args *a, struct buf *b);
#define KEY_ATTRIBUTE_OPTIONS \
  { "ops", OPT_VALUE, "OP,...", NULL, \
    "encrypt, decrypt, sign, verify, wrapKey, unwrapKey, import" }, \
    ATTRIBUTE_OPTIONS("not used to protect before", "nor after", "used")

#endif
