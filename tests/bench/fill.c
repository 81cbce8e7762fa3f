#include "fill.h"

#include "vault/keys.h"
#include "vault/secrets.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 128 /* they wait for the disk together */

struct filling {
  struct vault *vault;
  enum kind_id kind;
  unsigned count;
  _Atomic unsigned next;
};

struct filler {
  pthread_t thread;
  struct filling *filling;
  err_t result;
};

static err_t make_key(struct vault *v, const char *name) {
  struct key_request rq = { .spec = { .type = KEY_EC, .bits = 256, .curve = CURVE_P256 } };
  AUTO(key_version) struct key_version *first = NULL, *second = NULL;
  TRY(keys_create(v, name, &rq, &first));
  return keys_rotate(v, name, &second);
}

static err_t make_secret(struct vault *v, const char *name) {
  struct secret_request rq = { .value = bytes_str("correct horse battery staple 101") };
  AUTO(version) struct version *version = NULL;
  return secrets_set(v, name, &rq, &version);
}

static err_t make_object(struct filling *all, unsigned number) {
  char name[32];
  snprintf(name, sizeof name, "fill-%010u", number);
  return all->kind == KIND_KEY ? make_key(all->vault, name) : make_secret(all->vault, name);
}

static void *make_objects(void *ctx) {
  struct filler *f = ctx;
  struct filling *all = f->filling;
  unsigned i;
  while (f->result == OK && (i = atomic_fetch_add(&all->next, 1)) < all->count)
    f->result = make_object(all, i);
  return NULL;
}

static err_t make_all(struct filling *all) {
  struct filler fillers[THREADS] = { 0 };
  err_t e = OK;
  unsigned n = 0;
  for (; n < THREADS; n++) {
    fillers[n].filling = all;
    if (pthread_create(&fillers[n].thread, NULL, make_objects, &fillers[n]) != 0)
      break;
  }
  for (unsigned i = 0; i < n; i++) {
    pthread_join(fillers[i].thread, NULL);
    e = e == OK ? fillers[i].result : e;
  }
  return n ? e : ERR_NOMEM;
}

/* What is not the vault's (identities, the hub's own keys) is not needed here. */
static err_t load_record(void *ctx, struct bytes place, struct bytes body) {
  return vault_owns(place) ? vault_load(ctx, place, body) : OK;
}

static err_t unseal(const char *dir, struct store *s) {
  char path[600];
  AUTO_SECRET key = { 0 };
  AUTO(root) struct root *root = NULL;
  snprintf(path, sizeof path, "%s/root.key", dir);
  TRY(root_file_read(path, &key));
  TRY(root_open("file", secret_bytes(&key), &root));
  return store_unseal(s, root);
}

err_t fill(const char *dir, enum kind_id kind, unsigned count) {
  AUTO(store) struct store *s = NULL;
  AUTO(vault) struct vault *v = NULL;
  struct vault_conf conf = { .retention_days = 90, .live_keys = 16 };
  TRY(store_open(dir, &s));
  TRY(unseal(dir, s));
  struct partition part;
  partition_main(s, &part);
  TRY(vault_new(&part, &conf, &v));
  TRY(store_load(s, load_record, v));
  TRY(vault_ready(v));
  struct filling all = { .vault = v, .kind = kind, .count = count };
  return make_all(&all);
}
