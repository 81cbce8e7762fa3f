#include "fixture.h"

#include "base/log.h"

#include <assert.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void must(err_t e, const char *what) {
  if (e == OK)
    return;
  log_err("fixture", e, what);
  abort();
}

static void open_hub(struct fixture *f) {
  struct hub_start start = { .conf = f->conf, .init = true };
  must(hub_open(&start, &f->hub), "opening the hub");
}

void fixture_authorize(struct fixture *f, const char *app_id, struct buf *out) {
  AUTO_SECRET secret = { 0 };
  char secret_id[GUID_SIZE + 1];
  AUTO_BUF form = BUF_EMPTY;
  __attribute__((cleanup(token_grant_free))) struct token_grant grant = { 0 };
  must(identity_add_secret(f->hub->identity, app_id, 0, secret_id, &secret), "adding a secret");
  buf_printf(&form,
             "grant_type=client_credentials&scope=https%%3A%%2F%%2Fvault.azure.net%%2F.default&"
             "client_id=%s&client_secret=",
             app_id);
  buf_put_bytes(&form, secret_bytes(&secret));
  struct token_request rq = { .form = buf_bytes(&form),
                              .audience_ok = audience_issuable,
                              .ctx = &f->hub->api };
  must(token_issue(f->hub->identity, &rq, &grant), "issuing a token");
  buf_put_str(out, "Bearer ");
  buf_put_bytes(out, buf_bytes(&grant.token));
}

void fixture_open(struct fixture *f, const char *const *options) {
  bool locked;
  static bool begun;
  *f = (struct fixture){ .dir = "/tmp/strongroom-test-XXXXXX" };
  if (!begun) {
    must(crypto_init(1 << 22, &locked), "starting crypto");
    mem_install_json();
    log_set_level(LOG_LEVEL_ERROR);
    begun = true;
  }
  if (!mkdtemp(f->dir))
    abort();
  must(conf_new(hub_keys, hub_key_count, &f->conf), "configuring");
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "data = %s\nlisten = 127.0.0.1:0\nloops = 1\nworkers = 1\n", f->dir);
  for (; options && *options; options++)
    buf_printf(&text, "%s\n", *options);
  must(conf_parse(f->conf, buf_bytes(&text), "fixture"), "configuring");
  open_hub(f);
  must(identity_find(f->hub->identity, "owner", f->app_id, f->oid), "finding the owner");
  fixture_authorize(f, f->app_id, &f->authorization);
}

void fixture_reopen(struct fixture *f) {
  hub_free(TAKE(f->hub));
  open_hub(f);
  buf_clear(&f->authorization); /* another port is another issuer */
  fixture_authorize(f, f->app_id, &f->authorization);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *w) {
  return remove(path);
}

void fixture_close(struct fixture *f) {
  hub_free(TAKE(f->hub));
  conf_free(TAKE(f->conf));
  buf_free(&f->authorization);
  nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void answer_free(struct answer *a) {
  buf_free(&a->body);
  buf_free(&a->headers);
  json_decref(a->json);
  *a = (struct answer){ 0 };
}

void fixture_call(struct fixture *f, struct bytes authorization, enum http_method method,
                  const char *target, struct bytes body, struct answer *out) {
  struct http_exchange x = { .req = { .method = method,
                                      .host = bytes_str(f->host ? f->host : "localhost:8443"),
                                      .peer = "127.0.0.1" } };
  struct http_app *app = &f->hub->app;
  x.req.query = bytes_split(bytes_str(target), '?', &x.req.path);
  if (authorization.size)
    x.req.headers[x.req.header_count++] =
      (struct http_header){ bytes_str("Authorization"), authorization };
  if (f->content_type)
    x.req.headers[x.req.header_count++] =
      (struct http_header){ bytes_str("Content-Type"), bytes_str(f->content_type) };
  answer_free(out);
  x.lane = app->head(app->ctx, &x);
  if (x.lane != HTTP_ANSWERED) {
    x.req.body = body;
    if (body.size > x.body_max)
      app->refuse(app->ctx, &x, ERR_TOO_LARGE);
    else
      app->handle(app->ctx, &x);
  }
  if (x.res.hold && audit_wait(f->hub->audit, x.res.hold) != OK)
    app->refuse(app->ctx, &x, ERR_AUDIT);
  app->done(app->ctx, &x);
  out->status = x.res.status;
  out->body = x.res.body;
  out->headers = x.res.headers;
  if (out->body.size && !out->body.failed)
    IGNORE(json_read_answer(buf_bytes(&out->body), &out->json));
}

int fixture_do(struct fixture *f, struct answer *out, enum http_method method, const char *path,
               const char *format, ...) {
  char target[1024], body[65536];
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(body, sizeof body, format, ap);
  va_end(ap);
  snprintf(target, sizeof target, "%s%sapi-version=7.4", path, strchr(path, '?') ? "&" : "?");
  fixture_call(f, buf_bytes(&f->authorization), method, target, bytes_of(body, (size_t)n), out);
  return out->status;
}

const char *answer_str(const struct answer *a, const char *path) {
  struct bytes rest = bytes_str(path), part;
  const json_t *j = a->json;
  char name[64];
  while (rest.data && j) {
    rest = bytes_split(rest, '.', &part);
    if (bytes_to_cstr(part, name, sizeof name) != OK)
      return "";
    j = json_object_get(j, name);
  }
  return json_is_string(j) ? json_string_value(j) : "";
}
