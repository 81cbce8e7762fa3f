#include "store/root.h"

#include "base/pack.h"
#include "store/root_provider.h"

#define FORMAT 1
#define PROVIDERS(X) X(file) X(passphrase)

static const struct root_provider *const providers[] = {
#define X(name) &root_provider_##name,
  PROVIDERS(X)
#undef X
};
static const char *const names[] = {
#define X(name) #name,
  PROVIDERS(X)
#undef X
    NULL
};

struct root {
  const struct root_provider *provider;
  struct secret secret;
};

const char *const *root_providers(void) {
  return names;
}

static const struct root_provider *provider_find(const char *name) {
  for (size_t i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0)
      return providers[i];
  return NULL;
}

err_t root_open(const char *provider, struct bytes secret, struct root **out) {
  const struct root_provider *p = provider_find(provider);
  if (!p)
    FAIL(ERR_CONFIG, "there is no root key provider '%s'", provider);
  TRY(p->check(secret));
  AUTO(root) struct root *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  r->provider = p;
  TRY(secret_copy(secret, &r->secret));
  *out = TAKE(r);
  return OK;
}

void root_free(struct root *r) {
  secret_free(&r->secret);
  mem_free(r);
}

/* The wrapped form: format, provider, parameters; then the master key, sealed with all that stands
 * before it as associated data. */
err_t root_wrap(struct root *r, struct bytes master, struct buf *out) {
  AUTO_BUF wrapped = BUF_EMPTY, params = BUF_EMPTY, sealed = BUF_EMPTY;
  AUTO_SECRET key = { 0 };
  if (r->provider->params)
    TRY(r->provider->params(&params));
  TRY(r->provider->derive(secret_bytes(&r->secret), buf_bytes(&params), &key));
  pack_u8(&wrapped, FORMAT);
  pack_str(&wrapped, r->provider->name);
  pack_bytes(&wrapped, buf_bytes(&params));
  TRY(buf_ok(&wrapped));
  TRY(crypto_seal(secret_bytes(&key), buf_bytes(&wrapped), master, &sealed));
  pack_bytes(&wrapped, buf_bytes(&sealed));
  TRY(buf_ok(&wrapped));
  buf_put_bytes(out, buf_bytes(&wrapped));
  return buf_ok(out);
}

struct wrapped {
  char provider[16];
  struct bytes params, sealed, head; /* head: what stands before the sealed master key */
};

static err_t wrapped_read(struct bytes text, struct wrapped *out) {
  struct unpack u = unpack_of(text);
  uint8_t format = unpack_u8(&u);
  unpack_str(&u, out->provider, sizeof out->provider);
  out->params = unpack_bytes(&u);
  out->head = bytes_of(text.data, text.size - u.rest.size);
  out->sealed = unpack_bytes(&u);
  TRY(unpack_end(&u));
  if (format != FORMAT)
    FAIL(ERR_CORRUPT, "the wrapped master key has the unknown format %u", format);
  return OK;
}

err_t root_unwrap(struct root *r, struct bytes wrapped, struct secret *master) {
  struct wrapped w;
  AUTO_SECRET key = { 0 };
  TRY(wrapped_read(wrapped, &w));
  if (strcmp(w.provider, r->provider->name) != 0)
    FAIL(ERR_ROOT_KEY, "the master key is wrapped by a root key of the provider '%s'", w.provider);
  TRY(r->provider->derive(secret_bytes(&r->secret), w.params, &key));
  err_t e = crypto_open_secret(secret_bytes(&key), w.head, w.sealed, master);
  if (e == ERR_CORRUPT)
    FAIL(ERR_ROOT_KEY,
         "this is not the root key (%s) that the vault is under: it does not open the "
         "master key",
         r->provider->name);
  return e;
}

err_t root_provider_of(struct bytes wrapped, char out[static 16]) {
  struct wrapped w;
  TRY(wrapped_read(wrapped, &w));
  memcpy(out, w.provider, sizeof w.provider);
  return OK;
}
