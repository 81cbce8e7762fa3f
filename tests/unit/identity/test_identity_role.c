/* Decisions, scopes, built-in roles, who may assign what. */
#include "hub.h"

static void scopes_are_inherited_downwards(void **state) {
  struct hub *h = *state;
  static const struct {
    const char *at, *asked;
    bool allowed;
  } rows[] = {
    { "/", "/", true },
    { "/", "/keys", true },
    { "/", "/keys/a", true },
    { "/keys", "/", false },
    { "/keys", "/keys", true },
    { "/keys", "/keys/a", true },
    { "/keys", "/keysx", false },
    { "/keys", "/secrets/a", false },
    { "/keys/a", "/keys", false },
    { "/keys/a", "/keys/a", true },
    { "/keys/a", "/KEYS/A", true },
    { "/Keys/AbC", "/keys/aBc", true },
    { "/keys/a", "/keys/ab", false },
    { "/keys/ab", "/keys/a", false },
    { "/keys/a", "/keys/b", false },
    { "/keys/a", "", false },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct client c;
    hub_client(h, "app", &c);
    assert_false(hub_allows(h, &c, ACT_KEY_READ, rows[i].asked));
    hub_assign(h, "reader", &c, rows[i].at, NULL);
    if (hub_allows(h, &c, ACT_KEY_READ, rows[i].asked) != rows[i].allowed)
      fail_msg("at %s, asked for %s", rows[i].at, rows[i].asked);
    assert_ok(identity_delete(h->id, c.app_id));
  }
}

