/*
 * What the verbs of keys, secrets and certificates share: they are objects of a collection that the
 * vault shows, lists, deletes, recovers, purges, backs up and restores in the same way.
 */
#ifndef CLI_COLLECTION_H
#define CLI_COLLECTION_H

#include "cli/ask.h"

struct collection {
  const char *noun;               /* "key" */
  const char *present, *deleted;  /* paths: "keys", "deletedkeys" */
  const char *loss;               /* what a person is told before one is purged */
  err_t (*print)(json_t *bundle); /* the fields that only these have */
};

/* The name and version in an id: "https://host/keys/NAME/VERSION". version may be empty. */
void id_split(struct bytes id, struct bytes *name, struct bytes *version);

/* One object as the server gave it, for people or, with --json, as it is but for a secret's value:
 * that is never printed here. */
err_t collection_print(const struct args *a, const struct collection *c, json_t *bundle);
/* Asks, and prints the object that is the answer. */
err_t collection_ask(const struct args *a, const struct collection *c, enum http_method method,
                     const struct buf *path, const struct buf *body);

/* Before something is purged for good. ERR_USAGE when nobody confirms it. */
err_t collection_confirm(const struct args *a, const struct collection *c);

/* What verbs of these names do. The first word is the object's name, but for restore: a file. query
 * is added to the path of the list of all; "" for none. */
err_t collection_get(const struct args *a, const struct collection *c, struct client_answer *out);
err_t collection_list(const struct args *a, const struct collection *c, const char *query);
err_t collection_delete(const struct args *a, const struct collection *c);
err_t collection_recover(const struct args *a, const struct collection *c);
err_t collection_purge(const struct args *a, const struct collection *c);
err_t collection_backup(const struct args *a, const struct collection *c);
err_t collection_restore(const struct args *a, const struct collection *c);

#endif
