/* A data key that has sealed what it may is followed by another, however young it is, and whether
 * or not the vault is there. The source is built in here, with a small number for "what it may". */
#include "fake_vault.h"

#include <assert.h>

#define USES_MAX 3
#include "client/key_cache.c"

static void test_uses(void **state) {
  struct fake_vault vault = { .version = 1, .gate = PTHREAD_MUTEX_INITIALIZER };
  const struct key_service service = fake_service(&vault);
  AUTO(key_cache) struct key_cache *c = NULL;
  AUTO(data_key) struct data_key *first = NULL, *next = NULL, *none = NULL;
  (void)state;
  assert_ok(key_cache_new(&service, NULL, &c));
  assert(c); /* or it would not be here, which analysers can't see */
  assert_ok(key_cache_for_sealing(c, "k", &first));
  for (int i = 1; i < USES_MAX; i++) {
    AUTO(data_key) struct data_key *again = NULL;
    assert_ok(key_cache_for_sealing(c, "k", &again));
    assert_ptr_equal(first, again);
  }
  vault.failing = ERR_AWAY;
  assert_err(key_cache_for_sealing(c, "k", &none), ERR_AWAY);
  vault.failing = OK;
  assert_ok(key_cache_for_sealing(c, "k", &next));
  assert_false(crypto_equal(secret_bytes(&first->key), secret_bytes(&next->key)));
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_uses) };
  return cmocka_run_group_tests_name("client_key_uses", tests, start_crypto, NULL);
}
