/*
 * Using a key: what wrap, unwrap, encrypt, decrypt, sign and verify share. Which version and which
 * algorithm are settled first, by looking at the key where the command line does not say both.
 */
#ifndef CLI_KEY_USE_H
#define CLI_KEY_USE_H

#include "cli/ask.h"
#include "cli/inout.h"

enum use_kind { USE_WRAP, USE_ENCRYPT, USE_SIGN };

struct use {
  struct client *client;
  const char *name;
  char version[64], alg[32];
};
err_t use_open(const struct args *a, enum use_kind kind, struct use *out);
void use_close(struct use *u);
#define AUTO_USE __attribute__((cleanup(use_close))) struct use

/* The fields of the operation's body; empty ones are left out. */
struct use_fields {
  struct bytes value, digest, iv, aad, tag;
};
err_t use_call(struct use *u, const char *operation, const struct use_fields *f,
               struct client_answer *out);
/* The same for what undoes an earlier operation: when the vault can't, and no version was named, it
 * says what may be the matter. */
err_t use_undo(const struct args *a, struct use *u, const char *operation,
               const struct use_fields *f, struct client_answer *out);
/* Tells people which version and algorithm were used: unwrapping needs the same. */
void use_note(const struct use *u, const struct client_answer *answer);

#define USE_ALG_OPTION(what) \
  { "alg", OPT_VALUE, "ALG", NULL, what }

#endif
