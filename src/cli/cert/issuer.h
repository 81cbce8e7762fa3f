/* What the verbs of named issuers and of contacts share. */
#ifndef CLI_CERT_ISSUER_H
#define CLI_CERT_ISSUER_H

#include "cli/collection.h"

err_t issuer_print(const struct args *a, json_t *issuer);

/* A list of contacts, as a table. */
err_t contact_list_print(const struct args *a, json_t *body);
/* Those that are there, but the one with that address, as an open array in *b; *found: it was among
 * them. An array that nobody set is empty. */
err_t contact_list_others(struct client *c, const char *email, struct buf *b, bool *found);
err_t contact_list_put(struct client *c, struct buf *b, struct client_answer *out);

#endif