static void scope_forms(void **state) {
  char name[140] = "/keys/";
  memset(name + 6, 'a', 127);
  assert_true(scope_valid(name));
  name[133] = 'a';
  assert_false(scope_valid(name));
  static const char *const good[] = { "/", "/keys", "/KEYS/a-1", "/secrets/x", "/certificates" };
  static const char *const bad[] = {
    "",          "keys", "//",     "/keys/",         "/keys//a", "/keys/a/", "/keys/a/b",
    "/keys/a_b", "/key", "/keysx", "/keys/\xc3\xbc", "/storage", " /",       "/keys/a "
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(scope_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (scope_valid(bad[i]))
      fail_msg("'%s'", bad[i]);
}

#define BIT(a) ((action_set)1 << (a))

#define FROM_TO(a, b) ((BIT(b) << 1) - BIT(a))
#define KEYS FROM_TO(ACT_KEY_READ, ACT_KEY_RELEASE)
#define POLICIES (BIT(ACT_KEY_POLICY_READ) | BIT(ACT_KEY_POLICY_WRITE))
#define SECRETS FROM_TO(ACT_SECRET_READ, ACT_SECRET_RESTORE)
#define SHOW (BIT(ACT_SECRET_READ) | BIT(ACT_SECRET_GET))
#define CERTIFICATES FROM_TO(ACT_CERT_READ, ACT_CERT_RESTORE)
#define ISSUERS \
  (BIT(ACT_ISSUER_READ) | BIT(ACT_ISSUER_WRITE) | BIT(ACT_ISSUER_DELETE) | BIT(ACT_CONTACTS_WRITE))
#define AUTHORIZATION FROM_TO(ACT_ROLE_READ, ACT_ASSIGNMENT_DELETE)
#define VAULTS FROM_TO(ACT_VAULT_READ, ACT_DELETED_VAULT_PURGE)
#define STRONGROOM FROM_TO(ACT_IDENTITY_READ, ACTION_COUNT - 1)
#define USE (BIT(ACT_KEY_READ) | BIT(ACT_KEY_WRAP) | BIT(ACT_KEY_UNWRAP))
#define READ (BIT(ACT_ROLE_READ) | BIT(ACT_ASSIGNMENT_READ))

/* What each built-in role grants, written out. */
static const struct {
  const char *name, *guid;
  action_set granted;
} builtins[] = {
  { "owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", AUTHORIZATION | VAULTS | STRONGROOM },
  { "user-access-administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", AUTHORIZATION },
  { "auditor", "5f2d1c0a-8f0e-4b7b-9a55-3c1d7e92b604", BIT(ACT_AUDIT_READ) | BIT(ACT_STATUS_READ) },
  { "certificate-requester", "3f6c9a52-7d1e-4c0b-8a64-2be9d5f7c1a3", BIT(ACT_CA_ISSUE) },
  { "administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    KEYS | POLICIES | BIT(ACT_RNG) | SECRETS | CERTIFICATES | ISSUERS },
  { "reader", "21090545-7ca7-4776-b22c-e363652d74d2",
    BIT(ACT_KEY_READ) | BIT(ACT_KEY_POLICY_READ) | BIT(ACT_SECRET_READ) | BIT(ACT_CERT_READ) |
      BIT(ACT_ISSUER_READ) },
  { "certificates officer", "a4417e6f-fecd-4de8-b567-7b0420556985", CERTIFICATES | ISSUERS },
  { "certificate-user", "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
    BIT(ACT_KEY_READ) | SHOW | BIT(ACT_CERT_READ) },
  { "crypto-officer", "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", KEYS | POLICIES | BIT(ACT_RNG) },
  { "crypto-user", "12338af0-0e69-4776-bea7-57ae8d297424",
    USE | BIT(ACT_KEY_UPDATE) | BIT(ACT_KEY_BACKUP) | BIT(ACT_KEY_ENCRYPT) | BIT(ACT_KEY_DECRYPT) |
      BIT(ACT_KEY_SIGN) | BIT(ACT_KEY_VERIFY) | BIT(ACT_RNG) },
  { "crypto-service-encryption-user", "e147488a-f6f5-4113-8e2d-b22465e65bf6", USE },
  { "crypto-service-release-user", "08bbd89e-9f13-488c-ac41-acfcb10c90ab", BIT(ACT_KEY_RELEASE) },
  { "secrets-officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", SECRETS },
  { "secrets-user", "4633458b-17de-408a-b874-0445c86b69e6", SHOW },
  { "purge-operator", "a68e7c17-0ab2-4c09-9a58-125dae29748c",
    BIT(ACT_DELETED_VAULT_READ) | BIT(ACT_DELETED_VAULT_PURGE) },
  { "data-access-administrator", "8b54135c-b56d-4d72-a534-26097cfdc8d8",
    READ | BIT(ACT_ASSIGNMENT_WRITE) | BIT(ACT_ASSIGNMENT_DELETE) },
  { "contributor", "f25e0fa2-a7c8-4377-a976-54943a77a395", READ | VAULTS },
};

static void builtin_roles_grant_exactly_this(void **state) {
  struct hub *h = *state;
  assert_int_equal(sizeof builtins / sizeof *builtins, role_builtin_count());
  struct client other; /* so that Owner may go again */
  hub_client(h, "other", &other);
  hub_assign(h, "owner", &other, "/", NULL);
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
    struct client c;
    char guid[GUID_SIZE + 1];
    hub_client(h, "app", &c);
    assert_ok(role_find(h->roles, builtins[i].name, guid));
    assert_string_equal(guid, builtins[i].guid);
    hub_assign(h, builtins[i].guid, &c, "/", NULL);
    for (unsigned a = 0; a < ACTION_COUNT; a++)
      if (hub_allows(h, &c, (enum action)a, "/keys/x") != (builtins[i].granted >> a & 1))
        fail_msg("%s: %s", builtins[i].name, action_name((enum action)a));
    assert_false(hub_allows(h, &c, ACT_NONE, "/"));
    assert_false(hub_allows(h, &c, ACT_ANY, "/"));
    assert_ok(identity_delete(h->id, c.app_id));
  }
}

static void service_encryption_user_uses_and_does_not_change(void **state) {
  struct hub *h = *state;
  struct client c;
  unsigned allowed = 0;
  hub_client(h, "disk", &c);
  hub_assign(h, ROLE_CRYPTO_SERVICE_ENCRYPTION, &c, "/keys/disks", NULL);
  for (unsigned a = 0; a < ACTION_COUNT; a++) {
    allowed += hub_allows(h, &c, (enum action)a, "/keys/disks");
    assert_false(hub_allows(h, &c, (enum action)a, "/keys/other"));
  }
  assert_int_equal(allowed, 3);
}

static void roles_are_found_by_any_of_their_names(void **state) {
  struct hub *h = *state;
  char guid[GUID_SIZE + 1];
  static const char *const names[] = { "Key Vault Crypto User", "key vault crypto user",
                                       "crypto-user", "Crypto User",
                                       "12338AF0-0E69-4776-BEA7-57AE8D297424" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_ok(role_find(h->roles, names[i], guid));
    assert_string_equal(guid, "12338af0-0e69-4776-bea7-57ae8d297424");
  }
  static const char *const unknown[] = { "", "crypto", "crypto-users",
                                         "12338af0-0e69-4776-bea7-57ae8d297425" };
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    assert_refused(role_find(h->roles, unknown[i], guid), ERR_ROLE_DEFINITION_NOT_FOUND,
                   "Requested role definition not found");
}

static void a_decision_names_its_assignment(void **state) {
  struct hub *h = *state;
  struct client c;
  char wanted[GUID_SIZE + 1], got[GUID_SIZE + 1];
  hub_client(h, "app", &c);
  hub_assign(h, "reader", &c, "/keys/a", NULL);
  hub_assign(h, "crypto-user", &c, "/keys/b", wanted);
  struct caller who = { 0 };
  memcpy(who.oid, c.oid, sizeof who.oid);
  assert_true(role_decide(h->roles, &who, ACT_KEY_READ, "/keys/b", got));
  assert_string_equal(got, wanted);
  assert_ok(identity_set_enabled(h->id, c.app_id, false));
  assert_false(role_decide(h->roles, &who, ACT_KEY_READ, "/keys/b", got));
  assert_ok(identity_set_enabled(h->id, c.app_id, true));
  assert_true(role_decide(h->roles, &who, ACT_KEY_READ, "/keys/b", got));
  memset(who.oid, 0, sizeof who.oid);
  assert_false(role_decide(h->roles, &who, ACT_KEY_READ, "/keys/b", got));
}

#define GUID_1 "11111111-1111-4111-8111-111111111111"
#define GUID_2 "22222222-2222-4222-8222-222222222222"

static void assignments_are_checked(void **state) {
  struct hub *h = *state;
  struct client c;
  hub_client(h, "app", &c);
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "Principal " GUID_1 " does not exist in the directory %s.%c",
             identity_tenant(h->id), 0);
  assert_refused(role_assign(h->roles, NULL, GUID_1, "reader", GUID_1, "/"), ERR_BAD_PARAMETER,
                 (char *)text.data);
  assert_err(role_assign(h->roles, NULL, GUID_1, "reader", c.app_id, "/"), ERR_BAD_PARAMETER);
  assert_err(role_assign(h->roles, NULL, GUID_1, "reader", "app", "/"), ERR_BAD_PARAMETER);
  assert_refused(role_assign(h->roles, NULL, "g", "reader", c.oid, "/"), ERR_BAD_PARAMETER,
                 "Role assignment name must be a GUID");
  assert_err(role_assign(h->roles, NULL, GUID_1, "nobody", c.oid, "/"),
             ERR_ROLE_DEFINITION_NOT_FOUND);
  assert_err(role_assign(h->roles, NULL, GUID_1, "reader", c.oid, "/keys/"), ERR_BAD_PARAMETER);
  assert_ok(role_assign(h->roles, NULL, GUID_1, "reader", c.oid, "/keys/a"));
  assert_refused(role_assign(h->roles, NULL, GUID_1, "crypto-user", c.oid, "/"), ERR_CONFLICT,
                 "The role assignment already exists.");
  assert_err(role_assign(h->roles, NULL, GUID_2, "reader", c.oid, "/KEYS/A"), ERR_CONFLICT);
  assert_ok(role_assign(h->roles, NULL, GUID_2, "reader", c.oid, "/keys/b"));
  assert_refused(role_unassign(h->roles, NULL, GUID_2, "/keys/a"), ERR_ROLE_ASSIGNMENT_NOT_FOUND,
                 "Requested role assignment not found");
  assert_ok(role_unassign(h->roles, NULL, GUID_2, "/keys/b"));
  assert_err(role_unassign(h->roles, NULL, GUID_2, "/keys/b"), ERR_ROLE_ASSIGNMENT_NOT_FOUND);
  assert_err(role_unassign(h->roles, NULL, "", "/"), ERR_ROLE_ASSIGNMENT_NOT_FOUND);
}

static void assignments_are_shown(void **state) {
  struct hub *h = *state;
  struct client a, b;
  hub_client(h, "a", &a);
  hub_client(h, "b", &b);
  assert_ok(role_assign(h->roles, NULL, GUID_1, "reader", a.oid, "/"));
  assert_ok(role_assign(h->roles, NULL, GUID_2, "crypto-user", b.oid, "/keys/K"));
  AUTO_BUF one = BUF_EMPTY, wanted = BUF_EMPTY;
  assert_ok(role_write_assignment(h->roles, GUID_1, "/", &one));
  buf_printf(&wanted,
             "{\"id\":\"/providers/Microsoft.Authorization/roleAssignments/" GUID_1
             "\",\"name\":\"" GUID_1 "\",\"type\":\"Microsoft.Authorization/roleAssignments\","
             "\"properties\":{\"principalId\":\"%s\",\"roleDefinitionId\":\"Microsoft.KeyVault/"
             "providers/Microsoft.Authorization/roleDefinitions/"
             "21090545-7ca7-4776-b22c-e363652d74d2\",\"scope\":\"/\"}}",
             a.oid);
  assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&wanted)));
  assert_err(role_write_assignment(h->roles, GUID_1, "/keys", &one), ERR_ROLE_ASSIGNMENT_NOT_FOUND);
  static const struct {
    const char *scope;
    bool of_b;
    size_t count;
  } rows[] = { { "/", false, 2 },
               { "/keys", false, 1 },
               { "/keys/k", false, 1 },
               { "/keys/x", false, 0 },
               { "/", true, 1 } };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_BUF json = BUF_EMPTY;
    AUTO_JSON *o = NULL;
    assert_ok(role_write_assignments(h->roles, rows[i].scope, rows[i].of_b ? b.oid : "", &json));
    assert_ok(json_read(buf_bytes(&json), &o));
    json_t *list = json_object_get(o, "value");
    assert_int_equal(json_array_size(list), rows[i].count);
    if (rows[i].of_b)
      assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "id")),
                          "/keys/K/providers/Microsoft.Authorization/roleAssignments/" GUID_2);
  }
}

