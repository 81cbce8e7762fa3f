/* ACME over HTTP: signed requests, problem documents, nonces and links (RFC 8555, 6). */
#include "base/log.h"
#include "base/write.h"
#include "vault/api/api.h"

#include <stdio.h>

bool acme_is_route(const struct route *r) {
  return r && strncmp(r->path, "acme/", 5) == 0;
}

static const char *type_of(int status) {
  switch (status) {
  case 403:
    return "unauthorized";
  case 429:
    return "rateLimited";
  default:
    return status >= 500 ? "serverInternal" : "malformed";
  }
}

static void put_header(struct call *c, const char *name, const char *value) {
  http_response_header(&c->x->res, name, bytes_str(value));
}

void acme_put_problem(struct call *c, err_t e, const char *type, struct bytes more) {
  const struct err_info *info = err_info(e);
  struct buf *b = call_body(c);
  char urn[80];
  snprintf(urn, sizeof urn, "urn:ietf:params:acme:error:%s", type ? type : type_of(info->status));
  buf_clear(b);
  write_open(b, NULL, '{');
  write_str(b, "type", urn);
  write_str(b, "detail", err_text(e));
  write_i64(b, "status", info->status);
  buf_put_bytes(b, more);
  write_close(b, '}');
  c->x->res.status = info->status;
  c->content_type = "application/problem+json";
  c->code = type ? type : type_of(info->status);
}

static void put_number(struct call *c, const char *name, unsigned number) {
  char text[16];
  snprintf(text, sizeof text, "%u", number);
  put_header(c, name, text);
}

/* Whatever becomes of a request, its answer has these. */
static err_t put_common(struct call *c, bool with_nonce) {
  char link[400], nonce[ACME_NONCE_MAX];
  if (!acme_enabled(c->api->acme))
    REFUSE(ERR_NOT_FOUND, "ACME is not served here. The hub serves it with --acme-enabled.");
  snprintf(link, sizeof link, "<https://" BYTES_FMT "/acme/directory>;rel=\"index\"",
           BYTES_ARG(call_host(c)));
  put_header(c, "Link", link);
  if (!with_nonce)
    return OK;
  TRY(acme_nonce(c->api->acme, nonce));
  put_header(c, "Replay-Nonce", nonce);
  return OK;
}

static void begin(struct call *c, struct acme_request *r) {
  const struct http_request *rq = &c->x->req;
  *r = (struct acme_request){ .acme = c->api->acme, .host = rq->host, .body = call_body(c) };
  snprintf(r->url, sizeof r->url, "https://" BYTES_FMT BYTES_FMT "%s" BYTES_FMT,
           BYTES_ARG(rq->host), BYTES_ARG(rq->path), rq->query.size ? "?" : "",
           BYTES_ARG(rq->query));
}

/* The answer as the request left it: a resource or a problem. */
static err_t conclude(struct call *c, struct acme_request *r, err_t e) {
  char app_id[GUID_SIZE + 1];
  if (r->oid[0] && identity_find(c->api->identity, r->oid, app_id, c->who.oid) == OK)
    memcpy(c->who.app_id, app_id, sizeof c->who.app_id);
  if (r->object[0])
    call_object(c, "%s", r->object);
  if (r->location[0] && (e == OK || e == ERR_CONFLICT))
    put_header(c, "Location", r->location);
  if (r->retry_after)
    put_number(c, "Retry-After", r->retry_after);
  if (r->up[0]) {
    char link[400];
    snprintf(link, sizeof link, "<%s>;rel=\"up\"", r->up);
    put_header(c, "Link", link);
  }
  if (e == OK) {
    c->content_type = r->content_type;
    c->x->res.status = r->status;
    return OK;
  }
  if (err_info(e)->status >= 500)
    log_err("acme", e, c->route->operation);
  acme_put_problem(c, e, r->problem, buf_bytes(&r->more));
  return OK;
}

static err_t check_content_type(const struct call *c) {
  struct bytes type;
  bytes_split(http_header(&c->x->req, "Content-Type"), ';', &type);
  if (!bytes_equal_nocase(bytes_trim(type), "application/jose+json"))
    REFUSE(ERR_MEDIA_TYPE, "The Content-Type must be application/jose+json.");
  return OK;
}

typedef err_t operation(struct acme_request *r, const char *id);

static err_t post(struct call *c, unsigned signers, operation *carry_out) {
  AUTO_ACME_REQUEST r = { 0 };
  TRY(put_common(c, true));
  begin(c, &r);
  err_t e = check_content_type(c);
  if (e == OK)
    e = acme_admit(&r, c->x->req.body, signers);
  if (e == OK)
    e = carry_out(&r, c->id);
  return conclude(c, &r, e);
}

err_t acme_directory_get(struct call *c) {
  AUTO_ACME_REQUEST r = { 0 };
  TRY(put_common(c, false));
  begin(c, &r);
  return conclude(c, &r, acme_directory(&r));
}

err_t acme_nonce_get(struct call *c) {
  TRY(put_common(c, true));
  put_header(c, "Cache-Control", "no-store");
  c->x->res.status = c->x->req.method == HTTP_HEAD ? 200 : 204;
  return OK;
}

err_t acme_renewal_get(struct call *c) {
  AUTO_ACME_REQUEST r = { 0 };
  TRY(put_common(c, false));
  begin(c, &r);
  return conclude(c, &r, acme_renewal_info(&r, c->id));
}

static err_t new_account(struct acme_request *r, const char *id) {
  return acme_new_account(r);
}
static err_t new_order(struct acme_request *r, const char *id) {
  return acme_new_order(r);
}
static err_t key_change(struct acme_request *r, const char *id) {
  return acme_key_change(r);
}
static err_t revoke(struct acme_request *r, const char *id) {
  return acme_revoke(r);
}

#define POST(name, signers, carry_out) \
  err_t name(struct call *c) { \
    return post(c, signers, carry_out); \
  }
POST(acme_new_account_post, ACME_BY_KEY, new_account)
POST(acme_account_post, ACME_BY_ACCOUNT, acme_account)
POST(acme_orders_post, ACME_BY_ACCOUNT, acme_orders)
POST(acme_key_change_post, ACME_BY_ACCOUNT, key_change)
POST(acme_new_order_post, ACME_BY_ACCOUNT, new_order)
POST(acme_order_post, ACME_BY_ACCOUNT, acme_order)
POST(acme_finalize_post, ACME_BY_ACCOUNT, acme_finalize)
POST(acme_authz_post, ACME_BY_ACCOUNT, acme_authz)
POST(acme_challenge_post, ACME_BY_ACCOUNT, acme_challenge)
POST(acme_cert_post, ACME_BY_ACCOUNT, acme_certificate)
POST(acme_revoke_post, ACME_BY_ACCOUNT | ACME_BY_KEY, revoke)
