/* Data keys in time: who is asked when, and what becomes of a key when the vault is away or says
 * no. The vault is a fake, the clock is moved. */
#include "fake_vault.h"

#include "base/clock.h"

#include <openssl/crypto.h>
#include <time.h>

#define LIFE 1000

static struct fake_vault vault;
static struct key_cache *cache;

static void open_cache(unsigned lifetime_s, size_t max) {
  const struct key_service s = fake_service(&vault);
  const struct key_cache_options o = { .lifetime_s = lifetime_s, .max = max };
  assert_ok(key_cache_new(&s, &o, &cache));
}

static int start(void **state) {
  (void)state;
  vault = (struct fake_vault){ .version = 1 };
  pthread_mutex_init(&vault.gate, NULL);
  clock_shift(0);
  open_cache(LIFE, 0);
  return 0;
}

static int end(void **state) {
  (void)state;
  key_cache_free(TAKE(cache));
  pthread_mutex_destroy(&vault.gate);
  clock_shift(0);
  return 0;
}

/* The number of the bytes that the opened key consists of; -1 and the error when there is none. */
static int opened(unsigned n, err_t *e) {
  AUTO(data_key) struct data_key *k = NULL;
  struct wrapped w = fake_wrapped(n);
  *e = key_cache_for_opening(cache, &w, &k);
  if (*e != OK)
    return -1;
  if (k->key.size != DATA_KEY_SIZE || strcmp(k->wrapped.key_id, w.key_id) != 0)
    return -2;
  return k->key.data[0];
}

static void assert_opens(unsigned n) {
  err_t e;
  int seen = opened(n, &e);
  assert_ok(e);
  assert_int_equal(seen, n & 0xff);
}

static void test_sealing(void **state) {
  AUTO(data_key) struct data_key *a = NULL, *b = NULL, *other = NULL;
  AUTO_SECRET back = { 0 };
  assert_ok(key_cache_for_sealing(cache, "k", &a));
  assert_ok(key_cache_for_sealing(cache, "k", &b));
  assert_ptr_equal(a, b);
  assert_int_equal(a->key.size, DATA_KEY_SIZE);
  assert_string_equal(a->wrapped.key_id, "https://fake/keys/k/1");
  assert_int_equal(vault.wraps, 1);
  assert_ok(key_cache_for_sealing(cache, "other", &other));
  assert_int_equal(vault.wraps, 2);
  assert_false(crypto_equal(secret_bytes(&a->key), secret_bytes(&other->key)));
  assert_ok(fake_unwrap(&vault, &a->wrapped, &back));
  assert_true(crypto_equal(secret_bytes(&a->key), secret_bytes(&back)));
}

/* What was sealed a moment ago opens while the vault is away; and not beyond the lifetime. */
static void test_opening_what_was_sealed(void **state) {
  AUTO(data_key) struct data_key *sealing = NULL, *opening = NULL, *late = NULL;
  assert_ok(key_cache_for_sealing(cache, "k", &sealing));
  atomic_store(&vault.failing, ERR_AWAY);
  assert_ok(key_cache_for_opening(cache, &sealing->wrapped, &opening));
  assert_ptr_equal(sealing, opening);
  assert_int_equal(vault.unwraps, 0);
  clock_shift(LIFE + 5);
  assert_err(key_cache_for_opening(cache, &sealing->wrapped, &late), ERR_AWAY);
}

/* In the second half of its life the next key comes, under the KEK's newest version; what was
 * given out goes on. */
static void test_sealing_rotates(void **state) {
  AUTO(data_key) struct data_key *a = NULL, *b = NULL, *c = NULL;
  assert_ok(key_cache_for_sealing(cache, "k", &a));
  atomic_store(&vault.version, 2);
  clock_shift(LIFE / 2 - 20);
  assert_ok(key_cache_for_sealing(cache, "k", &b));
  assert_ptr_equal(a, b);
  clock_shift(LIFE / 2 + 20);
  assert_ok(key_cache_for_sealing(cache, "k", &c));
  assert_ptr_not_equal(a, c);
  assert_false(crypto_equal(secret_bytes(&a->key), secret_bytes(&c->key)));
  assert_string_equal(c->wrapped.key_id, "https://fake/keys/k/2");
  assert_string_equal(a->wrapped.key_id, "https://fake/keys/k/1");
  assert_int_equal(vault.wraps, 2);
  assert_int_equal(vault.quick, 1);
}

