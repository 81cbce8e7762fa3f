/*
 * The vault as sealing and opening need it: asked only when a key is wrapped or unwrapped, so that
 * what needs no vault works without any settings of one. When it is away it is tried with patience
 * once, and quickly for the files after that. One thread.
 */
#ifndef CLI_SEAL_VAULT_H
#define CLI_SEAL_VAULT_H

#include "cli/args.h"
#include "client/data_key.h"

struct seal_vault {
  struct client *client; /* NULL: the settings are not complete */
  struct key_service real, service;
  struct key_cache *keys;
  bool away;     /* at the last call */
  err_t missing; /* why there is no client */
  char why[256];
};
/* Its members service and keys are then there. Fails only for lack of memory. */
err_t seal_vault_open(const struct args *a, struct seal_vault *out);
void seal_vault_close(struct seal_vault *v);
#define AUTO_SEAL_VAULT __attribute__((cleanup(seal_vault_close))) struct seal_vault

/* --key, else what the environment has; NULL when neither names one. */
const char *seal_vault_key(const struct args *a);
#define SEAL_KEY_VARIABLE "STRONGROOM_SEAL_KEY"

#endif
