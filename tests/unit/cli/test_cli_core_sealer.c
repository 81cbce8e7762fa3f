/* Waiting for a vault that is away: for so long, and no longer, whatever it does. */
#include "cli/core/sealer.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

struct vault {
  atomic_uint calls;
  unsigned away; /* for so many calls */
  err_t refusal; /* what it says then */
  bool silent;   /* answers when the test says so */
  sem_t may_answer, answered;
};

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct vault *v = ctx;
  unsigned call = atomic_fetch_add(&v->calls, 1);
  if (v->silent) {
    while (sem_wait(&v->may_answer) != 0)
      assert_int_equal(errno, EINTR);
    sem_post(&v->answered);
  }
  if (call < v->away)
    FAIL(v->refusal, "a reason");
  *out = (struct wrapped){ .key_id = "https://kv.example/keys/k/0", .alg = "A256KW", .size = 40 };
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  FAIL(ERR_INTERNAL, "nobody opens here");
}

static err_t wait_for(struct vault *v, unsigned seconds, struct core_sealer *s) {
  const struct key_service service = { .ctx = v, .wrap = wrap, .unwrap = unwrap };
  s->key = "k";
  assert_int_equal(key_cache_new(&service, NULL, &s->cache), OK);
  return core_sealer_wait(s, seconds);
}

static void is_there(void **state) {
  AUTO_SEALER s = { 0 };
  AUTO(data_key) struct data_key *k = NULL;
  struct vault v = { 0 };
  assert_int_equal(wait_for(&v, 10, &s), OK);
  assert_int_equal(key_cache_for_sealing(s.cache, "k", &k), OK);
  assert_int_equal(v.calls, 1); /* the same data key */
}

static void comes_back(void **state) {
  static const err_t passing[] = { ERR_AWAY, ERR_BUSY, ERR_SEALED };
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
    AUTO_SEALER s = { 0 };
    struct vault v = { .away = 1, .refusal = passing[i] };
    assert_int_equal(wait_for(&v, 60, &s), OK);
    assert_int_equal(v.calls, 2);
  }
}

static void says_no(void **state) {
  AUTO_SEALER s = { 0 };
  struct vault v = { .away = 99, .refusal = ERR_FORBIDDEN };
  assert_int_equal(wait_for(&v, 60, &s), ERR_FORBIDDEN);
  assert_int_equal(v.calls, 1);
  assert_string_equal(err_last()->why, "a reason");
}

/* After these two the helper ends, in whatever its other thread is: what that uses must stay. */
static void stays_away(void **state) {
  static struct core_sealer s;
  static struct vault v = { .away = 99, .refusal = ERR_BUSY };
  assert_int_equal(wait_for(&v, 1, &s), ERR_AWAY);
  assert_non_null(strstr(err_last()->why, "a reason"));
}

static void does_not_answer(void **state) {
  static struct core_sealer s;
  static struct vault v = { .silent = true };
  sem_init(&v.may_answer, 0, 0);
  sem_init(&v.answered, 0, 0);
  assert_int_equal(wait_for(&v, 1, &s), ERR_AWAY);
  assert_non_null(strstr(err_last()->why, "did not answer within 1 s"));
  sem_post(&v.may_answer);
  while (sem_wait(&v.answered) != 0)
    assert_int_equal(errno, EINTR);
  AUTO(data_key) struct data_key *k = NULL;
  assert_int_equal(key_cache_for_sealing(s.cache, "k", &k), OK); /* waits for that request */
  assert_int_equal(v.calls, 1);
}

static int start(void **state) {
  bool locked;
  return crypto_init(1u << 20, &locked) == OK ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_there),   cmocka_unit_test(comes_back),      cmocka_unit_test(says_no),
    cmocka_unit_test(stays_away), cmocka_unit_test(does_not_answer),
  };
  int failed = cmocka_run_group_tests(tests, start, NULL);
  fflush(NULL);
  _exit(failed); /* as the helper does: nobody knows whether its other thread is out of OpenSSL */
}
