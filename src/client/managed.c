/*
 * Managed identities: a service of this machine, or of its host, knows who we are and gives the
 * token. Two forms of asking are in use: App Service's (IDENTITY_ENDPOINT, with a header as proof
 * that we are on the machine) and that of the instance metadata service (IMDS).
 */
#include "client/managed.h"

#include "base/clock.h"
#include "client/field.h"
#include "client/local_url.h"
#include "net/plain.h"

#define RESOURCE "https%3A%2F%2Fvault.azure.net"
#define IMDS_PATH "/metadata/identity/oauth2/token/"

static err_t ask_plain(const struct local_url *u, const char *target, struct bytes headers,
                       unsigned timeout_ms, struct http_reply *out) {
  uint64_t budget_us = timeout_ms * UINT64_C(1000);
  const struct plain_get rq = { &u->address, u->host, target, headers };
  return answer_none(plain_get(&rq, &budget_us, &out->status, &out->body));
}

static err_t ask_tls(const struct credential_call *c, const struct local_url *u,
                     const struct request *rq, struct http_reply *out, struct answer_hint *hint) {
  AUTO(http_client) struct http_client *http = NULL;
  TRY(http_client_new(u->origin, c->tls, c->timeout_ms, &http));
  return answer_ask(http, rq, out, hint);
}

static err_t ask(const struct credential_call *c, const struct local_url *u, const char *target,
                 const struct buf *headers, struct http_reply *out, struct answer_hint *hint) {
  TRY(buf_ok(headers));
  if (u->tls) {
    const struct request rq = { HTTP_GET, target, buf_bytes(headers), bytes_str("") };
    return ask_tls(c, u, &rq, out, hint);
  }
  TRY(ask_plain(u, target, buf_bytes(headers), c->timeout_ms, out));
  hint->status = out->status;
  return answer_check(out);
}

/* "expires_in" is a number of seconds, "expires_on" a time; App Service says the latter only. */
static err_t take_lifetime(struct bytes body, uint64_t *seconds) {
  bool found = false;
  uint64_t until = 0, now = (uint64_t)clock_real();
  TRY(field_number(body, "expires_in", seconds, &found));
  if (found)
    return OK;
  TRY(field_number(body, "expires_on", &until, &found));
  *seconds = until > now ? until - now : 0;
  if (!found)
    FAIL(ERR_INTERNAL, "the identity service does not say how long its token is good");
  return OK;
}

/* One of several identities that the machine may have. */
static void put_client_id(const struct settings *s, struct buf *target) {
  if (!s->text[SET_CLIENT_ID])
    return;
  buf_put_str(target, "&client_id=");
  client_put_escaped(target, bytes_str(s->text[SET_CLIENT_ID]));
}

static err_t get(const struct credential_call *c, const struct local_url *u, struct buf *target,
                 const struct buf *headers, struct token *out, struct answer_hint *hint) {
  AUTO_HTTP_REPLY reply = { 0 };
  put_client_id(c->settings, target);
  const char *text = buf_cstr(target);
  if (!text)
    return ERR_NOMEM;
  TRY(ask(c, u, text, headers, &reply, hint));
  TRY(take_lifetime(buf_bytes(&reply.body), &out->lifetime_s));
  return field_secret(buf_bytes(&reply.body), "access_token", &out->text);
}

bool managed_endpoint_is_set(const struct settings *s) {
  return s->text[SET_IDENTITY_ENDPOINT] && s->identity_header.size;
}

static err_t check_header(struct bytes value) {
  for (size_t i = 0; i < value.size; i++)
    if (value.data[i] < ' ' || value.data[i] == 0x7f)
      FAIL(ERR_CONFIG, "IDENTITY_HEADER holds a control character");
  return OK;
}

err_t managed_endpoint_get(const struct credential_call *c, struct token *out,
                           struct answer_hint *hint) {
  AUTO_BUF target = BUF_EMPTY, headers = BUF_EMPTY;
  struct local_url u;
  TRY(local_url_parse("IDENTITY_ENDPOINT", c->settings->text[SET_IDENTITY_ENDPOINT], &u));
  TRY(check_header(secret_bytes(&c->settings->identity_header)));
  buf_printf(&target, "%s%capi-version=2019-08-01&resource=%s", u.path,
             strchr(u.path, '?') ? '&' : '?', RESOURCE);
  buf_put_str(&headers, "X-IDENTITY-HEADER: ");
  buf_put_bytes(&headers, secret_bytes(&c->settings->identity_header));
  buf_put_str(&headers, "\r\n");
  return get(c, &u, &target, &headers, out, hint);
}

bool managed_imds_is_set(const struct settings *s) {
  return s->text[SET_IMDS_HOST];
}

err_t managed_imds_get(const struct credential_call *c, struct token *out,
                       struct answer_hint *hint) {
  AUTO_BUF target = BUF_EMPTY, headers = BUF_EMPTY;
  struct local_url u;
  TRY(local_url_parse("AZURE_POD_IDENTITY_AUTHORITY_HOST", c->settings->text[SET_IMDS_HOST], &u));
  size_t n = strlen(u.path);
  u.path[n - (u.path[n - 1] == '/')] = '\0';
  buf_printf(&target, "%s" IMDS_PATH "?api-version=2018-02-01&resource=%s", u.path, RESOURCE);
  buf_put_str(&headers, "Metadata: true\r\n");
  return get(c, &u, &target, &headers, out, hint);
}
