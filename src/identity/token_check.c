/* Bearer tokens: which are good, and whose they are. */
#include "identity/internal.h"

#include "base/log.h"

#include <strings.h>

#define TOKEN_ALG "RS256" /* what token_issue() signs with: nothing else is accepted */

static err_t invalid(const char *why) {
  log_debug("token", "refused: %s", why);
  REFUSE(ERR_UNAUTHORIZED, "[TokenInvalid] Error validating token: 'S2S12005'.");
}

/* RFC 6750, section 2.1: the scheme, one blank, the token. */
static err_t bearer(struct bytes authorization, struct bytes *token) {
  static const char scheme[] = "Bearer ";
  size_t n = sizeof scheme - 1;
  if (authorization.size <= n || strncasecmp((const char *)authorization.data, scheme, n) != 0)
    REFUSE(ERR_UNAUTHORIZED, "AKV10000: Request is missing a Bearer or PoP token.");
  *token = bytes_of(authorization.data + n, authorization.size - n);
  return OK;
}

struct claims {
  char issuer[ISSUER_SIZE];
  char tenant[GUID_SIZE + 1];
  int64_t issued, not_before;
  struct token_facts facts;
};

static bool read_claims(const json_t *from, struct claims *c) {
  struct token_facts *f = &c->facts;
  return claim_str(from, "iss", c->issuer, sizeof c->issuer) &&
         claim_str(from, "aud", f->audience, sizeof f->audience) &&
         claim_str(from, "tid", c->tenant, sizeof c->tenant) &&
         claim_str(from, "oid", f->caller.oid, sizeof f->caller.oid) &&
         claim_str(from, "appid", f->caller.app_id, sizeof f->caller.app_id) &&
         claim_time(from, "iat", &c->issued) && claim_time(from, "nbf", &c->not_before) &&
         claim_time(from, "exp", &f->expires);
}

/* Before the signature, so that a token of another authority is told from a bad one of ours. */
static err_t check_issuer(const struct identity *id, const json_t *claims) {
  char issuer[ISSUER_SIZE];
  if (!claim_str(claims, "iss", issuer, sizeof issuer))
    return invalid("no issuer");
  if (strcmp(issuer, id->issuer) != 0)
    REFUSE(ERR_UNAUTHORIZED, "AKV10032: Invalid issuer. Expected one of %s, found %s.", id->issuer,
           issuer);
  return OK;
}

static err_t check_signature(struct identity *id, const struct jws *j, int64_t now) {
  char kid[TOKEN_KID_SIZE + 1], type[8];
  if (strcmp(alg_name(j->alg), TOKEN_ALG) != 0)
    return invalid("an alg that the hub does not sign with");
  if (!claim_str(j->header, "typ", type, sizeof type) || strcmp(type, "JWT") != 0)
    return invalid("not a JWT");
  if (!claim_str(j->header, "kid", kid, sizeof kid))
    return invalid("no kid");
  AUTO(key) struct key *k = token_key_find(id, bytes_str(kid), now);
  if (!k)
    return invalid("an unknown kid");
  err_t e = jws_verify(j, k);
  return e == ERR_UNAUTHORIZED ? invalid("a wrong signature") : e;
}

static err_t check_identity(struct identity *id, const struct claims *c, int64_t now) {
  const struct caller *who = &c->facts.caller;
  if (strcmp(c->tenant, id->tenant) != 0)
    return invalid("another tenant");
  if (c->not_before > now + CLOCK_SKEW || c->issued > now + CLOCK_SKEW)
    return invalid("from the future");
  READ_LOCKED(id);
  const struct app *app = guid_map_get(&id->apps_by_oid, who->oid);
  if (!app || strcmp(app->app_id, who->app_id) != 0 || !app->enabled)
    return invalid("an identity that is unknown or disabled");
  return OK;
}

/* All that stays as it is until the generation changes. */
static err_t validate(struct identity *id, struct bytes token, int64_t now,
                      struct token_facts *out) {
  AUTO_JWS j = { 0 };
  struct claims c;
  if (token.size > JWS_MAX)
    return invalid("too long");
  err_t e = jws_parse(token, &j);
  if (e == ERR_UNAUTHORIZED)
    return invalid("malformed");
  TRY(e);
  TRY(check_issuer(id, j.claims));
  TRY(check_signature(id, &j, now));
  if (!read_claims(j.claims, &c))
    return invalid("a claim is missing or is not what it must be");
  TRY(check_identity(id, &c, now));
  *out = c.facts;
  return OK;
}

static err_t check_audience(const struct token_facts *f, const char *const *audiences,
                            size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(f->audience, audiences[i]) == 0)
      return OK;
  REFUSE(ERR_UNAUTHORIZED, "AKV10022: Invalid audience. Expected %s, found: %s.",
         count ? audiences[0] : "", f->audience);
}

err_t token_check(struct identity *id, struct bytes authorization, const char *const *audiences,
                  size_t audience_count, struct caller *out) {
  struct bytes token;
  uint8_t digest[SHA256_SIZE];
  struct token_facts f;
  int64_t now = clock_now();
  TRY(bearer(authorization, &token));
  TRY(crypto_sha256(token, digest));
  /* Read before anything that it counts is looked at: a change in between makes the entry stale. */
  uint64_t generation = atomic_load_explicit(&id->generation, memory_order_acquire);
  if (!token_cache_find(id->cache, digest, generation, &f)) {
    TRY(validate(id, token, now, &f));
    token_cache_put(id->cache, digest, generation, &f);
  }
  TRY(check_audience(&f, audiences, audience_count));
  if (f.expires <= now)
    REFUSE(ERR_UNAUTHORIZED, "[TokenExpired] Error validating token: 'S2S12086'.");
  *out = f.caller;
  return OK;
}
