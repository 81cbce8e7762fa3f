/* What the verbs of keys share: ids, attributes as options, and how a key is shown. */
#ifndef CLI_KEY_KEY_H
#define CLI_KEY_KEY_H

#include "cli/ask.h"

/* The name and version that an id ends with: "https://host/keys/NAME/VERSION". version may be
 * empty. */
void key_split_id(struct bytes id, struct bytes *name, struct bytes *version);
struct bytes key_id_of(json_t *bundle);

/* A key as the server gave it, for people or, with --json, as it is. */
err_t key_print(const struct args *a, json_t *bundle);
/* Appends "NAME=VALUE, NAME=VALUE". */
void key_put_tags(struct buf *b, json_t *tags);

#define KEY_TYPES "RSA RSA-HSM EC EC-HSM oct oct-HSM"
#define KEY_CURVES "P-256 P-384 P-521 P-256K"

/* For the options below: writes "attributes" and "tags", and "key_ops" apart, into an open object.
 */
err_t key_write_attributes(const struct args *a, struct buf *b);
void key_write_ops(const struct args *a, struct buf *b);
#define KEY_ATTRIBUTE_OPTIONS \
  { "ops", OPT_VALUE, "OP,...", NULL, \
    "encrypt, decrypt, sign, verify, wrapKey, unwrapKey, import" }, \
    { "not-before", OPT_VALUE, "TIME", NULL, "not used to protect before: 2027-01-31 or +90d" }, \
    { "expires", OPT_VALUE, "TIME", NULL, "nor after" }, \
    { "tag", OPT_LIST, "NAME=VALUE", NULL, "a tag; may be given again" }, \
    { "disabled", OPT_FLAG, NULL, NULL, "may not be used" }, { \
    "enabled", OPT_FLAG, NULL, NULL, "may be used (the default)" \
  }

#endif
