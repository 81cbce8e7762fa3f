/* The token service's endpoints: OpenID configuration, signing keys, tokens. Its paths are those
 * that Azure's clients expect. */
#include "base/write.h"
#include "vault/api/api.h"

#include <stdio.h>
#include <strings.h>

/* "adfs" is an alias of the tenant: clients that see it skip their instance discovery on the public
 * Internet. */
static err_t check_tenant(const struct call *c) {
  if (strcasecmp(c->id, identity_tenant(c->api->identity)) == 0 || strcmp(c->id, "adfs") == 0)
    return OK;
  REFUSE(ERR_NOT_FOUND, "AADSTS90002: Tenant '%.64s' not found. This hub's tenant is %s.", c->id,
         identity_tenant(c->api->identity));
}

static void write_url(struct call *c, const char *key, const char *path) {
  struct buf *b = call_body(c);
  write_open(b, key, '"');
  buf_put_str(b, "https://");
  buf_put_bytes(b, call_host(c));
  buf_printf(b, "/%s/%s\"", identity_tenant(c->api->identity), path);
}

static void write_strings(struct buf *b, const char *key, const char *const *list) {
  write_open(b, key, '[');
  for (; *list; list++)
    write_str(b, NULL, *list);
  write_close(b, ']');
}

err_t oidc_get(struct call *c) {
  TRY(check_tenant(c));
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "issuer", c->api->issuer);
  write_url(c, "authorization_endpoint", "oauth2/v2.0/authorize");
  write_url(c, "token_endpoint", "oauth2/v2.0/token");
  write_url(c, "device_authorization_endpoint", "oauth2/v2.0/devicecode");
  write_url(c, "jwks_uri", "discovery/v2.0/keys");
  write_strings(b, "response_types_supported", (const char *const[]){ "token", NULL });
  write_strings(b, "grant_types_supported", (const char *const[]){ "client_credentials", NULL });
  write_strings(b, "subject_types_supported", (const char *const[]){ "pairwise", NULL });
  write_strings(b, "id_token_signing_alg_values_supported", (const char *const[]){ "RS256", NULL });
  write_strings(b, "token_endpoint_auth_methods_supported",
                (const char *const[]){ "client_secret_post", "private_key_jwt", NULL });
  write_close(b, '}');
  return OK;
}

/* Where clients of the tenant "adfs" look. */
err_t adfs_get(struct call *c) {
  return oidc_get(c);
}

err_t jwks_get(struct call *c) {
  TRY(check_tenant(c));
  return token_write_jwks(c->api->identity, call_body(c));
}

/* What clients with instance discovery ask: the hub is its own, only cloud. */
err_t discovery_get(struct call *c) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_url(c, "tenant_discovery_endpoint", "v2.0/.well-known/openid-configuration");
  write_str(b, "api-version", "1.1");
  write_open(b, "metadata", '[');
  write_close(b, ']');
  write_close(b, '}');
  return OK;
}

static void write_oauth_error(struct call *c, const struct token_grant *g) {
  struct buf *b = call_body(c);
  char text[sizeof g->description + 32];
  snprintf(text, sizeof text, "AADSTS%d: %s", g->aadsts, g->description);
  write_open(b, NULL, '{');
  write_str(b, "error", g->error);
  write_str(b, "error_description", text);
  write_open(b, "error_codes", '[');
  write_i64(b, NULL, g->aadsts);
  write_close(b, ']');
  write_str(b, "correlation_id", c->request_id);
  write_str(b, "trace_id", c->request_id);
  write_close(b, '}');
  c->x->res.status = g->status;
  c->code = g->error;
}

err_t token_post(struct call *c) {
  TRY(check_tenant(c));
  char endpoints[2][512], host[300];
  __attribute__((cleanup(token_grant_free))) struct token_grant g = { 0 };
  TRY(bytes_to_cstr(call_host(c), host, sizeof host));
  snprintf(endpoints[0], sizeof endpoints[0], "https://%s/%s/oauth2/v2.0/token", host,
           identity_tenant(c->api->identity));
  snprintf(endpoints[1], sizeof endpoints[1], "https://%s/adfs/oauth2/v2.0/token", host);
  const char *const list[] = { endpoints[0], endpoints[1] };
  struct token_request rq = { .form = c->x->req.body,
                              .token_endpoints = list,
                              .token_endpoint_count = 2,
                              .audience_ok = audience_issuable,
                              .ctx = c->api };
  err_t e = token_issue(c->api->identity, &rq, &g);
  memcpy(c->who.app_id, g.app_id, sizeof g.app_id);
  memcpy(c->who.oid, g.oid, sizeof g.oid);
  if (e == ERR_OAUTH) {
    write_oauth_error(c, &g);
    return OK;
  }
  TRY(e);
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "token_type", "Bearer");
  write_i64(b, "expires_in", g.expires_in);
  write_i64(b, "ext_expires_in", g.expires_in);
  write_text(b, "access_token", buf_bytes(&g.token));
  write_close(b, '}');
  return OK;
}
