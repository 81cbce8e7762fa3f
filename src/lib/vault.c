/* The handle: a client, what it does as a service, and the data keys that came of it. */
#include "client/client.h"

#include "lib/options.h"

#include <limits.h>
#include <unistd.h>

err_t vault_check(const struct sr_vault *vault) {
  NEED(vault);
  if (vault->magic != VAULT_MAGIC)
    FAIL(ERR_USAGE, "this is no struct sr_vault, or one that was closed");
  if (vault->process != getpid())
    FAIL(ERR_USAGE, "the vault was connected by another process: after fork() connect anew");
  return OK;
}

void sr_close(struct sr_vault *vault) {
  if (!vault || vault_check(vault) != OK) {
    err_reset();
    return;
  }
  vault->magic = 0;
  if (vault->keys)
    key_cache_free(vault->keys);
  if (vault->client)
    client_free(vault->client);
  mem_free(vault);
}
CLEANUP(sr_vault, struct sr_vault *, sr_close)

/* The client's service, with the handle looked at: recipients and identities keep a copy of it,
 * also over a fork. */
static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  const struct sr_vault *v = ctx;
  TRY(vault_check(v));
  return v->asked.wrap(v->asked.ctx, key, plain, out);
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  const struct sr_vault *v = ctx;
  TRY(vault_check(v));
  return v->asked.unwrap(v->asked.ctx, w, out);
}

static err_t wrap_again(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  const struct sr_vault *v = ctx;
  TRY(vault_check(v));
  return v->asked.wrap_again(v->asked.ctx, key, plain, out);
}

static err_t unwrap_again(void *ctx, const struct wrapped *w, struct secret *out) {
  const struct sr_vault *v = ctx;
  TRY(vault_check(v));
  return v->asked.unwrap_again(v->asked.ctx, w, out);
}

static void set_service(struct sr_vault *v) {
  v->asked = client_key_service(v->client);
  v->service = (struct key_service){ .ctx = v,
                                     .wrap = wrap,
                                     .unwrap = unwrap,
                                     .wrap_again = wrap_again,
                                     .unwrap_again = unwrap_again,
                                     .url = v->asked.url };
}

/* As many attempts as there is time for. */
static struct client_patience patience_of(const struct sr_options *o) {
  return (struct client_patience){
    .attempts = UINT_MAX,
    .budget_ms = options_number(o, SR_RETRY_MS, PATIENCE_SERVICE.budget_ms),
    .timeout_ms = options_number(o, SR_TIMEOUT_MS, PATIENCE_SERVICE.timeout_ms),
  };
}

static err_t connect_with(const struct sr_options *o, struct sr_vault **out) {
  AUTO_SETTINGS settings = { 0 };
  AUTO(sr_vault) struct sr_vault *v = mem_zalloc(sizeof *v);
  if (!v)
    return ERR_NOMEM;
  v->magic = VAULT_MAGIC;
  v->process = getpid();
  TRY(options_settings(o, &settings));
  TRY(client_new_with(&settings, &v->client));
  const struct client_patience patience = patience_of(o);
  client_set_patience(v->client, &patience);
  set_service(v);
  const struct key_cache_options keys = { .lifetime_s =
                                            options_number(o, SR_DATA_KEY_LIFETIME_S, 0),
                                          .max = options_number(o, SR_DATA_KEYS, 0) };
  TRY(key_cache_new(&v->service, &keys, &v->keys));
  *out = TAKE(v);
  return OK;
}

CLEANUP(options, struct sr_options *, sr_options_free)

static err_t connect(const struct sr_options *given, struct sr_vault **out) {
  AUTO(options) struct sr_options *own = NULL;
  NEED(out);
  if (!given) {
    TRY(options_new(&own));
    TRY(options_environment(own));
    given = own;
  }
  return connect_with(given, out);
}

enum sr_status sr_connect(const struct sr_options *options, struct sr_vault **out,
                          struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(connect(options, out), error);
}

int sr_memory_locked(void) {
  bool locked = false;
  IGNORE(crypto_attach(&locked));
  return locked;
}

static err_t get_token(struct sr_vault *v, struct sr_bytes *token) {
  AUTO_SECRET text = { 0 };
  TRY(vault_check(v));
  NEED(token);
  TRY(client_get_token(v->client, &text));
  return put_secret(secret_bytes(&text), token);
}

enum sr_status sr_get_token(struct sr_vault *vault, struct sr_bytes *token,
                            struct sr_error *error) {
  if (token)
    *token = (struct sr_bytes){ 0 };
  return told(get_token(vault, token), error);
}
