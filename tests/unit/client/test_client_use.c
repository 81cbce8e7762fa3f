/* What keys are called, how few requests their use takes, and what is said when there is none. */
#include "hub_client.h"

#include <stdio.h>

static void test_names(void **state) {
  static const struct {
    const char *key, *name, *version;
  } good[] = {
    { "k", "k", "" },
    { "My-Key-9", "My-Key-9", "" },
    { "k/" VERSION, "k", VERSION },
    { "https://host/keys/k/" VERSION, "k", VERSION },
    { "https://host:8443/keys/k", "k", "" },
    { "HTTPS://[::1]:8443/Keys/k/1", "k", "1" },
  };
  static const char *const wrong[] = {
    "",
    "/",
    "k/",
    "/k",
    "k/v/",
    "k/v/w",
    "k_",
    "k ",
    "k?x",
    "k/..",
    "../k",
    "k%2f",
    "k\n",
    "http://host/keys/k",
    "https://",
    "https:///keys/k",
    "https://host",
    "https://host/",
    "https://host/keys",
    "https://host/keys/",
    "https://host/keys//v",
    "https://host/keys/k/",
    "https://host/keys/k/v/w",
    "https://host/secrets/k",
    "https://host/x/keys/k",
    "https://host/keys/k?api-version=1",
    "k/" VERSION "0",
  };
  char room[160];
  struct key_name k;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_ok(key_name_parse(good[i].key, &k));
    assert_string_equal(k.name, good[i].name);
    assert_string_equal(k.version, good[i].version);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (key_name_parse(wrong[i], &k) != ERR_BAD_PARAMETER)
      fail_msg("taken: %s", wrong[i]);
  memset(room, 'k', 127);
  room[127] = '\0';
  assert_ok(key_name_parse(room, &k));
  room[127] = 'k';
  room[128] = '\0';
  assert_err(key_name_parse(room, &k), ERR_BAD_PARAMETER);
}

static err_t wrap(const char *key, struct wrapped *out) {
  return client_wrap(client, key, bytes_str("0123456789abcdef"), out);
}

/* The key is looked at once. */
static void test_one_request(void **state) {
  struct wrapped w = { 0 };
  AUTO_SECRET back = { 0 };
  char path[512], kid[128];
  assert_ok(wrap("k", &w));
  assert_int_equal(hub.gets, 1);
  assert_int_equal(fake_hub_requests(&hub), 2);
  for (int i = 0; i < 3; i++)
    assert_ok(wrap("k", &w));
  assert_int_equal(fake_hub_requests(&hub), 3);
  snprintf(kid, sizeof kid, "%s/keys/k/" VERSION, hub.app.url);
  assert_string_equal(w.key_id, kid);
  assert_string_equal(w.alg, "A256KW");
  assert_int_equal(w.size, 16);
  assert_int_equal(w.data[1], '1' ^ FAKE_HUB_MASK);
  fake_hub_copy(&hub, hub.path, path, sizeof path);
  assert_string_equal(path, "/keys/k//wrapkey");
  /* Another version is another key. */
  assert_ok(wrap("k/" VERSION, &w));
  assert_int_equal(fake_hub_requests(&hub), 2);
  fake_hub_copy(&hub, hub.path, path, sizeof path);
  assert_string_equal(path, "/keys/k/" VERSION "/wrapkey");
  /* What is kept is not kept for ever. */
  clock_shift(2 * 3600);
  assert_ok(wrap("k", &w));
  assert_int_equal(hub.gets, 1);
  /* Unwrapping needs no look. */
  fake_hub_requests(&hub);
  assert_ok(client_unwrap(client, &w, &back));
  assert_text(secret_bytes(&back), "0123456789abcdef");
  assert_int_equal(fake_hub_requests(&hub), 1);
  fake_hub_copy(&hub, hub.path, path, sizeof path);
  assert_string_equal(path, "/keys/k/" VERSION "/unwrapkey");
}

