/* What the verbs of secrets share beyond what they share with keys. */
#ifndef CLI_SECRET_SECRET_H
#define CLI_SECRET_SECRET_H

#include "cli/attributes.h"
#include "cli/collection.h"

extern const struct collection secret_collection;

/* Writes the properties that the options below give into an open object. */
err_t secret_write_properties(const struct args *a, struct buf *b);
#define SECRET_PROPERTY_OPTIONS \
  { "content-type", OPT_VALUE, "TYPE", NULL, "what the value is, such as text/plain" }, \
    ATTRIBUTE_OPTIONS("readers are told that it is not valid before", "nor after", "read")

#endif
