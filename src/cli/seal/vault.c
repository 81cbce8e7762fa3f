#include "cli/seal/vault.h"

#include "cli/out.h"

#include <stdio.h>
#include <stdlib.h>

static err_t check(const struct seal_vault *v) {
  if (!v->client)
    FAIL(v->missing, "%s", v->why);
  return OK;
}

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct seal_vault *v = ctx;
  TRY(check(v));
  bool quick = v->away && v->real.wrap_again;
  err_t e = (quick ? v->real.wrap_again : v->real.wrap)(v->real.ctx, key, plain, out);
  v->away = e == ERR_AWAY;
  return e;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  struct seal_vault *v = ctx;
  TRY(check(v));
  bool quick = v->away && v->real.unwrap_again;
  err_t e = (quick ? v->real.unwrap_again : v->real.unwrap)(v->real.ctx, w, out);
  v->away = e == ERR_AWAY;
  return e;
}

static err_t wrap_again(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct seal_vault *v = ctx;
  TRY(check(v));
  return v->real.wrap_again(v->real.ctx, key, plain, out);
}

static err_t unwrap_again(void *ctx, const struct wrapped *w, struct secret *out) {
  struct seal_vault *v = ctx;
  TRY(check(v));
  return v->real.unwrap_again(v->real.ctx, w, out);
}

err_t seal_vault_open(const struct args *a, struct seal_vault *v) {
  *v = (struct seal_vault){ 0 };
  v->missing = client_new(args_value(a, "data"), &v->client);
  if (v->missing == ERR_NOMEM)
    return ERR_NOMEM;
  if (v->missing == OK)
    v->real = client_key_service(v->client);
  else
    snprintf(v->why, sizeof v->why, "%s", out_error_text(v->missing));
  v->service = v->real;
  v->service.ctx = v;
  v->service.wrap = wrap;
  v->service.unwrap = unwrap;
  v->service.wrap_again = v->real.wrap_again ? wrap_again : NULL;
  v->service.unwrap_again = v->real.unwrap_again ? unwrap_again : NULL;
  return key_cache_new(&v->service, NULL, &v->keys);
}

void seal_vault_close(struct seal_vault *v) {
  if (v->keys)
    key_cache_free(v->keys);
  if (v->client)
    client_free(v->client);
}

const char *seal_vault_key(const struct args *a) {
  const char *key = args_value(a, "key"), *preset = getenv(SEAL_KEY_VARIABLE);
  return key ? key : preset && *preset ? preset : NULL;
}
