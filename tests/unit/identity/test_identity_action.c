/* The action table and its patterns; GUID tables. */
#include "hub.h"

#include <stdio.h>

static action_set match(const char *pattern) {
  return action_match(bytes_str(pattern));
}
static action_set bit(enum action a) {
  return (action_set)1 << a;
}

static void every_action_names_itself_and_no_other(void **state) {
  for (unsigned a = 0; a < ACTION_COUNT; a++)
    assert_int_equal(match(action_name((enum action)a)), bit((enum action)a));
  assert_string_equal(action_name(ACT_NONE), "");
}

static void patterns(void **state) {
  action_set all = ((action_set)1 << ACTION_COUNT) - 1;
  action_set secrets = 0;
  for (unsigned a = ACT_SECRET_READ; a <= ACT_SECRET_RESTORE; a++)
    secrets |= bit((enum action)a);
  action_set certificates = 0;
  for (unsigned a = ACT_CERT_READ; a <= ACT_CERT_RESTORE; a++)
    certificates |= bit((enum action)a);
  action_set reads =
    bit(ACT_KEY_READ) | bit(ACT_KEY_POLICY_READ) | bit(ACT_CERT_READ) | bit(ACT_ISSUER_READ);
  const struct {
    const char *pattern;
    action_set set;
  } rows[] = {
    { "*", all },
    { "**", all },
    { "", 0 },
    { "Microsoft.KeyVault/vaults/keys", 0 },
    { "Microsoft.KeyVault/vaults/keys/", 0 },
    { "microsoft.keyvault/VAULTS/keys/READ", bit(ACT_KEY_READ) },
    { KV "keys/read/", 0 },
    { KV "keys/rea", 0 },
    { KV "*/read", reads },
    { "*/vaults/*/read", reads },
    { KV "keys/*wrap/action", bit(ACT_KEY_WRAP) | bit(ACT_KEY_UNWRAP) },
    { KV "keyrotationpolicies/*", bit(ACT_KEY_POLICY_READ) | bit(ACT_KEY_POLICY_WRITE) },
    { KV "secrets/*", secrets },
    { KV "certificates/*", certificates },
    { KV "certificatecas/*",
      bit(ACT_ISSUER_READ) | bit(ACT_ISSUER_WRITE) | bit(ACT_ISSUER_DELETE) },
    { KV "certificatecontacts/write", bit(ACT_CONTACTS_WRITE) },
    { KV "certificatecontacts/read", 0 },
    { "*rng*", bit(ACT_RNG) },
    { "*/delete", bit(ACT_KEY_DELETE) | bit(ACT_SECRET_DELETE) | bit(ACT_CERT_DELETE) |
                    bit(ACT_ISSUER_DELETE) | bit(ACT_ROLE_DELETE) | bit(ACT_ASSIGNMENT_DELETE) |
                    bit(ACT_VAULT_DELETE) },
    { "Strongroom/seal/action*", bit(ACT_SEAL) },
    { "Strongroom/seal/action?", 0 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (match(rows[i].pattern) != rows[i].set)
      fail_msg("%s: %llx", rows[i].pattern, (unsigned long long)match(rows[i].pattern));
}

/* Puts, finds and removes enough to grow and to have neighbours pushed about. */
static void guid_map_keeps_what_it_is_given(void **state) {
  enum { N = 500 };
  static char keys[N][GUID_SIZE + 1];
  struct guid_map m = { 0 };
  assert_null(guid_map_get(&m, "00000000-0000-4000-8000-000000000000"));
  for (unsigned i = 0; i < N; i++) {
    snprintf(keys[i], sizeof keys[i], "%08x-0000-4000-8000-%012x", i * 7, i);
    assert_ok(guid_map_reserve(&m));
    guid_map_put(&m, keys[i], keys[i]);
  }
  for (unsigned i = 0; i < N; i += 3)
    guid_map_remove(&m, keys[i]);
  guid_map_remove(&m, keys[0]);
  for (unsigned i = 0; i < N; i++)
    assert_ptr_equal(guid_map_get(&m, keys[i]), i % 3 ? keys[i] : NULL);
  assert_int_equal(m.count, N - (N + 2) / 3);
  assert_null(guid_map_get(&m, ""));
  assert_null(guid_map_get(&m, "00000007"));
  size_t at = 0, seen = 0;
  while (guid_map_next(&m, &at))
    seen++;
  assert_int_equal(seen, m.count);
  guid_map_free(&m);
}

static void guids(void **state) {
  char out[GUID_SIZE + 1];
  assert_true(guid_fold("8E3AF657-A8FF-443C-A75C-2FE8C4BCB635", out));
  assert_string_equal(out, ROLE_OWNER);
  assert_false(guid_fold("8e3af657-a8ff-443c-a75c-2fe8c4bcb63", out));
  assert_false(guid_fold("", out));
  char other[GUID_SIZE + 1];
  assert_ok(guid_random(out));
  assert_ok(guid_random(other));
  assert_string_not_equal(out, other);
  assert_true(guid_valid(bytes_str(out)));
  assert_int_equal(out[14], '4');
}

static int start(void **state) {
  bool locked;
  mem_install_json();
  assert_ok(crypto_init(1u << 16, &locked));
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_action_names_itself_and_no_other),
    cmocka_unit_test(patterns),
    cmocka_unit_test(guid_map_keeps_what_it_is_given),
    cmocka_unit_test(guids),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
