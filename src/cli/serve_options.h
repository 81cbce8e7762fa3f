/* The options of `vault serve` (and so of `up`): the hub's configuration and what is not
 * configuration. */
#ifndef CLI_SERVE_OPTIONS_H
#define CLI_SERVE_OPTIONS_H

#include "cli/passphrase.h"
#include "vault/hub.h"

struct serve_options {
  struct conf *conf;
  bool init;                /* --init: make what is not there yet */
  bool audit_lost;          /* --audit-lost: go on when the audit log is gone */
  int ready_fd;             /* --ready-fd N: told when it serves; -1 */
  struct secret passphrase; /* --passphrase-stdin or --passphrase-fd N: its first line */
};
/* ERR_USAGE or ERR_CONFIG with a reason. argv[0] is the first option. */
err_t serve_options_read(int argc, char **argv, struct serve_options *out);
void serve_options_free(struct serve_options *o);

/* Those of them that are not configuration, for the tables of verbs. */
#define SERVE_OPTIONS \
  { "config", OPT_VALUE, "FILE", NULL, "read settings from an INI file" }, \
    { "audit-lost", OPT_FLAG, NULL, NULL, \
      "start although the audit log is gone, and record that" }, \
    PASSPHRASE_OPTIONS

#endif
