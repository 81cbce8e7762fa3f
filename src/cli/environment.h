/* The environment of a child process: what it may need, and nobody's secrets. */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "base/err.h"

/* The variables of ours that are passed on, then room for more and the NULL at the end; *count (may
 * be NULL) is how many there are. mem_free() the list; its texts are the environment's own. */
err_t environment_copy(size_t more, char ***out, size_t *count);

#endif
