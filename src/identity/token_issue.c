/* The token endpoint: client credentials (RFC 6749, section 4.4) with a client secret or a client
 * assertion (RFC 7521, RFC 7523). */
#include "identity/internal.h"

#include "net/http.h"

#include <stdarg.h>
#include <stdio.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SCOPE_SUFFIX "/.default"
#define SECRET_MAX 1024

static const struct {
  int status;
  const char *error; /* RFC 6749, section 5.2; invalid_resource is Azure's */
  int aadsts;
} denials[] = {
  [DENY_MISSING] = { 400, "invalid_request", 900144 },
  [DENY_MALFORMED] = { 400, "invalid_request", 90100 },
  [DENY_GRANT_TYPE] = { 400, "unsupported_grant_type", 70003 },
  [DENY_SECRET] = { 401, "invalid_client", 7000215 },
  [DENY_ASSERTION] = { 401, "invalid_client", 700027 },
  [DENY_SCOPE] = { 400, "invalid_scope", 70011 },
  [DENY_RESOURCE] = { 400, "invalid_resource", 500011 },
};

err_t token_deny(struct token_grant *g, enum denial why, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(g->description, sizeof g->description, fmt, ap);
  va_end(ap);
  g->status = denials[why].status;
  g->error = denials[why].error;
  g->aadsts = denials[why].aadsts;
  REFUSE(ERR_OAUTH, "AADSTS%d: %s", g->aadsts, g->description);
}

struct form {
  char grant_type[64], client_id[64], assertion_type[80];
  char scope[TOKEN_AUDIENCE_MAX + sizeof SCOPE_SUFFIX];
  struct secret secret; /* the parameter's text, with NUL */
  struct buf assertion; /* likewise */
  bool has_secret, has_assertion;
};
static void form_free(struct form *f) {
  secret_free(&f->secret);
  buf_free(&f->assertion);
}
#define AUTO_FORM __attribute__((cleanup(form_free))) struct form

static err_t read_field(const struct token_request *rq, struct token_grant *g, const char *name,
                        char *out, size_t size, bool *found) {
  out[0] = '\0';
  err_t e = http_form_get(rq->form, name, out, size, found);
  if (e == ERR_BAD_PARAMETER)
    return token_deny(g, DENY_MALFORMED,
                      "The parameter '%s' is malformed, too long or comes twice.", name);
  return e;
}

static err_t read_required(const struct token_request *rq, struct token_grant *g, const char *name,
                           char *out, size_t size) {
  bool found;
  TRY(read_field(rq, g, name, out, size, &found));
  if (!out[0])
    return token_deny(g, DENY_MISSING,
                      "The request body must contain the following parameter: '%s'.", name);
  return OK;
}

static err_t read_credentials(const struct token_request *rq, struct token_grant *g,
                              struct form *f) {
  TRY(secret_new(SECRET_MAX + 1, &f->secret));
  if (!buf_reserve(&f->assertion, JWS_MAX + 1))
    return ERR_NOMEM;
  char *secret = (char *)f->secret.data, *assertion = (char *)f->assertion.data;
  TRY(read_field(rq, g, "client_secret", secret, f->secret.size, &f->has_secret));
  TRY(read_field(rq, g, "client_assertion", assertion, JWS_MAX + 1, &f->has_assertion));
  f->assertion.size = strlen(assertion);
  if (f->has_secret && f->has_assertion)
    return token_deny(g, DENY_MISSING,
                      "The request body must contain one of the parameters 'client_assertion' and "
                      "'client_secret', not both.");
  if (f->has_secret)
    return OK;
  if (!f->has_assertion)
    return token_deny(g, DENY_MISSING,
                      "The request body must contain the following parameter: 'client_assertion' "
                      "or 'client_secret'.");
  TRY(read_required(rq, g, "client_assertion_type", f->assertion_type, sizeof f->assertion_type));
  if (strcmp(f->assertion_type, ASSERTION_TYPE) != 0)
    return token_deny(g, DENY_MALFORMED, "The client_assertion_type must be " ASSERTION_TYPE ".");
  return OK;
}

/* Leaves the resource in scope. */
static err_t read_scope(const struct token_request *rq, struct token_grant *g, struct form *f) {
  TRY(read_required(rq, g, "scope", f->scope, sizeof f->scope));
  size_t n = strlen(f->scope), suffix = strlen(SCOPE_SUFFIX);
  bool valid = n > suffix && strcmp(f->scope + n - suffix, SCOPE_SUFFIX) == 0;
  for (size_t i = 0; i < n; i++)
    valid &= f->scope[i] > ' ' && f->scope[i] < 0x7f;
  if (!valid)
    return token_deny(g, DENY_SCOPE,
                      "The provided value for the input parameter 'scope' is not valid: it must be "
                      "one resource followed by " SCOPE_SUFFIX ".");
  f->scope[n - suffix] = '\0';
  return OK;
}

