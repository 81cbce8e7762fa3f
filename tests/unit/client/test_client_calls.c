/* Calls of many threads over a pool of connections with one token, and what is tried again. */
#include "hub_client.h"

#include <stdio.h>
#include <time.h>

#define THREADS 12

static err_t unwrap(void) {
  struct wrapped w = { .key_id = "https://elsewhere/keys/k/" VERSION, .alg = "A256KW", .size = 3 };
  AUTO_SECRET out = { 0 };
  for (int i = 0; i < 3; i++)
    w.data[i] = (uint8_t)("abc"[i] ^ FAKE_HUB_MASK);
  TRY(client_unwrap(client, &w, &out));
  return bytes_equal_str(secret_bytes(&out), "abc") ? OK : ERR_INTERNAL;
}

static err_t create(void) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", "k", "create", NULL), body = BUF_EMPTY;
  buf_put_str(&body, "{}");
  return client_call(client, HTTP_POST, &path, &body, &answer);
}

static void fail_next(unsigned times, unsigned status) {
  atomic_store(&hub.fail_status, status);
  atomic_store(&hub.fail_next, times);
}

/* --- threads --- */

static void *do_unwraps(void *arg) {
  int times = *(int *)arg;
  uintptr_t failed = 0;
  for (int i = 0; i < times; i++)
    failed += unwrap() != OK;
  return (void *)failed;
}

static void start_unwraps(pthread_t threads[static THREADS], int *times) {
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, do_unwraps, times), 0);
}

