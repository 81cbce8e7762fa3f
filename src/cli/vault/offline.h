/* Verbs that work on the files of a hub while it is stopped, and need its root key. */
#ifndef CLI_VAULT_OFFLINE_H
#define CLI_VAULT_OFFLINE_H

#include "cli/args.h"
#include "cli/passphrase.h"
#include "vault/hub.h"

/* The hub's configuration, and the passphrase if it is under one. */
struct offline {
  struct conf *conf;
  struct secret passphrase;
};
err_t offline_open(const struct args *a, struct offline *out);
void offline_close(struct offline *o);
#define AUTO_OFFLINE __attribute__((cleanup(offline_close))) struct offline

#define OFFLINE_OPTIONS \
  { "data", OPT_VALUE, "DIR", NULL, "the data directory (default: data)" }, \
    { "root-file", OPT_VALUE, "FILE", NULL, "the root key file, if it is not root.key in DIR" }, \
    { "config", OPT_VALUE, "FILE", NULL, "read the hub's settings from an INI file" }, \
    PASSPHRASE_OPTIONS

#endif