/* A granter's own roles decide what it may assign, and where. */
static void granters_are_held_to_their_own_rights(void **state) {
  struct hub *h = *state;
  static const struct {
    const char *granter_role, *granter_scope, *role, *scope;
    bool allowed;
  } rows[] = {
    { "owner", "/", "owner", "/", true },
    { "user-access-administrator", "/", "administrator", "/keys/a", true },
    { "user-access-administrator", "/keys/a", "administrator", "/keys/a", true },
    { "user-access-administrator", "/keys/a", "administrator", "/keys", false },
    { "data-access-administrator", "/", "crypto-user", "/keys/a", true },
    { "data-access-administrator", "/", "administrator", "/", true },
    { "data-access-administrator", "/", "secrets-officer", "/secrets", true },
    { "data-access-administrator", "/keys", "crypto-user", "/", false },
    { "data-access-administrator", "/", "owner", "/", false },
    { "data-access-administrator", "/", "user-access-administrator", "/keys/a", false },
    { "data-access-administrator", "/", "data-access-administrator", "/", false },
    { "data-access-administrator", "/", "auditor", "/", false },
    { "data-access-administrator", "/", "contributor", "/", false },
    { "administrator", "/", "reader", "/", false },
    { "crypto-officer", "/", "reader", "/", false },
  };
  struct client owner; /* the others may go */
  hub_client(h, "owner", &owner);
  hub_assign(h, "owner", &owner, "/", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct client granter, c;
    struct caller who = { 0 };
    hub_client(h, "granter", &granter);
    hub_client(h, "app", &c);
    hub_assign(h, rows[i].granter_role, &granter, rows[i].granter_scope, NULL);
    memcpy(who.oid, granter.oid, sizeof who.oid);
    err_t e = role_assign(h->roles, &who, GUID_1, rows[i].role, c.oid, rows[i].scope);
    if (e != (rows[i].allowed ? OK : ERR_FORBIDDEN))
      fail_msg("row %zu: %s", i, err_info(e)->name);
    if (e != OK)
      assert_ok(role_assign(h->roles, NULL, GUID_1, rows[i].role, c.oid, rows[i].scope));
    e = role_unassign(h->roles, &who, GUID_1, rows[i].scope);
    if (e != (rows[i].allowed ? OK : ERR_FORBIDDEN))
      fail_msg("row %zu, removal: %s", i, err_info(e)->name);
    assert_ok(identity_delete(h->id, c.app_id));
    assert_ok(identity_delete(h->id, granter.app_id));
  }
}

