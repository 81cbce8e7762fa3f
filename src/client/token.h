/* Access tokens, by the client credentials grant of OAuth 2.0 (RFC 6749) with a secret or with a
 * signed assertion (RFC 7523). */
#ifndef CLIENT_TOKEN_H
#define CLIENT_TOKEN_H

#include "client/settings.h"
#include "net/client.h"

struct token {
  struct secret text; /* empty: none yet */
  int64_t renew_at;   /* Unix seconds: a little before it expires */
};
/* A new token from the authority. ERR_CONFIG when the settings name no credential. */
err_t token_get(const struct settings *s, struct http_client *authority, struct token *out);

/* Appends a client assertion made with the certificate's key: PS256 or, for P-256 keys, ES256, with
 * the header x5t#S256, good for five minutes. pem holds key and certificate. */
err_t assertion_sign(struct bytes pem, const char *client_id, struct bytes audience,
                     struct buf *out);

#endif
