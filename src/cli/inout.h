/* Data in and out of a verb: files, pipes, and what a terminal can show. */
#ifndef CLI_INOUT_H
#define CLI_INOUT_H

#include "cli/args.h"

#include "base/bytes.h"

#define DATA_MAX (32u * 1024 * 1024)

/* The file that --in names, else stdin. A terminal is asked for, not waited on in silence. */
err_t data_read(const struct args *a, struct buf *out);
/* To the file that --out names (0600), else to stdout: as it is, or as base64url where stdout is a
 * terminal. */
err_t data_write(const struct args *a, struct bytes data);

/* The options that go with these. */
#define DATA_IN_OPTION \
  { "in", OPT_VALUE, "FILE", NULL, "read from FILE instead of stdin" }
#define DATA_OUT_OPTION \
  { "out", OPT_VALUE, "FILE", NULL, "write to FILE (mode 0600) instead of stdout" }

#endif