static void more_rights_lift_the_limit(void **state) {
  struct hub *h = *state;
  struct client granter, c;
  struct caller who = { 0 };
  hub_client(h, "granter", &granter);
  hub_client(h, "app", &c);
  memcpy(who.oid, granter.oid, sizeof who.oid);
  hub_assign(h, "data-access-administrator", &granter, "/", NULL);
  assert_err(role_assign(h->roles, &who, GUID_1, "auditor", c.oid, "/"), ERR_FORBIDDEN);
  hub_assign(h, "user-access-administrator", &granter, "/", NULL);
  assert_ok(role_assign(h->roles, &who, GUID_1, "auditor", c.oid, "/"));
  assert_ok(identity_set_enabled(h->id, granter.app_id, false));
  assert_err(role_unassign(h->roles, &who, GUID_1, "/"), ERR_FORBIDDEN);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, hub_start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(scopes_are_inherited_downwards),
    cmocka_unit_test(scope_forms),
    T(builtin_roles_grant_exactly_this),
    T(service_encryption_user_uses_and_does_not_change),
    T(roles_are_found_by_any_of_their_names),
    T(a_decision_names_its_assignment),
    T(assignments_are_checked),
    T(assignments_are_shown),
    T(granters_are_held_to_their_own_rights),
    T(more_rights_lift_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
