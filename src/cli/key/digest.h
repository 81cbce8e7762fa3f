/* The digest that a signature algorithm signs. */
#ifndef CLI_KEY_DIGEST_H
#define CLI_KEY_DIGEST_H

#include "cli/key/use.h"

#define DIGEST_OPTION \
  { "digest", OPT_FLAG, NULL, NULL, "the input is the digest itself: do not hash it" }

/* What the vault is to sign: the input's hash by the algorithm, or with --digest the input. (HS*
 * take the message itself.) ERR_USAGE (FAILed) where the algorithm's hash is not made here. */
err_t digest_of(const struct args *a, const char *alg, struct bytes input, struct buf *out);

#endif
