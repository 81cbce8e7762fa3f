/* What the verbs that manage a hub's vaults share. */
#ifndef CLI_VAULT_MANAGE_H
#define CLI_VAULT_MANAGE_H

#include "cli/collection.h"

extern const struct collection vault_collection; /* of it: noun and loss only */
/* A vault as the server gave it, for people or as JSON. */
err_t vault_print(const struct args *a, json_t *vault);
/* Asks, and prints the vault that is the answer. */
err_t vault_ask(const struct args *a, enum http_method method, const struct buf *path,
                const struct buf *body);

#endif