static void test_opening(void **state) {
  for (int i = 0; i < 3; i++)
    assert_opens(7);
  assert_int_equal(vault.unwraps, 1);
  assert_opens(8);
  assert_int_equal(vault.unwraps, 2);
  clock_shift(LIFE / 2 - 20);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 2);
  assert_int_equal(vault.quick, 0);
  clock_shift(LIFE / 2 + 20);
  assert_opens(7);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 3);
  assert_int_equal(vault.quick, 1);
  /* A lifetime after that answer, not after the first. */
  clock_shift(LIFE - 20);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 3);
  /* One that has expired is asked for as at first. */
  clock_shift(3 * LIFE);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 4);
  assert_int_equal(vault.quick, 1);
}

/* Parts of a wrapped key do not run into each other. */
static void test_identity_of_keys(void **state) {
  struct wrapped w = fake_wrapped(1), alg = w, id = w, data = w, size = w;
  snprintf(alg.alg, sizeof alg.alg, "A192KW");
  id.key_id[strlen(id.key_id) - 1] = '2';
  data.data[31] ^= 1;
  size.size = sizeof size.data + 1;
  const struct wrapped *const all[] = { &w, &alg, &id, &data };
  for (size_t i = 0; i < 4; i++) {
    AUTO(data_key) struct data_key *k = NULL;
    assert_ok(key_cache_for_opening(cache, all[i], &k));
    assert_int_equal(vault.unwraps, i + 1);
  }
  AUTO(data_key) struct data_key *none = NULL;
  assert_err(key_cache_for_opening(cache, &size, &none), ERR_BAD_PARAMETER);
}

/* Nobody notices an outage of half a lifetime. */
static void test_outage(void **state) {
  static const int away[] = { ERR_AWAY,  ERR_BUSY,     ERR_SEALED, ERR_TIMEOUT,
                              ERR_NOMEM, ERR_INTERNAL, ERR_CONFIG };
  for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
    AUTO(data_key) struct data_key *a = NULL, *b = NULL, *c = NULL;
    err_t e;
    end(NULL);
    start(NULL);
    assert_ok(key_cache_for_sealing(cache, "k", &a));
    assert_opens(7);
    atomic_store(&vault.failing, away[i]);
    clock_shift(LIFE / 2 + 20);
    assert_ok(key_cache_for_sealing(cache, "k", &b));
    assert_ptr_equal(a, b);
    assert_opens(7);
    /* It is not asked at each use. */
    assert_opens(7);
    assert_int_equal(vault.unwraps, 2);
    clock_shift(LIFE - 20);
    assert_opens(7);
    assert_int_equal(vault.unwraps, 3);
    clock_shift(LIFE + 20);
    assert_int_equal(opened(7, &e), -1);
    assert_int_equal(e, away[i]);
    assert_int_equal(key_cache_for_sealing(cache, "k", &c), away[i]);
    assert_null(c);
    atomic_store(&vault.failing, OK);
    assert_opens(7);
    assert_ok(key_cache_for_sealing(cache, "k", &c));
    assert_ptr_not_equal(a, c);
  }
}

/* The end of an outage within the lifetime is noticed, and gives a whole lifetime again. */
static void test_outage_ends(void **state) {
  assert_opens(7);
  atomic_store(&vault.failing, ERR_AWAY);
  clock_shift(LIFE / 2 + 20);
  assert_opens(7);
  atomic_store(&vault.failing, OK);
  clock_shift(LIFE / 2 + 20 + LIFE / 8);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 3);
  clock_shift(LIFE + 5);
  assert_opens(7);
  assert_int_equal(vault.unwraps, 3);
}

