/*
 * Access tokens: one for all threads of a client. It is got when the first one needs it, and again
 * a while before it expires, by one thread; the others use the old one meanwhile, as long as it is
 * good. Any thread.
 */
#ifndef CLIENT_TOKEN_H
#define CLIENT_TOKEN_H

#include "client/pool.h"
#include "client/settings.h"

struct client_patience;
struct token_keeper;
/* Settings and authority (NULL: there is none) are borrowed. */
err_t token_keeper_new(const struct settings *s, struct pool *authority, struct tls *tls,
                       struct token_keeper **out);
void token_keeper_free(struct token_keeper *k);

/* Which token it was. */
struct token_use {
  uint64_t number;
  bool fresh; /* got for this call */
};
/* Appends "Authorization: Bearer ..". ERR_CONFIG when the settings name no credential. */
err_t token_put(struct token_keeper *k, const struct client_patience *p, struct buf *headers,
                struct token_use *use);
/* The token itself. */
err_t token_copy(struct token_keeper *k, const struct client_patience *p, struct secret *out);
/* The hub does not take it (any more): it is not used again. */
void token_reject(struct token_keeper *k, const struct token_use *use);

#endif
