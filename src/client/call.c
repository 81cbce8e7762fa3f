/* Calls: a connection, a token, and as many attempts as it takes. */
#include "client/internal.h"

#include "client/retry.h"

#define API_VERSION "2025-07-01"

struct call {
  struct client *client;
  struct request request;
  const struct client_patience *patience;
  bool open, repeatable;
};

/* The hub is where its token service is; the vault may be another of its vaults. */
static struct pool *server_of(const struct call *k) {
  bool hub = strncmp(k->request.target, "/hub/", 5) == 0;
  return hub ? k->client->authority : k->client->vault;
}

static err_t attempt(const struct call *k, unsigned timeout_ms, struct http_reply *out,
                     struct answer_hint *hint) {
  struct pool *server = server_of(k);
  struct http_client *http = NULL;
  TRY(pool_take(server, &http));
  http_client_set_timeout(http, timeout_ms);
  err_t e = answer_ask(http, &k->request, out, hint);
  pool_give(server, http);
  return e;
}

static bool may_repeat(const struct call *k, err_t e, const struct answer_hint *hint) {
  return hint->status == 429 || (k->repeatable && (e == ERR_AWAY || e == ERR_BUSY));
}

static err_t attempts(const struct call *k, struct http_reply *out) {
  struct retry r;
  retry_begin(&r, k->patience);
  for (;;) {
    struct answer_hint hint = { 0 };
    err_t e = attempt(k, retry_timeout_ms(&r), out, &hint);
    if (e == OK || !may_repeat(k, e, &hint) || !retry_again(&r, hint.retry_after))
      return e;
  }
}

static err_t with_token(struct call *k, struct http_reply *out, struct token_use *use) {
  AUTO_BUF headers = BUF_EMPTY;
  buf_put_bytes(&headers, k->request.headers);
  if (!k->open)
    TRY(token_put(k->client->token, k->patience, &headers, use));
  TRY(buf_ok(&headers));
  struct call full = *k;
  full.request.headers = buf_bytes(&headers);
  return attempts(&full, out);
}

/* A token that the hub does not take (any more) is replaced once. */
static err_t carry_out(struct call *k, struct http_reply *out) {
  struct token_use use = { 0 };
  if (k->request.body.size)
    k->request.headers = bytes_str("Content-Type: application/json\r\n");
  err_t e = with_token(k, out, &use);
  if (e != ERR_UNAUTHORIZED || k->open || use.number == 0)
    return e;
  token_reject(k->client->token, &use);
  return use.fresh ? e : with_token(k, out, &use);
}

static err_t ask_at(struct client *c, const struct client_request *rq, struct buf *target,
                    struct http_reply *out) {
  if (!buf_cstr(target))
    return ERR_NOMEM;
  if (rq->body)
    TRY(buf_ok(rq->body));
  struct call k = {
    .client = c,
    .request = { .method = rq->method,
                 .target = (const char *)target->data,
                 .body = rq->body ? buf_bytes(rq->body) : bytes_str("") },
    .patience = rq->patience ? rq->patience : &c->patience,
    .open = rq->open,
    .repeatable = rq->repeatable,
  };
  return carry_out(&k, out);
}

err_t client_ask(struct client *c, const struct client_request *rq, struct http_reply *out) {
  AUTO_BUF target = BUF_EMPTY;
  TRY(buf_ok(rq->path));
  buf_put_bytes(&target, buf_bytes(rq->path));
  buf_put_char(&target, memchr(rq->path->data, '?', rq->path->size) ? '&' : '?');
  buf_put_str(&target, "api-version=" API_VERSION);
  return ask_at(c, rq, &target, out);
}

static err_t ask_json(struct client *c, const struct client_request *rq,
                      struct client_answer *out) {
  AUTO_HTTP_REPLY reply = { 0 };
  TRY(client_ask(c, rq, &reply));
  return answer_parse(&reply, out);
}

err_t client_call(struct client *c, enum http_method method, const struct buf *path,
                  const struct buf *body, struct client_answer *out) {
  return ask_json(
    c,
    &(struct client_request){
      .method = method, .path = path, .body = body, .repeatable = method == HTTP_GET },
    out);
}

/* What needs no token is asked by who wants to know how things are, now. */
err_t client_call_open(struct client *c, enum http_method method, const struct buf *path,
                       const struct buf *body, struct client_answer *out) {
  return ask_json(
    c, &(struct client_request){ .method = method, .path = path, .body = body, .open = true }, out);
}

err_t client_download_with(struct client *c, const struct client_patience *p, const char *path,
                           struct buf *out) {
  AUTO_HTTP_REPLY reply = { 0 };
  struct call k = { .client = c,
                    .request = { .method = HTTP_GET, .target = path, .body = bytes_str("") },
                    .patience = p,
                    .open = true,
                    .repeatable = true };
  TRY(carry_out(&k, &reply));
  buf_put_bytes(out, buf_bytes(&reply.body));
  return buf_ok(out);
}

err_t client_download(struct client *c, const char *path, struct buf *out) {
  return client_download_with(c, &c->patience, path, out);
}

/* --- lists --- */

static err_t each_item(json_t *page, client_each *each, void *ctx) {
  json_t *items = NULL, *item;
  size_t i;
  TRY(json_get_array(page, "value", &items));
  json_array_foreach(items, i, item) {
    TRY(each(ctx, item));
  }
  return OK;
}

/* The path and query of the page that follows; nothing after the last. The link's host is passed
 * over: a token goes only where the settings say. */
static err_t next_page(json_t *page, struct buf *target) {
  struct bytes link = { 0 };
  buf_clear(target);
  TRY(json_get_str(page, "nextLink", &link, NULL));
  if (link.size == 0)
    return OK;
  const char *host = strstr((const char *)link.data, "://");
  const char *path = host ? strchr(host + 3, '/') : NULL;
  if (!path)
    FAIL(ERR_INTERNAL, "the list's nextLink is not an address");
  buf_put_str(target, path);
  return buf_ok(target);
}

err_t client_list(struct client *c, const struct buf *path, client_each *each, void *ctx) {
  const struct client_request rq = { .method = HTTP_GET, .path = path, .repeatable = true };
  AUTO_ANSWER page = { 0 };
  AUTO_BUF target = BUF_EMPTY;
  TRY(ask_json(c, &rq, &page));
  for (;;) {
    AUTO_HTTP_REPLY reply = { 0 };
    if (!page.body)
      FAIL(ERR_INTERNAL, "the list came without a body");
    TRY(each_item(page.body, each, ctx));
    TRY(next_page(page.body, &target));
    if (target.size == 0)
      return OK;
    TRY(ask_at(c, &rq, &target, &reply));
    client_answer_free(&page);
    TRY(answer_parse(&reply, &page));
  }
}
