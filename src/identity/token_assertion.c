/*
 * Client assertions (RFC 7523): a JWT that the client signs with the key of a registered
 * certificate. Only what is registered counts: certificates that the assertion carries (x5c) are
 * not looked at.
 *
 * An unknown application and an unknown certificate get the same answer in about the same time.
 * What is wrong with the claims is told only to who has signed them.
 */
#include "identity/internal.h"

#include <strings.h>

#define ASSERTION_LIFETIME_MAX 3600
#define JTI_SIZE_MAX 255

static err_t deny_signature(struct token_grant *g) {
  return token_deny(g, DENY_ASSERTION,
                    "Client assertion failed signature validation: it must be signed with a "
                    "certificate that is registered on the application.");
}

static bool is_thumbprint(const char *text, const struct credential *c) {
  uint8_t digest[SHA256_SIZE];
  size_t n;
  return b64url_decode(bytes_str(text), digest, sizeof digest, &n) == OK && n == SHA256_SIZE &&
         digest_equal(digest, c->digest);
}

/* Clients write it with and without padding. Whoever finds another certificate of this SHA-1 has
 * found none that we know. */
static bool is_old_thumbprint(struct bytes text, const struct credential *c) {
  uint8_t digest[SHA1_SIZE];
  size_t n;
  while (text.size && text.data[text.size - 1] == '=')
    text.size--;
  return b64url_decode(text, digest, sizeof digest, &n) == OK && n == SHA1_SIZE &&
         memcmp(digest, c->name, SHA1_SIZE) == 0; /* not secret */
}

/* x5t#S256 or x5t (RFC 7515, sections 4.1.8 and 4.1.7) names the certificate; without them kid
 * does, as a thumbprint or as the credential's id. */
static bool is_named(const struct credential *c, const json_t *header) {
  char name[64];
  if (c->kind != CREDENTIAL_CERTIFICATE)
    return false;
  if (json_object_get(header, "x5t#S256"))
    return claim_str(header, "x5t#S256", name, sizeof name) && is_thumbprint(name, c);
  if (json_object_get(header, "x5t"))
    return claim_str(header, "x5t", name, sizeof name) && is_old_thumbprint(bytes_str(name), c);
  return claim_str(header, "kid", name, sizeof name) &&
         (is_thumbprint(name, c) || strcasecmp(name, c->id) == 0);
}

static struct app *client_of(const struct identity *id, const char *client_id) {
  struct app *a;
  return app_find(id, client_id, &a) == OK && a->enabled ? a : NULL;
}

/* A share of the key of the certificate that the header names; NULL when there is none. */
static struct key *client_key(struct identity *id, const char *client_id, const json_t *header,
                              struct token_grant *g) {
  int64_t now = clock_now();
  READ_LOCKED(id);
  const struct app *a = client_of(id, client_id);
  if (!a)
    return NULL;
  memcpy(g->app_id, a->app_id, sizeof g->app_id);
  memcpy(g->oid, a->oid, sizeof g->oid);
  for (size_t i = 0; i < a->credential_count; i++) {
    const struct credential *c = &a->credentials[i];
    if (is_named(c, header) && credential_is_valid(c, now))
      return key_ref(c->public_key);
  }
  return NULL;
}

static bool is_one_of_ours(const struct identity *id, const struct token_request *rq,
                           const json_t *audience) {
  if (!json_is_string(audience))
    return false;
  struct bytes text = bytes_of(json_string_value(audience), json_string_length(audience));
  if (bytes_equal_str(text, id->issuer))
    return true;
  for (size_t i = 0; i < rq->token_endpoint_count; i++)
    if (bytes_equal_str(text, rq->token_endpoints[i]))
      return true;
  return false;
}

/* One audience or a list of them (RFC 7519, section 4.1.3). */
static err_t check_audience(const struct identity *id, const struct token_request *rq,
                            const json_t *claims, struct token_grant *g) {
  const json_t *audience = json_object_get(claims, "aud"), *one;
  size_t i;
  if (is_one_of_ours(id, rq, audience))
    return OK;
  json_array_foreach(audience, i, one) if (is_one_of_ours(id, rq, one)) return OK;
  return token_deny(g, DENY_ASSERTION,
                    "Client assertion audience (aud) is not the token endpoint or the issuer.");
}

static err_t check_client(const json_t *claims, const char *client_id, struct token_grant *g) {
  char issuer[64], subject[64];
  if (!claim_str(claims, "iss", issuer, sizeof issuer) ||
      !claim_str(claims, "sub", subject, sizeof subject) || strcasecmp(issuer, client_id) != 0 ||
      strcasecmp(subject, client_id) != 0)
    return token_deny(g, DENY_ASSERTION,
                      "Client assertion issuer (iss) and subject (sub) must be the client_id.");
  return OK;
}

/* False for a time that is there but is none or lies in the future. */
static bool is_past(const json_t *claims, const char *name, int64_t now) {
  int64_t t;
  return !json_object_get(claims, name) || (claim_time(claims, name, &t) && t <= now + CLOCK_SKEW);
}

static err_t check_times(const json_t *claims, int64_t now, int64_t *expires,
                         struct token_grant *g) {
  if (!claim_time(claims, "exp", expires) || *expires <= now ||
      *expires > now + ASSERTION_LIFETIME_MAX + CLOCK_SKEW || !is_past(claims, "nbf", now) ||
      !is_past(claims, "iat", now))
    return token_deny(g, DENY_ASSERTION,
                      "Client assertion is not within its valid time range: exp must be within an "
                      "hour from now, nbf and iat not in the future. Check the client's clock.");
  return OK;
}

/* The application may be gone or disabled since its key was looked up. */
static err_t use_up(struct identity *id, const char *client_id, const json_t *claims,
                    int64_t expires, int64_t now, struct token_grant *g) {
  char jti[JTI_SIZE_MAX + 1];
  bool fresh = false;
  if (!claim_str(claims, "jti", jti, sizeof jti))
    return token_deny(g, DENY_ASSERTION, "Client assertion must have an id (jti).");
  READ_LOCKED(id);
  struct app *a = client_of(id, client_id);
  if (!a)
    return deny_signature(g);
  MUTEX_LOCKED(&id->replay_lock);
  TRY(replay_use(&a->replay, jti, expires, now, &fresh));
  if (!fresh)
    return token_deny(g, DENY_ASSERTION,
                      "Client assertion was used before, or too many are in use: send a new jti.");
  return OK;
}

err_t token_assertion_check(struct identity *id, const struct token_request *rq,
                            const char *client_id, struct bytes assertion, struct token_grant *g) {
  int64_t now = clock_now(), expires = 0;
  AUTO_JWS j = { 0 };
  err_t e = jws_parse(assertion, &j);
  if (e == ERR_UNAUTHORIZED)
    return token_deny(g, DENY_ASSERTION, "Client assertion is not a JWT of RS256, PS256 or ES256.");
  TRY(e);
  AUTO(key) struct key *k = client_key(id, client_id, j.header, g);
  if (!k)
    return deny_signature(g);
  e = jws_verify(&j, k);
  if (e == ERR_UNAUTHORIZED)
    return deny_signature(g);
  TRY(e);
  TRY(check_client(j.claims, client_id, g));
  TRY(check_audience(id, rq, j.claims, g));
  TRY(check_times(j.claims, now, &expires, g));
  return use_up(id, client_id, j.claims, expires, now, g);
}
