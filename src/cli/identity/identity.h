/* What the verbs of identities share. */
#ifndef CLI_IDENTITY_IDENTITY_H
#define CLI_IDENTITY_IDENTITY_H

#include "cli/ask.h"

err_t identity_print(const struct args *a, json_t *identity);

err_t identity_switch(const struct args *a, bool enabled);

/* Asks for a new secret (lifetime in seconds; 0: no end). */
err_t identity_new_secret(struct client *c, const char *app_id, int64_t lifetime,
                          struct client_answer *out);
/* Adds the PEM certificate of a file. */
err_t identity_new_certificate(struct client *c, const char *app_id, const char *file,
                               struct client_answer *out);
/* Shows a secret, once: to the file of --out (0600) as lines for the shell, else on stdout. */
err_t identity_give_secret(const struct args *a, const char *app_id, json_t *answer);

#define SECRET_OPTIONS \
  { "lifetime", OPT_VALUE, "SPAN", NULL, "the secret ends after this time: 90d, 1y" }, { \
    "out", OPT_VALUE, "FILE", NULL, \
      "write the secret to FILE (mode 0600), as lines for the shell's '.'" \
  }

#endif
