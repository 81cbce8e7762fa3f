/* A struct sr_vault over the client's fake vault. One at a time. */
#ifndef LIB_FAKE_H
#define LIB_FAKE_H

#include "lib/lib.h"
#include "unit/client/fake_vault.h"

#include <unistd.h>

static struct fake_vault fake;

static struct sr_vault *vault_of(unsigned lifetime_s) {
  static struct sr_vault v;
  const struct key_cache_options o = { .lifetime_s = lifetime_s };
  fake = (struct fake_vault){ .gate = PTHREAD_MUTEX_INITIALIZER };
  v =
    (struct sr_vault){ .magic = VAULT_MAGIC, .process = getpid(), .service = fake_service(&fake) };
  assert_int_equal(OK, key_cache_new(&v.service, &o, &v.keys));
  return &v;
}

static void vault_done(struct sr_vault *v) {
  key_cache_free(v->keys);
}

#endif
