/*
 * Passphrases come from the terminal, without echo, or from a descriptor; never from argv or the
 * environment.
 */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "cli/args.h"

#include "crypto/crypto.h"

/* From the terminal. twice: asked again, and both must be the same. ERR_USAGE without a terminal.
 */
err_t passphrase_ask(const char *prompt, bool twice, struct secret *out);
/* The first line of what a descriptor gives; no more is read. */
err_t passphrase_read(int fd, struct secret *out);
/* As --passphrase-stdin or --passphrase-fd say, else from the terminal. */
err_t passphrase_get(const struct args *a, const char *prompt, struct secret *out);

#define PASSPHRASE_OPTIONS \
  { "passphrase-stdin", OPT_FLAG, NULL, NULL, "read the passphrase from stdin" }, { \
    "passphrase-fd", OPT_VALUE, "N", NULL, "read the passphrase from descriptor N" \
  }

#endif
