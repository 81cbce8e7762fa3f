/*
 * Tokens: the hub's own OAuth 2.0 token service (what @azure/identity and azure-identity ask of it)
 * and the check of bearer tokens.
 *
 * Access tokens are JWTs, RS256, an hour long, claims aud iss iat nbf exp appid azp oid sub tid
 * idtyp ver jti. A token is good only while its signing key is known, its identity exists and is
 * enabled. What was validated once is remembered by the token's SHA-256 until it expires or
 * anything that it depends on changes. Any thread.
 */
#ifndef IDENTITY_TOKEN_H
#define IDENTITY_TOKEN_H

#include "identity/identity.h"

#define TOKEN_AUDIENCE_MAX 300

struct token_policy {
  const char *issuer; /* "https://hub.example:8443/<tenant>/v2.0" */
  int64_t lifetime;   /* seconds */
};
void token_set_policy(struct identity *id,
                      const struct token_policy *p); /* before serving; copied */

/*
 * The token endpoint. form is the request's body (application/x-www-form-urlencoded): grant_type
 * client_credentials with client_secret, or with client_assertion (RS256, PS256 or ES256; x5t#S256,
 * x5t or kid names a registered certificate; aud = token_endpoint or the issuer, iss = sub =
 * client_id, exp within an hour, jti not seen before as far as the process remembers); never both.
 * scope is
 * "<resource>/.default". audience_ok() says whether tokens for that resource may be issued.
 */
struct token_request {
  struct bytes form;
  const char *const *token_endpoints; /* what an assertion's aud may be */
  size_t token_endpoint_count;
  bool (*audience_ok)(void *ctx, const char *resource);
  void *ctx;
};
struct token_grant {
  struct buf token;
  int64_t expires_in; /* seconds */
  char app_id[GUID_SIZE + 1],
    oid[GUID_SIZE + 1]; /* of the client, also for a refused request when it is known */
  /* When refused: RFC 6749 code ("invalid_client", "unsupported_grant_type", "invalid_scope", ..),
   * AADSTS number, and the text that follows "AADSTS<number>: ". */
  int status;
  const char *error;
  int aadsts;
  char description[256];
};
/* OK with token, or ERR_OAUTH with status, error, aadsts and description; other errors are the
 * hub's own. */
err_t token_issue(struct identity *id, const struct token_request *rq, struct token_grant *out);
void token_grant_free(struct token_grant *g);

/* Who calls, from the header "Authorization: Bearer ..". */
struct caller {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
};
/*
 * ERR_UNAUTHORIZED, REFUSEd with the service's texts: "AKV10000: Request is missing a Bearer or PoP
 * token." (no or another scheme), "AKV10022: Invalid audience. Expected <audiences[0]>, found:
 * <aud>.", "AKV10032: Invalid issuer. Expected one of <issuer>, found <iss>.",
 * "[TokenExpired] Error validating token: 'S2S12086'.", and for all else "[TokenInvalid] Error
 * validating token: 'S2S12005'." audiences: accepted aud values (a trailing slash is not forgiven).
 */
err_t token_check(struct identity *id, struct bytes authorization, const char *const *audiences,
                  size_t audience_count, struct caller *out);

/* {"keys":[..]}: public signing keys, the present one first, earlier ones until their tokens have
 * expired. */
err_t token_write_jwks(struct identity *id, struct buf *json);
/* Signs with a new key from now on; the old one verifies until the last of its tokens has expired.
 * Durable on return. */
err_t token_rollover(struct identity *id);

#endif