/* A vault that says no ends a key at once. */
static void test_denial(void **state) {
  static const int no[] = { ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_UNAUTHORIZED, ERR_BAD_PARAMETER,
                            ERR_CONFLICT };
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
    AUTO(data_key) struct data_key *a = NULL, *b = NULL;
    err_t e;
    end(NULL);
    start(NULL);
    assert_ok(key_cache_for_sealing(cache, "k", &a));
    assert_opens(7);
    atomic_store(&vault.failing, no[i]);
    clock_shift(LIFE / 2 + 20);
    assert_int_equal(opened(7, &e), -1);
    /* What was wrapped is not of that key: that is what it means there. */
    assert_int_equal(e, no[i] == ERR_BAD_PARAMETER ? ERR_WRONG_KEY : (err_t)no[i]);
    assert_int_equal(key_cache_for_sealing(cache, "k", &b), no[i]);
    /* It is gone: an outage does not bring it back. */
    atomic_store(&vault.failing, ERR_AWAY);
    assert_int_equal(opened(7, &e), -1);
    assert_int_equal(e, ERR_AWAY);
    assert_string_equal(err_text(e), "No answer: the fake is off");
    assert_int_equal(key_cache_for_sealing(cache, "k", &b), ERR_AWAY);
    atomic_store(&vault.failing, OK);
    assert_opens(7);
  }
}

static void test_no_data_key(void **state) {
  err_t e;
  atomic_store(&vault.cut, 16);
  assert_int_equal(opened(7, &e), -1);
  assert_int_equal(e, ERR_DAMAGED);
  atomic_store(&vault.cut, 0);
  assert_opens(7);
}

/* The one unused longest goes first. */
static void test_max(void **state) {
  key_cache_free(TAKE(cache));
  open_cache(LIFE, 3);
  assert_opens(1);
  assert_opens(2);
  assert_opens(3);
  assert_opens(1); /* 2 is the oldest now */
  assert_opens(4);
  assert_int_equal(vault.unwraps, 4);
  assert_opens(1);
  assert_opens(3);
  assert_opens(4);
  assert_int_equal(vault.unwraps, 4);
  assert_opens(2);
  assert_int_equal(vault.unwraps, 5);
  assert_opens(1);
  assert_int_equal(vault.unwraps, 6);
}

/* What expired leaves locked memory although nobody asks for it again. */
static void test_memory(void **state) {
  AUTO(data_key) struct data_key *mine = NULL;
  size_t before = CRYPTO_secure_used();
  assert_ok(key_cache_for_sealing(cache, "mine", &mine));
  size_t one = CRYPTO_secure_used() - before;
  for (unsigned i = 0; i < 50; i++)
    assert_opens(i);
  assert_true(CRYPTO_secure_used() >= before + 51 * one);
  clock_shift(2 * LIFE);
  assert_opens(1);
  assert_true(CRYPTO_secure_used() <= before + 2 * one);
  /* Who holds a key keeps it, also when the cache is gone. */
  key_cache_free(TAKE(cache));
  assert_int_equal(mine->key.size, DATA_KEY_SIZE);
  data_key_release(TAKE(mine));
  assert_int_equal(CRYPTO_secure_used(), before);
  open_cache(LIFE, 0);
}

/* --- threads --- */

#define THREADS 12

struct caller {
  pthread_t thread;
  unsigned n;
  int seen;
  err_t e;
  char text[80];
};

static void *call(void *arg) {
  struct caller *c = arg;
  c->seen = opened(c->n, &c->e);
  if (c->e != OK)
    snprintf(c->text, sizeof c->text, "%s", err_text(c->e));
  return NULL;
}

