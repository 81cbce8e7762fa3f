/* What the verbs of roles share: what a user's words for a role, a principal and a scope mean. */
#ifndef CLI_ROLE_ROLE_H
#define CLI_ROLE_ROLE_H

#include "cli/ask.h"

#include "base/codec.h"

/* Paths of the RBAC API; id NULL for the collection. scope "/" is the whole vault. */
struct buf role_definition_path(const char *id);
struct buf role_assignment_path(const char *scope, const char *id);

/* All definitions: {"value":[..]}. */
err_t role_definitions(struct client *c, struct client_answer *out);
/* The definition that a word names: its GUID, its name, or its short name, without case. Borrows
 * definitions. ERR_NOT_FOUND (FAILed, with the nearest). */
err_t role_find_word(json_t *definitions, const char *word, json_t **out);
/* "Key Vault Crypto User" is "crypto-user". */
void role_put_short(struct buf *b, struct bytes role_name);

/* The object id of the identity that a name, client id or object id means. */
err_t role_principal(struct client *c, const char *word, char oid[static GUID_SIZE + 1]);
/* A new random GUID. */
err_t role_new_id(char id[static GUID_SIZE + 1]);

err_t role_print(const struct args *a, json_t *definition);
err_t role_print_assignment(const struct args *a, json_t *assignment);

#define SCOPE_OPTION \
  { "scope", OPT_VALUE, "SCOPE", NULL, "/ (default), /keys or /keys/NAME" }

#endif