static void assert_joined(const pthread_t threads[static THREADS]) {
  for (int i = 0; i < THREADS; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
}

static void pause_ms(long ms) {
  const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
  nanosleep(&t, NULL);
}

static void test_threads(void **state) {
  pthread_t threads[THREADS];
  struct http_server_stats stats;
  int times = 40;
  start_unwraps(threads, &times);
  assert_joined(threads);
  assert_int_equal(hub.tokens, 1);
  assert_int_equal(hub.uses, THREADS * times);
  http_server_stats(hub.app.server, &stats);
  assert_in_range(stats.connections, 1, THREADS);
  /* They are used again. */
  uint64_t before = stats.connections;
  start_unwraps(threads, &times);
  assert_joined(threads);
  http_server_stats(hub.app.server, &stats);
  assert_in_range(stats.connections, before, THREADS);
  assert_int_equal(stats.handshake_failures, 0);
}

/* --- the token --- */

static void test_token_is_renewed_aside(void **state) {
  pthread_t renewing;
  int once = 1;
  void *failed;
  assert_ok(unwrap());
  clock_shift(3600 - 200);
  pthread_mutex_lock(&hub.gate);
  atomic_store(&hub.at_gate, 0);
  assert_int_equal(pthread_create(&renewing, NULL, do_unwraps, &once), 0);
  while (atomic_load(&hub.at_gate) == 0)
    pause_ms(1);
  for (int i = 0; i < 10; i++)
    assert_ok(unwrap()); /* the old one is still good */
  assert_int_equal(atomic_load(&hub.at_gate), 1);
  pthread_mutex_unlock(&hub.gate);
  pthread_join(renewing, &failed);
  assert_null(failed);
  assert_int_equal(hub.tokens, 2);
}

static void test_expired_token_is_waited_for(void **state) {
  pthread_t threads[THREADS];
  int times = 2;
  assert_ok(unwrap());
  clock_shift(3601);
  atomic_store(&hub.least_token, 2);
  pthread_mutex_lock(&hub.gate);
  atomic_store(&hub.at_gate, 0);
  start_unwraps(threads, &times);
  while (atomic_load(&hub.at_gate) == 0)
    pause_ms(1);
  pause_ms(20);
  assert_int_equal(atomic_load(&hub.at_gate), 1);
  assert_int_equal(atomic_load(&hub.uses), 1);
  pthread_mutex_unlock(&hub.gate);
  assert_joined(threads);
  assert_int_equal(hub.tokens, 2);
}

/* One that the hub takes no more is replaced once, whoever notices. */
static void test_rejected_token(void **state) {
  pthread_t threads[THREADS];
  int times = 5;
  assert_ok(unwrap());
  atomic_store(&hub.least_token, 2);
  start_unwraps(threads, &times);
  assert_joined(threads);
  assert_int_equal(hub.tokens, 2);
  /* A fresh one that is not taken either is told. */
  atomic_store(&hub.least_token, 1000);
  fake_hub_requests(&hub);
  assert_err(unwrap(), ERR_UNAUTHORIZED);
  assert_int_equal(hub.tokens, 3);
  assert_int_equal(fake_hub_requests(&hub), 2);
}

static void test_no_token(void **state) {
  atomic_store(&hub.token_status, 401);
  assert_err(unwrap(), ERR_UNAUTHORIZED);
  assert_non_null(strstr(err_text(ERR_UNAUTHORIZED), "not you [invalid_client]"));
  assert_int_equal(err_last()->status, 401);
  assert_string_equal(err_last()->answer, "invalid_client");
  assert_int_equal(hub.uses, 0);
  /* Whatever it is that a token service says, it is no word about a key. */
  atomic_store(&hub.token_status, 404);
  assert_err(unwrap(), ERR_UNAUTHORIZED);
  atomic_store(&hub.token_status, 503);
  unsigned before = hub.tokens;
  assert_err(unwrap(), ERR_BUSY);
  assert_int_equal(hub.tokens - before, 4);
  atomic_store(&hub.token_status, 200);
  assert_ok(unwrap());
}

/* A token service that is away takes nothing from a token that is good. */
static void test_token_service_away(void **state) {
  assert_ok(unwrap());
  clock_shift(3600 - 200);
  atomic_store(&hub.token_status, 503);
  assert_ok(unwrap());
  assert_int_equal(hub.tokens, 2); /* one try, not as many as patience has */
  assert_ok(unwrap());             /* not asked at each call */
  assert_int_equal(hub.tokens, 2);
  clock_shift(3601);
  assert_err(unwrap(), ERR_BUSY);
}

static void test_get_token(void **state) {
  AUTO_SECRET t = { 0 }, same = { 0 };
  assert_ok(client_get_token(client, &t));
  assert_true(bytes_starts(secret_bytes(&t), "t1-"));
  assert_ok(client_get_token(client, &same));
  assert_true(bytes_equal(secret_bytes(&same), secret_bytes(&t)));
}

/* --- trying again --- */

static void test_again(void **state) {
  assert_ok(unwrap());
  static const unsigned statuses[] = { 503, 502, 504, 429, 0 };
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    fake_hub_requests(&hub);
    fail_next(2, statuses[i]);
    assert_ok(unwrap());
    assert_int_equal(fake_hub_requests(&hub), 3);
  }
  fail_next(100, 503);
  assert_err(unwrap(), ERR_BUSY);
  assert_string_equal(err_text(ERR_BUSY), "as told [Told]");
  assert_int_equal(err_last()->status, 503);
  assert_int_equal(fake_hub_requests(&hub), 4);
  fail_next(100, 0);
  assert_err(unwrap(), ERR_AWAY);
  assert_int_equal(err_last()->status, 0);
  assert_non_null(strstr(err_text(ERR_AWAY), "closed the connection"));
  assert_int_equal(fake_hub_requests(&hub), 4);
}

static void test_never_again(void **state) {
  assert_ok(unwrap());
  fake_hub_requests(&hub);
  /* What may have made something. */
  static const struct {
    unsigned status;
    err_t e;
    unsigned requests;
  } cases[] = {
    { 503, ERR_BUSY, 1 },          { 0, ERR_AWAY, 1 }, { 500, ERR_INTERNAL, 1 },
    { 400, ERR_BAD_PARAMETER, 1 }, { 429, OK, 2 }, /* this one was not even begun */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fail_next(1, cases[i].status);
    assert_int_equal(create(), cases[i].e);
    assert_int_equal(fake_hub_requests(&hub), cases[i].requests);
    fail_next(0, 0);
  }
  /* What no waiting helps. */
  fail_next(1, 403);
  assert_err(unwrap(), ERR_FORBIDDEN);
  fail_next(1, 500);
  assert_err(unwrap(), ERR_INTERNAL);
  atomic_store(&hub.sealed, true);
  fail_next(1, 503);
  assert_err(unwrap(), ERR_SEALED);
  assert_int_equal(fake_hub_requests(&hub), 3);
}

