/* Options, as sr_connect() reads them. */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include "client/settings.h"
#include "lib/lib.h"

#define OPTION_NUMBERS 4
struct sr_options {
  struct settings settings;
  unsigned number[OPTION_NUMBERS]; /* 0: the usual one */
};
err_t options_new(struct sr_options **out);
err_t options_environment(struct sr_options *o);
err_t options_settings(const struct sr_options *o, struct settings *out); /* a copy */
unsigned options_number(const struct sr_options *o, enum sr_option name, unsigned usual);

#endif
