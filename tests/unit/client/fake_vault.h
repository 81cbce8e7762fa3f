/*
 * A vault of a few lines: it "wraps" by turning bits over, counts what it is asked, fails when told
 * to and answers only when it is let. Any thread.
 */
#ifndef TEST_FAKE_VAULT_H
#define TEST_FAKE_VAULT_H

#include "check.h"

#include "client/data_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct fake_vault {
  _Atomic unsigned wraps, unwraps, quick; /* quick: of these, by who has a key meanwhile */
  _Atomic int failing;                    /* an err_t; OK: it works */
  _Atomic unsigned version;               /* of all its keys */
  _Atomic size_t cut;                     /* bytes that are missing of what is unwrapped */
  pthread_mutex_t gate;                   /* held: whoever asks waits */
  _Atomic unsigned waiting;
};

static inline err_t fake_answer(struct fake_vault *v) {
  atomic_fetch_add(&v->waiting, 1);
  pthread_mutex_lock(&v->gate);
  pthread_mutex_unlock(&v->gate);
  atomic_fetch_sub(&v->waiting, 1);
  err_t e = (err_t)atomic_load(&v->failing);
  if (e == ERR_AWAY)
    REFUSE(ERR_AWAY, "No answer: the fake is off");
  if (e != OK)
    FAIL(e, "the fake was told to fail");
  return OK;
}

static inline err_t fake_wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct fake_vault *v = ctx;
  atomic_fetch_add(&v->wraps, 1);
  TRY(fake_answer(v));
  struct wrapped w = { .alg = "A256KW", .size = plain.size };
  snprintf(w.key_id, sizeof w.key_id, "https://fake/keys/%s/%u", key, atomic_load(&v->version));
  for (size_t i = 0; i < plain.size; i++)
    w.data[i] = plain.data[i] ^ 0x5a;
  *out = w;
  return OK;
}

static inline err_t fake_unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  struct fake_vault *v = ctx;
  atomic_fetch_add(&v->unwraps, 1);
  TRY(fake_answer(v));
  TRY(secret_new(w->size - atomic_load(&v->cut), out));
  for (size_t i = 0; i < out->size; i++)
    out->data[i] = w->data[i] ^ 0x5a;
  return OK;
}

static inline err_t fake_wrap_again(void *ctx, const char *key, struct bytes plain,
                                    struct wrapped *out) {
  atomic_fetch_add(&((struct fake_vault *)ctx)->quick, 1);
  return fake_wrap(ctx, key, plain, out);
}

static inline err_t fake_unwrap_again(void *ctx, const struct wrapped *w, struct secret *out) {
  atomic_fetch_add(&((struct fake_vault *)ctx)->quick, 1);
  return fake_unwrap(ctx, w, out);
}

static inline struct key_service fake_service(struct fake_vault *v) {
  return (
    struct key_service){ v, fake_wrap, fake_unwrap, fake_wrap_again, fake_unwrap_again, NULL };
}

/* A data key whose bytes are all n, wrapped. */
static inline struct wrapped fake_wrapped(unsigned n) {
  struct wrapped w = { .alg = "A256KW", .size = DATA_KEY_SIZE };
  snprintf(w.key_id, sizeof w.key_id, "https://fake/keys/k/%u", n);
  memset(w.data, (int)(n & 0xff) ^ 0x5a, DATA_KEY_SIZE);
  return w;
}

#endif