/* A server that names a time is not asked before, nor waited for if we have not so much. */
static void test_retry_after(void **state) {
  assert_ok(unwrap());
  fake_hub_requests(&hub);
  atomic_store(&hub.retry_after, 30);
  fail_next(1, 503);
  assert_err(unwrap(), ERR_BUSY);
  assert_int_equal(fake_hub_requests(&hub), 1);
  atomic_store(&hub.retry_after, 1);
  fail_next(1, 503);
  uint64_t began = clock_mono_us();
  assert_ok(unwrap());
  assert_true(clock_mono_us() - began >= 1000000);
}

static void test_patience(void **state) {
  const struct client_patience none = { 1, 0, 5000 };
  assert_ok(unwrap());
  client_set_patience(client, &none);
  fake_hub_requests(&hub);
  fail_next(1, 503);
  assert_err(unwrap(), ERR_BUSY);
  assert_int_equal(fake_hub_requests(&hub), 1);
  assert_ok(unwrap());
}

/* --- nobody there --- */

static void assert_away(const char *url, const char *why) {
  const struct client_patience p = { 2, 1000, 2000 };
  AUTO_SETTINGS s = { 0 };
  AUTO(client) struct client *c = NULL;
  AUTO_SECRET out = { 0 };
  fake_hub_settings(&hub, &s);
  assert_ok(settings_set(&s, "KEY_VAULT_URL", bytes_str(url)));
  if (strstr(why, "trusted"))
    assert_ok(settings_set(&s, "SSL_CERT_FILE", bytes_str("")));
  assert_ok(client_new_with(&s, &c));
  assert_null(s.text[SET_URL]);
  client_set_patience(c, &p);
  assert_err(client_get_secret(c, "s", NULL, &out), ERR_AWAY);
  assert_non_null(strstr(err_text(ERR_AWAY), why));
}

static void test_away(void **state) {
  assert_away("https://127.0.0.1:1", "connection refused by 127.0.0.1:1");
  assert_away(hub.app.url, "certificate is not trusted");
  assert_away("https://nowhere.invalid", "cannot resolve");
}

static void test_configuration(void **state) {
  static const char *const urls[] = { "http://127.0.0.1", "127.0.0.1", "https://h/path", "" };
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    AUTO_SETTINGS s = { 0 };
    struct client *c = NULL;
    fake_hub_settings(&hub, &s);
    assert_ok(settings_set(&s, "KEY_VAULT_URL", bytes_str(urls[i])));
    assert_err(client_new_with(&s, &c), ERR_CONFIG);
  }
  AUTO_SETTINGS s = { 0 };
  AUTO(client) struct client *c = NULL;
  AUTO_SECRET out = { 0 };
  fake_hub_settings(&hub, &s);
  assert_ok(settings_set(&s, "AZURE_CLIENT_SECRET", bytes_str("")));
  assert_ok(client_new_with(&s, &c));
  assert_err(client_get_secret(c, "s", NULL, &out), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "no credentials"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_threads),
    TEST(test_token_is_renewed_aside),
    TEST(test_expired_token_is_waited_for),
    TEST(test_rejected_token),
    TEST(test_no_token),
    TEST(test_token_service_away),
    TEST(test_get_token),
    TEST(test_again),
    TEST(test_never_again),
    TEST(test_retry_after),
    TEST(test_patience),
    TEST(test_away),
    TEST(test_configuration),
  };
  return cmocka_run_group_tests_name("client_calls", tests, start_crypto, NULL);
}
