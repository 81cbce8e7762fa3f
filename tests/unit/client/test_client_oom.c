/* No memory at any one moment: an error, never a wrong answer, and the next call works. */
#include "fake_hub.h"

#include "client/data_key.h"
#include "fault/oom.h"

#include <stdio.h>

static struct fake_hub hub;
static struct client *client;
static const struct client_patience once = { .attempts = 1, .budget_ms = 0, .timeout_ms = 10000 };

static int start(void **state) {
  bool locked;
  (void)state;
  mem_install_json();
  if (crypto_init(1u << 20, &locked) != OK)
    return -1;
  fake_hub_start(&hub);
  client = fake_hub_client(&hub);
  client_set_patience(client, &once);
  return 0;
}

static int end(void **state) {
  (void)state;
  client_free(TAKE(client));
  fake_hub_stop(&hub);
  return 0;
}

static err_t use(struct client *c, struct secret *back, struct secret *value) {
  struct wrapped w = { 0 };
  AUTO_BUF signature = BUF_EMPTY;
  TRY(client_wrap(c, "k", bytes_str("0123456789abcdef"), &w));
  TRY(client_unwrap(c, &w, back));
  TRY(client_sign(c, "k", "A256KW", bytes_str("digest"), &signature));
  return client_get_secret(c, "s", NULL, value);
}

/* A client that is set up. */
static void test_use(void **state) {
  bool more = true;
  (void)state;
  for (unsigned long n = 1; more; n++) {
    AUTO_SECRET back = { 0 }, value = { 0 };
    oom_start(n, n % 2 ? OOM_ONE : OOM_ALL);
    err_t e = use(client, &back, &value);
    more = oom_stop();
    if (!more || e == OK) {
      assert_ok(e);
      assert_text(secret_bytes(&back), "0123456789abcdef");
      assert_text(secret_bytes(&value), "a value");
    }
    AUTO_SECRET again = { 0 }, fine = { 0 };
    assert_ok(use(client, &again, &fine));
  }
}

static err_t set_up(struct client **out) {
  AUTO_SETTINGS s = { 0 };
  TRY(settings_set(&s, "KEY_VAULT_URL", bytes_str(hub.app.url)));
  TRY(settings_set(&s, "SSL_CERT_FILE", bytes_str(hub.ca_path)));
  TRY(settings_set(&s, "AZURE_TENANT_ID", bytes_str("T")));
  TRY(settings_set(&s, "AZURE_CLIENT_ID", bytes_str("me")));
  TRY(settings_set(&s, "AZURE_CLIENT_SECRET", bytes_str("s")));
  return client_new_with(&s, out);
}

/* Most of the allocations are OpenSSL's own, reading certificates. */
static void test_set_up(void **state) {
  bool more = true;
  (void)state;
  for (unsigned long n = 1; more; n += n < 200 ? 1 : 13) {
    AUTO(client) struct client *c = NULL;
    AUTO_SECRET t = { 0 };
    oom_start(n, OOM_ONE);
    err_t e = set_up(&c);
    if (e == OK)
      client_set_patience(c, &once);
    if (e == OK)
      e = client_get_token(c, &t);
    more = oom_stop();
    if (!more || e == OK)
      assert_ok(e);
  }
}

static err_t use_cache(const struct key_service *s, bool *same) {
  AUTO(key_cache) struct key_cache *c = NULL;
  AUTO(data_key) struct data_key *k = NULL, *opened = NULL, *again = NULL;
  TRY(key_cache_new(s, NULL, &c));
  TRY(key_cache_for_sealing(c, "k", &k));
  TRY(key_cache_for_opening(c, &k->wrapped, &opened));
  TRY(key_cache_for_opening(c, &k->wrapped, &again));
  *same = crypto_equal(secret_bytes(&k->key), secret_bytes(&opened->key)) && again == opened;
  return OK;
}

static void test_cache(void **state) {
  const struct key_service s = client_key_service(client);
  bool more = true;
  (void)state;
  for (unsigned long n = 1; more; n++) {
    bool same = false;
    oom_start(n, OOM_ONE);
    err_t e = use_cache(&s, &same);
    more = oom_stop();
    if (!more || e == OK) {
      assert_ok(e);
      assert_true(same);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_use),
    cmocka_unit_test(test_set_up),
    cmocka_unit_test(test_cache),
  };
  return cmocka_run_group_tests_name("client_oom", tests, start, end);
}