static void begin(struct caller *c, unsigned n) {
  *c = (struct caller){ .n = n };
  assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static void pause_ms(long ms) {
  const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
  nanosleep(&t, NULL);
}

static void wait_until_asked(void) {
  while (atomic_load(&vault.waiting) == 0)
    pause_ms(1);
}

/* One asks for all; who wants another key is not held up. */
static void test_one_asks(void **state) {
  struct caller callers[THREADS], other;
  pthread_mutex_lock(&vault.gate);
  for (int i = 0; i < THREADS; i++)
    begin(&callers[i], 7);
  wait_until_asked();
  assert_int_equal(atomic_load(&vault.waiting), 1);
  begin(&other, 8);
  while (atomic_load(&vault.waiting) < 2)
    pause_ms(1);
  pthread_mutex_unlock(&vault.gate);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].e, OK);
    assert_int_equal(callers[i].seen, 7);
  }
  pthread_join(other.thread, NULL);
  assert_int_equal(other.seen, 8);
  assert_int_equal(vault.unwraps, 2);
}

/* While one looks after a key that is still good, the others use it. */
static void test_nobody_waits_for_renewal(void **state) {
  struct caller renewing;
  assert_opens(7);
  clock_shift(LIFE / 2 + 20);
  pthread_mutex_lock(&vault.gate);
  begin(&renewing, 7);
  wait_until_asked();
  for (int i = 0; i < 100; i++)
    assert_opens(7);
  pthread_mutex_unlock(&vault.gate);
  pthread_join(renewing.thread, NULL);
  assert_int_equal(renewing.seen, 7);
  assert_int_equal(vault.unwraps, 2);
}

/* A failure is everybody's who waited for it, with its words. */
static void test_failure_is_shared(void **state) {
  struct caller callers[THREADS];
  atomic_store(&vault.failing, ERR_AWAY);
  pthread_mutex_lock(&vault.gate);
  for (int i = 0; i < THREADS; i++)
    begin(&callers[i], 7);
  wait_until_asked();
  pthread_mutex_unlock(&vault.gate);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].e, ERR_AWAY);
    assert_string_equal(callers[i].text, "No answer: the fake is off");
  }
}

static atomic_bool over;

static void *hammer(void *arg) {
  unsigned seed = *(unsigned *)arg;
  uint64_t wrong = 0;
  while (!atomic_load(&over)) {
    seed = seed * 1103515245 + 12345;
    unsigned n = seed >> 16 & 7;
    err_t e;
    int seen = opened(n, &e);
    AUTO(data_key) struct data_key *k = NULL;
    wrong += e == OK ? seen != (int)n : e != ERR_AWAY && e != ERR_FORBIDDEN;
    e = key_cache_for_sealing(cache, n & 1 ? "a" : "b", &k);
    wrong +=
      e == OK ? (k->key.data[0] ^ 0x5a) != k->wrapped.data[0] : e != ERR_AWAY && e != ERR_FORBIDDEN;
  }
  return (void *)(uintptr_t)wrong;
}

static void test_all_at_once(void **state) {
  static const int ways[] = { OK, ERR_AWAY, OK, ERR_FORBIDDEN };
  pthread_t threads[8];
  unsigned seeds[8];
  key_cache_free(TAKE(cache));
  open_cache(2, 5);
  atomic_store(&over, false);
  for (unsigned i = 0; i < 8; i++) {
    seeds[i] = i;
    assert_int_equal(pthread_create(&threads[i], NULL, hammer, &seeds[i]), 0);
  }
  for (int i = 0; i < 200; i++) {
    clock_shift(i);
    atomic_store(&vault.failing, ways[i % 4]);
    pause_ms(2);
  }
  atomic_store(&over, true);
  for (int i = 0; i < 8; i++) {
    void *wrong;
    pthread_join(threads[i], &wrong);
    assert_null(wrong);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_sealing),
    TEST(test_sealing_rotates),
    TEST(test_opening_what_was_sealed),
    TEST(test_opening),
    TEST(test_identity_of_keys),
    TEST(test_outage),
    TEST(test_outage_ends),
    TEST(test_denial),
    TEST(test_no_data_key),
    TEST(test_max),
    TEST(test_memory),
    TEST(test_one_asks),
    TEST(test_nobody_waits_for_renewal),
    TEST(test_failure_is_shared),
    TEST(test_all_at_once),
  };
  return cmocka_run_group_tests_name("client_key_cache", tests, start_crypto, NULL);
}
