/* The sealed private parts of keys. */
#include "vault/key_internal.h"

#include <stdio.h>

struct bytes key_version_public(const struct key_version *kv) {
  return buf_bytes(&kv->material->public_members);
}

struct key_material *material_ref(struct key_material *m) {
  atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
  return m;
}

void material_free(struct key_material *m) {
  if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (m->live)
    key_free(m->live);
  buf_free(&m->public_members);
  buf_free(&m->sealed);
  pthread_mutex_destroy(&m->lock);
  mem_free(m);
}

static struct key_material *material_empty(enum key_type type, const char *folded,
                                           const char *version) {
  struct key_material *m = mem_zalloc(sizeof *m);
  if (!m)
    return NULL;
  atomic_init(&m->refs, 1);
  m->type = type;
  pthread_mutex_init(&m->lock, NULL);
  snprintf(m->place, sizeof m->place, "%s/%s", folded, version);
  return m;
}

err_t material_of(enum key_type type, struct bytes public_members, struct bytes sealed,
                  const char *folded, const char *version, struct key_material **out) {
  AUTO(material) struct key_material *m = material_empty(type, folded, version);
  if (!m)
    return ERR_NOMEM;
  buf_put_bytes(&m->public_members, public_members);
  buf_put_bytes(&m->sealed, sealed);
  TRY(buf_ok(&m->public_members));
  TRY(buf_ok(&m->sealed));
  *out = TAKE(m);
  return OK;
}

/* Each material has a key of its own, derived from its place: what was moved elsewhere does not
 * open. */
static err_t place_key(struct vault *v, const struct key_material *m,
                       uint8_t key[static SHA256_SIZE]) {
  return crypto_hmac_sha256(secret_bytes(&v->material_key), bytes_str(m->place), key);
}

err_t material_new(struct vault *v, const struct key *key, const char *folded, const char *version,
                   struct key_material **out) {
  AUTO_SECRET private_form = { 0 };
  AUTO_SECRET sealing = { 0 };
  AUTO(material) struct key_material *m = material_empty(key_spec(key)->type, folded, version);
  if (!m)
    return ERR_NOMEM;
  TRY(key_public_members(key, &m->public_members));
  TRY(buf_ok(&m->public_members));
  TRY(key_export(key, &private_form));
  TRY(secret_new(SHA256_SIZE, &sealing));
  TRY(place_key(v, m, sealing.data));
  TRY(crypto_seal(secret_bytes(&sealing), bytes_str(m->place), secret_bytes(&private_form),
                  &m->sealed));
  *out = TAKE(m);
  return OK;
}

err_t material_open(struct vault *v, const struct key_material *m, struct key **out) {
  AUTO_SECRET private_form = { 0 };
  AUTO_SECRET sealing = { 0 };
  TRY(secret_new(SHA256_SIZE, &sealing));
  TRY(place_key(v, m, sealing.data));
  TRY(crypto_open_secret(secret_bytes(&sealing), bytes_str(m->place), buf_bytes(&m->sealed),
                         &private_form));
  return key_import(m->type, secret_bytes(&private_form), out);
}