static err_t read_form(const struct token_request *rq, struct token_grant *g, struct form *f) {
  TRY(read_required(rq, g, "grant_type", f->grant_type, sizeof f->grant_type));
  if (strcmp(f->grant_type, "client_credentials") != 0)
    return token_deny(g, DENY_GRANT_TYPE,
                      "The app requested an unsupported grant type: only client_credentials is "
                      "offered.");
  TRY(read_required(rq, g, "client_id", f->client_id, sizeof f->client_id));
  TRY(read_credentials(rq, g, f));
  return read_scope(rq, g, f);
}

/* Looks at all credentials whether one fits or not; an unknown application has as many. */
static bool secret_fits(const struct app *app, const uint8_t *digest, int64_t now) {
  static const struct app nobody;
  const struct app *a = app ? app : &nobody;
  bool fits = false;
  for (size_t i = 0; i < APP_CREDENTIALS_MAX; i++) {
    const struct credential *c = &a->credentials[i];
    bool same = crypto_equal(bytes_of(c->digest, SHA256_SIZE), bytes_of(digest, SHA256_SIZE));
    bool usable = c->kind == CREDENTIAL_SECRET && credential_is_valid(c, now);
    fits |= same && usable;
  }
  return fits;
}

static err_t check_secret(struct identity *id, const struct form *f, struct token_grant *g) {
  uint8_t digest[SHA256_SIZE];
  char folded[GUID_SIZE + 1];
  TRY(crypto_sha256(bytes_str((const char *)f->secret.data), digest));
  READ_LOCKED(id);
  const struct app *a = guid_fold(f->client_id, folded) ? guid_map_get(&id->apps, folded) : NULL;
  bool fits = secret_fits(a, digest, clock_now());
  if (a) {
    memcpy(g->app_id, a->app_id, sizeof g->app_id);
    memcpy(g->oid, a->oid, sizeof g->oid);
  }
  if (!a || !a->enabled || !fits)
    return token_deny(g, DENY_SECRET, "Invalid client secret provided.");
  return OK;
}

static err_t write_claims(const struct identity *id, const struct token_grant *g,
                          const char *audience, struct buf *json) {
  char jti[GUID_SIZE + 1];
  int64_t now = clock_now();
  TRY(guid_random(jti));
  write_open(json, NULL, '{');
  write_str(json, "aud", audience);
  write_str(json, "iss", id->issuer);
  write_i64(json, "iat", now);
  write_i64(json, "nbf", now);
  write_i64(json, "exp", now + id->lifetime);
  write_str(json, "appid", g->app_id);
  write_str(json, "azp", g->app_id);
  write_str(json, "oid", g->oid);
  write_str(json, "sub", g->oid);
  write_str(json, "tid", id->tenant);
  write_str(json, "idtyp", "app");
  write_str(json, "ver", "2.0");
  write_str(json, "jti", jti);
  write_close(json, '}');
  return buf_ok(json);
}

static err_t mint(struct identity *id, const char *audience, struct token_grant *g) {
  char kid[TOKEN_KID_SIZE + 1];
  AUTO_BUF claims = BUF_EMPTY;
  AUTO(key) struct key *k = token_key_signing(id, kid);
  TRY(write_claims(id, g, audience, &claims));
  TRY(jws_sign(k, "RS256", kid, buf_bytes(&claims), &g->token));
  g->expires_in = id->lifetime;
  return buf_ok(&g->token);
}

err_t token_issue(struct identity *id, const struct token_request *rq, struct token_grant *out) {
  AUTO_FORM f = { 0 };
  *out = (struct token_grant){ 0 };
  TRY(read_form(rq, out, &f));
  if (f.has_secret)
    TRY(check_secret(id, &f, out));
  else
    TRY(token_assertion_check(id, rq, f.client_id, buf_bytes(&f.assertion), out));
  if (!rq->audience_ok(rq->ctx, f.scope))
    return token_deny(out, DENY_RESOURCE,
                      "The resource principal named %.100s was not found in the tenant.", f.scope);
  return mint(id, f.scope, out);
}

void token_grant_free(struct token_grant *g) {
  buf_free(&g->token);
}

void token_set_policy(struct identity *id, const struct token_policy *p) {
  snprintf(id->issuer, sizeof id->issuer, "%s", p->issuer);
  id->lifetime = p->lifetime;
}
