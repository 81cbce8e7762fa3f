#include "client/counted.h"

#include "client/internal.h"

#include <stdatomic.h>

struct counted {
  struct data_key key; /* first */
  _Atomic unsigned shares;
};

err_t data_key_new(struct secret *key, const struct wrapped *w, struct data_key **out) {
  struct counted *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  atomic_init(&c->shares, 1);
  c->key.key = secret_take(key);
  c->key.wrapped = *w;
  *out = &c->key;
  return OK;
}

struct data_key *data_key_ref(struct data_key *k) {
  atomic_fetch_add(&((struct counted *)k)->shares, 1);
  return k;
}

void data_key_release(struct data_key *k) {
  struct counted *c = (struct counted *)k;
  if (atomic_fetch_sub(&c->shares, 1) != 1)
    return;
  secret_free(&k->key);
  mem_free(c);
}

/* --- the vault as a service --- */

/* For who has a key that serves meanwhile. */
static const struct client_patience quick = { .attempts = 1, .budget_ms = 0, .timeout_ms = 5000 };

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  return client_wrap(ctx, key, plain, out);
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  return client_unwrap(ctx, w, out);
}

static err_t wrap_again(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  return client_wrap_with(ctx, &quick, key, plain, out);
}

static err_t unwrap_again(void *ctx, const struct wrapped *w, struct secret *out) {
  return client_unwrap_with(ctx, &quick, w, out);
}

struct key_service client_key_service(struct client *c) {
  return (struct key_service){ .ctx = c,
                               .wrap = wrap,
                               .unwrap = unwrap,
                               .wrap_again = wrap_again,
                               .unwrap_again = unwrap_again,
                               .url = client_url(c) };
}
