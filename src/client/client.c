#include "client/client.h"

#include "base/clock.h"
#include "base/file.h"
#include "client/answer.h"
#include "client/token.h"

#include <stdarg.h>

#define API_VERSION "2025-07-01"
#define CA_MAX (1024u * 1024)
#define TIMEOUT_MS 60000 /* an RSA-4096 key may take many seconds to find */

struct client {
  struct settings settings;
  struct tls *tls;
  struct http_client *vault, *authority; /* the same one when they are at one address */
  struct token token;
};

static err_t trust(struct client *c) {
  AUTO_BUF ca = BUF_EMPTY;
  if (c->settings.text[SET_CA])
    TRY(file_read(c->settings.text[SET_CA], CA_MAX, &ca));
  return tls_client(buf_bytes(&ca), &c->tls);
}

static err_t dial(struct client *c, const char *url, struct http_client **out) {
  err_t e = http_client_new(url, c->tls, TIMEOUT_MS, out);
  if (e != OK && e != ERR_NOMEM)
    FAIL(ERR_CONFIG, "the address must be https://host[:port], not '%s'", url);
  return e;
}

/* Whether two addresses differ at most in a slash at the end. */
static bool same_place(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  n -= n && a[n - 1] == '/';
  m -= m && b[m - 1] == '/';
  return n == m && memcmp(a, b, n) == 0;
}

err_t client_new(const char *data_dir, struct client **out) {
  AUTO(client) struct client *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  TRY(settings_read(data_dir, &c->settings));
  TRY(trust(c));
  const char *vault = c->settings.text[SET_URL], *authority = c->settings.text[SET_AUTHORITY];
  TRY(dial(c, vault, &c->vault));
  if (!authority || same_place(vault, authority))
    c->authority = c->vault;
  else
    TRY(dial(c, authority, &c->authority));
  *out = TAKE(c);
  return OK;
}

void client_free(struct client *c) {
  if (c->authority != c->vault)
    http_client_free(c->authority);
  if (c->vault)
    http_client_free(c->vault);
  if (c->tls)
    tls_free(c->tls);
  settings_free(&c->settings);
  secret_free(&c->token.text);
  mem_free(c);
}

void client_put_escaped(struct buf *b, struct bytes text) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (size_t i = 0; i < text.size; i++)
    if (memchr(plain, text.data[i], sizeof plain - 1))
      buf_put_char(b, (char)text.data[i]);
    else
      buf_printf(b, "%%%02X", text.data[i]);
}

struct buf client_path(const char *first, ...) {
  struct buf path = BUF_EMPTY;
  va_list ap;
  va_start(ap, first);
  for (const char *s = first; s; s = va_arg(ap, const char *)) {
    buf_put_char(&path, '/');
    client_put_escaped(&path, bytes_str(s));
  }
  va_end(ap);
  return path;
}

/* The hub is where its token service is; the vault may be another of its vaults. */
static struct http_client *server_of(const struct client *c, const char *target) {
  return strncmp(target, "/hub/", 5) == 0 ? c->authority : c->vault;
}

static err_t fetch(struct client *c, enum http_method method, const char *target, struct bytes body,
                   struct client_answer *out) {
  AUTO_BUF headers = BUF_EMPTY;
  if (body.size)
    buf_put_str(&headers, "Content-Type: application/json\r\n");
  if (c->token.text.size) {
    buf_put_str(&headers, "Authorization: Bearer ");
    buf_put_bytes(&headers, secret_bytes(&c->token.text));
    buf_put_str(&headers, "\r\n");
  }
  TRY(buf_ok(&headers));
  return answer_fetch(server_of(c, target), method, target, buf_bytes(&headers), body, out);
}

/* With a token that is good; one that the hub does not take (any more) is replaced once. */
static err_t fetch_with_token(struct client *c, enum http_method method, const char *target,
                              struct bytes body, struct client_answer *out) {
  bool fresh = !c->token.text.size || clock_now() >= c->token.renew_at;
  if (fresh)
    TRY(token_get(&c->settings, c->authority, &c->token));
  err_t e = fetch(c, method, target, body, out);
  if (e != ERR_UNAUTHORIZED || fresh)
    return e;
  TRY(token_get(&c->settings, c->authority, &c->token));
  return fetch(c, method, target, body, out);
}

typedef err_t fetch_fn(struct client *c, enum http_method method, const char *target,
                       struct bytes body, struct client_answer *out);

static err_t call(struct client *c, fetch_fn *how, enum http_method method, const struct buf *path,
                  const struct buf *body, struct client_answer *out) {
  AUTO_BUF target = BUF_EMPTY;
  TRY(buf_ok(path));
  if (body)
    TRY(buf_ok(body));
  buf_put_bytes(&target, buf_bytes(path));
  buf_put_char(&target, memchr(path->data, '?', path->size) ? '&' : '?');
  buf_put_str(&target, "api-version=" API_VERSION);
  if (!buf_cstr(&target))
    return ERR_NOMEM;
  return how(c, method, (const char *)target.data, body ? buf_bytes(body) : bytes_str(""), out);
}

err_t client_call(struct client *c, enum http_method method, const struct buf *path,
                  const struct buf *body, struct client_answer *out) {
  return call(c, fetch_with_token, method, path, body, out);
}

err_t client_call_open(struct client *c, enum http_method method, const struct buf *path,
                       const struct buf *body, struct client_answer *out) {
  return call(c, fetch, method, path, body, out);
}

err_t client_download(struct client *c, const char *path, struct buf *out) {
  return answer_download(c->vault, path, out);
}

static err_t each_item(json_t *page, client_each *each, void *ctx) {
  json_t *items = NULL, *item;
  size_t i;
  TRY(json_get_array(page, "value", &items));
  json_array_foreach(items, i, item) {
    TRY(each(ctx, item));
  }
  return OK;
}

/* The path and query of the page that follows; NULL after the last. The link's host is passed over:
 * a token goes only where the settings say. */
static err_t next_page(json_t *page, const char **target) {
  struct bytes link = { 0 };
  TRY(json_get_str(page, "nextLink", &link, NULL));
  const char *host = link.size ? strstr((const char *)link.data, "://") : NULL;
  *target = host ? strchr(host + 3, '/') : NULL;
  if (link.size && !*target)
    FAIL(ERR_INTERNAL, "the list's nextLink is not an address");
  return OK;
}

err_t client_list(struct client *c, const struct buf *path, client_each *each, void *ctx) {
  AUTO_ANSWER page = { 0 };
  TRY(client_call(c, HTTP_GET, path, NULL, &page));
  for (;;) {
    const char *target = NULL;
    if (!page.body)
      FAIL(ERR_INTERNAL, "the list came without a body");
    TRY(each_item(page.body, each, ctx));
    TRY(next_page(page.body, &target));
    if (!target)
      return OK;
    AUTO_ANSWER next = { 0 };
    TRY(fetch_with_token(c, HTTP_GET, target, bytes_str(""), &next));
    client_answer_free(&page);
    page = next;
    next = (struct client_answer){ 0 };
  }
}
