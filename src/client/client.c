#include "client/internal.h"

#include "base/file.h"
#include "client/wrap_alg.h"

#include <stdarg.h>

#define CA_MAX (1024u * 1024)

/* A request may take long: an RSA-4096 key may take many seconds to find. */
const struct client_patience PATIENCE_PERSON = { 4, 10000, 60000 };
const struct client_patience PATIENCE_SERVICE = { 12, 30000, 15000 };

static err_t trust(struct client *c) {
  AUTO_BUF ca = BUF_EMPTY;
  if (c->settings.text[SET_CA])
    TRY(file_read(c->settings.text[SET_CA], CA_MAX, &ca));
  return tls_client(buf_bytes(&ca), &c->tls);
}

/* Whether two addresses differ at most in a slash at the end. */
static bool same_place(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  n -= n && a[n - 1] == '/';
  m -= m && b[m - 1] == '/';
  return n == m && memcmp(a, b, n) == 0;
}

static err_t set_up(struct client *c) {
  const char *vault = c->settings.text[SET_URL], *authority = c->settings.text[SET_AUTHORITY];
  if (!vault)
    FAIL(ERR_CONFIG, "KEY_VAULT_URL is not set: run '. DIR/env' first, or give --data DIR");
  TRY(trust(c));
  TRY(pool_new(vault, c->tls, &c->vault));
  if (!authority || same_place(vault, authority))
    c->authority = c->vault;
  else
    TRY(pool_new(authority, c->tls, &c->authority));
  TRY(wrap_algs_new(&c->algs));
  return token_keeper_new(&c->settings, c->authority, c->tls, &c->token);
}

const char *client_url(const struct client *c) {
  return c->settings.text[SET_URL];
}

const char *client_setting(const struct client *c, enum setting which) {
  return c->settings.text[which];
}

err_t client_new_with(struct settings *s, struct client **out) {
  AUTO(client) struct client *c = mem_zalloc(sizeof *c);
  if (!c) {
    settings_free(s);
    return ERR_NOMEM;
  }
  c->settings = *s;
  *s = (struct settings){ 0 };
  c->patience = PATIENCE_SERVICE;
  TRY(set_up(c));
  *out = TAKE(c);
  return OK;
}

err_t client_new(const char *data_dir, struct client **out) {
  AUTO_SETTINGS s = { 0 };
  TRY(settings_read(data_dir, &s));
  TRY(client_new_with(&s, out));
  client_set_patience(*out, &PATIENCE_PERSON);
  return OK;
}

void client_set_patience(struct client *c, const struct client_patience *p) {
  c->patience = *p;
}

err_t client_get_token(struct client *c, struct secret *out) {
  return token_copy(c->token, &c->patience, out);
}

void client_free(struct client *c) {
  if (c->token)
    token_keeper_free(c->token);
  if (c->algs)
    wrap_algs_free(c->algs);
  if (c->authority && c->authority != c->vault)
    pool_free(c->authority);
  if (c->vault)
    pool_free(c->vault);
  tls_free(c->tls);
  settings_free(&c->settings);
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
