/*
 * Who we are, and how that becomes a token: the kinds of credentials, in one table, in the order in
 * which they are looked for.
 *
 * - the client credentials grant of OAuth 2.0 (RFC 6749), at the authority: with a client secret
 *   (given, or in a file), with an assertion that somebody else signs and writes to a file, or with
 *   one that is signed here with a certificate's key (RFC 7523);
 * - a managed identity: a service of this machine gives the token.
 *
 * Any thread.
 */
#ifndef CLIENT_CREDENTIAL_H
#define CLIENT_CREDENTIAL_H

#include "client/answer.h"
#include "client/settings.h"

struct token {
  struct secret text;
  uint64_t lifetime_s;
};

/* The server that gives the token: what credentials need of a client. */
struct credential_call {
  const struct settings *settings;
  struct http_client *authority; /* NULL where the settings name none */
  struct tls *tls;
  unsigned timeout_ms;
};

struct credential {
  const char *name; /* for people */
  bool (*is_set)(const struct settings *s);
  bool local; /* needs no authority */
  err_t (*get)(const struct credential_call *c, struct token *out, struct answer_hint *hint);
};
/* The first one that the settings name. ERR_CONFIG saying what can be set when there is none. */
err_t credential_find(const struct settings *s, const struct credential **out);

/* Appends a client assertion made with the certificate's key: PS256 or, for P-256 keys, ES256, with
 * the header x5t#S256, good for five minutes. pem holds key and certificate. */
err_t assertion_sign(struct bytes pem, const char *client_id, struct bytes audience,
                     struct buf *out);

#endif