static void test_algorithms(void **state) {
  static const struct {
    const char *kty, *alg;
    unsigned first; /* requests of the first wrap, the look included */
    bool forbids_get;
  } cases[] = {
    { "oct", "A256KW", 2, false },
    { "oct-HSM", "A192KW", 3, false },
    { "oct", "A128KW", 4, false },
    { "RSA", "RSA-OAEP-256", 2, false },
    { "RSA-HSM", "RSA-OAEP-256", 2, false },
    { "RSA", "RSA-OAEP-256", 3, true },
    { "oct", "A128KW", 5, true },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct wrapped w = { 0 };
    end(NULL);
    start(NULL);
    hub.kty = cases[i].kty;
    hub.alg = cases[i].alg;
    atomic_store(&hub.forbids_get, cases[i].forbids_get);
    assert_ok(wrap("k", &w));
    assert_string_equal(w.alg, cases[i].alg);
    assert_int_equal(fake_hub_requests(&hub), cases[i].first);
    assert_ok(wrap("k", &w));
    assert_int_equal(fake_hub_requests(&hub), 1);
  }
  /* The name may have got another key meanwhile. */
  struct wrapped w = { 0 };
  hub.kty = "RSA";
  hub.alg = "RSA-OAEP-256";
  assert_ok(wrap("k", &w));
  assert_string_equal(w.alg, "RSA-OAEP-256");
  atomic_store(&hub.forbids_get, false);
  hub.kty = "EC";
  hub.alg = "ES256";
  assert_err(wrap("k", &w), ERR_BAD_PARAMETER);
  assert_non_null(strstr(err_text(ERR_BAD_PARAMETER), "of type EC"));
}

/* Requests go where the settings say, whatever a key id names; who finds nothing there is told
 * both. */
static void test_other_host(void **state) {
  struct wrapped w = { .key_id = "https://kv9.example:8443/keys/k/" VERSION,
                       .alg = "A256KW",
                       .size = 3 };
  char own[64];
  AUTO_SECRET back = { 0 };
  assert_ok(client_unwrap(client, &w, &back));
  assert_int_equal(fake_hub_requests(&hub), 1);
  secret_free(&back);
  atomic_store(&hub.missing, true);
  assert_err(client_unwrap(client, &w, &back), ERR_NOT_FOUND);
  assert_non_null(strstr(err_text(ERR_NOT_FOUND), "kv9.example:8443"));
  snprintf(own, sizeof own, "127.0.0.1:%u", hub.app.port);
  assert_non_null(strstr(err_text(ERR_NOT_FOUND), own));
  assert_non_null(strstr(err_text(ERR_NOT_FOUND), "as told [KeyNotFound]"));
  assert_string_equal(err_last()->answer, "KeyNotFound");
  assert_int_equal(err_last()->status, 404);
  /* Its own id needs no explanation. */
  snprintf(w.key_id, sizeof w.key_id, "%s/keys/k/" VERSION, hub.app.url);
  assert_err(client_unwrap(client, &w, &back), ERR_NOT_FOUND);
  assert_string_equal(err_text(ERR_NOT_FOUND), "as told [KeyNotFound]");
  snprintf(w.key_id, sizeof w.key_id, "https://h/secrets/k");
  assert_err(client_unwrap(client, &w, &back), ERR_BAD_PARAMETER);
}

static void test_sign_and_secret(void **state) {
  AUTO_BUF signature = BUF_EMPTY;
  AUTO_SECRET value = { 0 };
  bool valid = false;
  hub.alg = "ES256";
  assert_ok(client_sign(client, "k", "ES256", bytes_str("digest"), &signature));
  assert_text(buf_bytes(&signature), "digest");
  assert_err(client_sign(client, "k", "PS256", bytes_str("digest"), &signature), ERR_BAD_PARAMETER);
  assert_ok(client_verify(client, "k", "ES256", bytes_str("d"), bytes_str("s"), &valid));
  assert_true(valid);
  assert_ok(client_get_secret(client, "s", NULL, &value));
  assert_text(secret_bytes(&value), "a value");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names), TEST(test_one_request),     TEST(test_algorithms),
    TEST(test_other_host),        TEST(test_sign_and_secret),
  };
  return cmocka_run_group_tests_name("client_use", tests, start_crypto, NULL);
}
