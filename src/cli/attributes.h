/* The attributes and tags of an object, as options. */
#ifndef CLI_ATTRIBUTES_H
#define CLI_ATTRIBUTES_H

#include "cli/args.h"

#include "base/bytes.h"

/* Writes "attributes" and "tags" into an open object, of the options that were given. */
err_t attributes_write(const struct args *a, struct buf *b);
/* The same of an object whose times are not the caller's. */
err_t attributes_write_timeless(const struct args *a, struct buf *b);
/* before, after: what the two times mean; use: "used", "read". */
#define ATTRIBUTE_OPTIONS(before, after, use) \
  { "not-before", OPT_VALUE, "TIME", NULL, before ": 2027-01-31 or +90d" }, \
    { "expires", OPT_VALUE, "TIME", NULL, after }, TIMELESS_ATTRIBUTE_OPTIONS(use)
#define TIMELESS_ATTRIBUTE_OPTIONS(use) \
  { "tag", OPT_LIST, "NAME=VALUE", NULL, "a tag; may be given again" }, \
    { "disabled", OPT_FLAG, NULL, NULL, "may not be " use }, { \
    "enabled", OPT_FLAG, NULL, NULL, "may be " use " (the default)" \
  }

#endif
