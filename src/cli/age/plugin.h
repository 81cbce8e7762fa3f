/*
 * age-plugin-strongroom: what an unmodified age runs for recipients "age1strongroom1.." and for the
 * identities of a vault. Credentials come from the environment, as for every verb, or from the data
 * directory that STRONGROOM_DATA names.
 */
#ifndef CLI_AGE_PLUGIN_H
#define CLI_AGE_PLUGIN_H

#include "base/err.h"

/* Whether the program was started by that name. */
bool age_plugin_is(const char *argv0);
/* One conversation with age over stdin and stdout. What fails of it age is told; an error is one
 * that it could not be told. */
err_t age_plugin_run(int argc, char **argv);

#endif
