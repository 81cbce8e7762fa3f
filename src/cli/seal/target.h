/* Where the output of a file goes when it is not said, or said for many at once. */
#ifndef CLI_SEAL_TARGET_H
#define CLI_SEAL_TARGET_H

#include "cli/seal/input.h"

#define SEALED_SUFFIX ".sealed"
#define AGE_SUFFIX ".age"

/* ERR_USAGE unless --out is what so many files can be written to. */
err_t target_check(const struct args *a);
/* in's sealed form: --out, or beside it with the suffix; stdin's to stdout. NUL-terminated. */
err_t target_of_sealing(const struct args *a, const struct input *in, const char *path,
                        const char *suffix, struct buf *out);
/* The plaintext of one file to --out or stdout; of many, each without its suffix. */
err_t target_of_opening(const struct args *a, const char *path, struct buf *out);

#endif
