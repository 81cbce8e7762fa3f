/* Custom role definitions. */
#include "hub.h"

#include <stdio.h>

#define GUID_1 "11111111-1111-4111-8111-111111111111"
#define GUID_2 "22222222-2222-4222-8222-222222222222"

static err_t put(struct hub *h, const char *guid, const char *body) {
  AUTO_JSON *o = json_loads(body, 0, NULL);
  assert_non_null(o);
  return role_put_definition(h->roles, NULL, guid, o);
}

/* {"properties":{"roleName":name,"permissions":[permission]}} */
static err_t put_permission(struct hub *h, const char *name, const char *permission) {
  AUTO_BUF b = BUF_EMPTY;
  buf_printf(&b, "{\"properties\":{\"roleName\":\"%s\",\"permissions\":[%s]}}%c", name, permission,
             0);
  return put(h, GUID_1, (char *)b.data);
}

static json_t *shown(struct hub *h, const char *guid) {
  AUTO_BUF json = BUF_EMPTY;
  json_t *o = NULL;
  assert_ok(role_write_definition(h->roles, guid, &json));
  assert_ok(json_read(buf_bytes(&json), &o));
  return o;
}

static void shown_as_the_service_shows_it(void **state) {
  struct hub *h = *state;
  assert_ok(put(h, GUID_1,
                "{\"properties\":{\"roleName\":\"Signers\",\"description\":\"sign \\\"all\\\"\","
                "\"type\":\"CustomRole\",\"permissions\":[{\"dataActions\":[\"" KV
                "keys/sign/action\"],\"notDataActions\":[]}]}}"));
  static const char wanted[] =
    "{\"id\":\"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" GUID_1
    "\",\"name\":\"" GUID_1 "\",\"type\":\"Microsoft.Authorization/roleDefinitions\","
    "\"properties\":{\"roleName\":\"Signers\",\"description\":\"sign \\\"all\\\"\","
    "\"type\":\"CustomRole\",\"assignableScopes\":[\"/\"],\"permissions\":[{\"actions\":[],"
    "\"notActions\":[],\"dataActions\":[\"" KV "keys/sign/action\"],\"notDataActions\":[]}]}}";
  for (int i = 0; i < 2; i++) {
    AUTO_BUF json = BUF_EMPTY;
    assert_ok(role_write_definition(h->roles, GUID_1, &json));
    assert_true(bytes_equal_str(buf_bytes(&json), wanted));
    hub_reopen(h);
  }
}

static void builtin_definitions_are_shown(void **state) {
  struct hub *h = *state;
  AUTO_JSON *o = shown(h, ROLE_CRYPTO_SERVICE_ENCRYPTION);
  json_t *p = json_object_get(o, "properties");
  assert_string_equal(json_string_value(json_object_get(p, "type")), "AKVBuiltInRole");
  json_t *permission = json_array_get(json_object_get(p, "permissions"), 0);
  json_t *data = json_object_get(permission, "dataActions");
  assert_int_equal(json_array_size(data), 3);
  assert_string_equal(json_string_value(json_array_get(data, 1)), KV "keys/wrap/action");
  AUTO_BUF json = BUF_EMPTY;
  assert_err(role_write_definition(h->roles, "crypto-user", &json), ERR_ROLE_DEFINITION_NOT_FOUND);
}

static void list_has_builtin_roles_first(void **state) {
  struct hub *h = *state;
  assert_ok(put(h, GUID_2, "{\"properties\":{\"roleName\":\"B\"}}"));
  assert_ok(put(h, GUID_1, "{\"properties\":{\"roleName\":\"A\"}}"));
  AUTO_BUF json = BUF_EMPTY;
  AUTO_JSON *o = NULL;
  assert_ok(role_write_definitions(h->roles, &json));
  assert_ok(json_read(buf_bytes(&json), &o));
  json_t *list = json_object_get(o, "value");
  size_t n = role_builtin_count();
  assert_int_equal(json_array_size(list), n + 2);
  for (size_t i = 0; i < n + 2; i++) {
    const char *guid = json_string_value(json_object_get(json_array_get(list, i), "name"));
    assert_string_equal(guid, i < n ? role_builtin_guid(i) : i == n ? GUID_1 : GUID_2);
  }
}

static void names_and_guids(void **state) {
  struct hub *h = *state;
  static const char reuse[] = "Cannot re-use the name/GUID matching that of a built-in role. "
                              "Please use a unique role ID.";
  assert_refused(put(h, "foo unique value", "{\"properties\":{\"roleName\":\"x\"}}"),
                 ERR_BAD_PARAMETER, "Role definition name must be a GUID");
  assert_refused(put(h, ROLE_OWNER, "{\"properties\":{\"roleName\":\"x\"}}"), ERR_BAD_PARAMETER,
                 reuse);
  assert_refused(put(h, GUID_1, "{\"properties\":{\"roleName\":\"key vault READER\"}}"),
                 ERR_BAD_PARAMETER, reuse);
  assert_refused(put(h, GUID_1, "{\"properties\":{\"roleName\":\"Crypto-User\"}}"),
                 ERR_BAD_PARAMETER, reuse);
  assert_ok(put(h, GUID_1, "{\"properties\":{\"roleName\":\"Signers\"}}"));
  assert_refused(put(h, GUID_2, "{\"properties\":{\"roleName\":\"signers\"}}"), ERR_CONFLICT,
                 "A role definition with the same name exists.");
  assert_ok(put(h, GUID_1, "{\"properties\":{\"roleName\":\"signers\"}}")); /* its own */
  assert_ok(put(h, GUID_2, "{\"properties\":{}}"));
  char guid[GUID_SIZE + 1];
  assert_ok(role_find(h->roles, "SIGNERS", guid));
  assert_string_equal(guid, GUID_1);
  AUTO_JSON *o = shown(h, GUID_2);
  assert_string_equal(
    json_string_value(json_object_get(json_object_get(o, "properties"), "roleName")), GUID_2);
}

#define NINE_SCOPES "\"/\",\"/\",\"/\",\"/\",\"/\",\"/\",\"/\",\"/\",\"/\""

static void malformed_definitions(void **state) {
  struct hub *h = *state;
  static const char *const bodies[] = {
    "{}",
    "{\"properties\":[]}",
    "{\"properties\":{\"roleName\":1}}",
    "{\"properties\":{\"roleName\":\"\"}}",
    "{\"properties\":{\"description\":{}}}",
    "{\"properties\":{\"permissions\":{}}}",
    "{\"properties\":{\"permissions\":[1]}}",
    "{\"properties\":{\"permissions\":[{\"actions\":\"*\"}]}}",
    "{\"properties\":{\"permissions\":[{\"actions\":[1]}]}}",
    "{\"properties\":{\"permissions\":[{\"dataActions\":[\"keys/read\"]}]}}",
    "{\"properties\":{\"permissions\":[{\"dataActions\":[\"Microsoft.Storage/x\"]}]}}",
    "{\"properties\":{\"permissions\":[{\"dataActions\":[\"\"]}]}}",
    "{\"properties\":{\"permissions\":[{\"dataActions\":[\"Strongroom/ x\"]}]}}",
    "{\"properties\":{\"assignableScopes\":\"/\"}}",
    "{\"properties\":{\"assignableScopes\":[1]}}",
    "{\"properties\":{\"assignableScopes\":[\"/subscriptions/1\"]}}",
    "{\"properties\":{\"assignableScopes\":[" NINE_SCOPES "]}}",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    if (put(h, GUID_1, bodies[i]) != ERR_BAD_PARAMETER)
      fail_msg("%s", bodies[i]);
  AUTO_BUF many = BUF_EMPTY;
  buf_put_str(&many, "{\"dataActions\":[\"*\"");
  for (int i = 0; i < 256; i++)
    buf_put_str(&many, ",\"*\"");
  buf_put(&many, "]}", 3);
  assert_err(put_permission(h, "many", (char *)many.data), ERR_BAD_PARAMETER);
  assert_int_equal(h->roles->custom.count, 0);
}

/* actions reach the hub only, data actions the vault only; not* takes away within its permission.
 */
static void what_permissions_grant(void **state) {
  struct hub *h = *state;
  static const struct {
    const char *permissions;
    bool read, wrap, assign, seal, vault;
  } rows[] = {
    { "{}", 0, 0, 0, 0, 0 },
    { "{\"actions\":[\"*\"]}", 0, 0, 1, 1, 1 },
    { "{\"dataActions\":[\"*\"]}", 1, 1, 0, 0, 0 },
    { "{\"dataActions\":[\"" KV "*\"],\"notDataActions\":[\"*/read\"]}", 0, 1, 0, 0, 0 },
    { "{\"dataActions\":[\"*\"],\"notDataActions\":[\"*\"]},{\"dataActions\":[\"" KV
      "keys/read\"]}",
      1, 0, 0, 0, 0 },
    { "{\"actions\":[\"Strongroom/*\"],\"notActions\":[\"Strongroom/seal/*\"]}", 0, 0, 0, 0, 0 },
    { "{\"actions\":[\"microsoft.authorization/*/WRITE\"]}", 0, 0, 1, 0, 0 },
    { "{\"actions\":[\"" KV "keys/read\"],\"dataActions\":[\"Strongroom/*\"]}", 0, 0, 0, 0, 0 },
    { "{\"dataActions\":[\"Microsoft.KeyVault/managedHsm/keys/read/action\"]}", 0, 0, 0, 0, 0 },
    { "{\"actions\":[\"" KV "*\"]}", 0, 0, 0, 0, 1 },
    { "{\"actions\":[\"" KV "write\"]}", 0, 0, 0, 0, 1 },
    { "{\"dataActions\":[\"" KV "*\",\"" KV "write\"]}", 1, 1, 0, 0, 0 },
  };
  struct client c;
  hub_client(h, "app", &c);
  assert_ok(put_permission(h, "mine", "{}"));
  hub_assign(h, "mine", &c, "/", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_ok(put_permission(h, "mine", rows[i].permissions)); /* in force at once */
    bool same = hub_allows(h, &c, ACT_KEY_READ, "/keys/a") == rows[i].read &&
                hub_allows(h, &c, ACT_KEY_WRAP, "/keys/a") == rows[i].wrap &&
                hub_allows(h, &c, ACT_ASSIGNMENT_WRITE, "/") == rows[i].assign &&
                hub_allows(h, &c, ACT_SEAL, "/") == rows[i].seal &&
                hub_allows(h, &c, ACT_VAULT_WRITE, "/") == rows[i].vault;
    if (!same)
      fail_msg("%s", rows[i].permissions);
  }
}

static void assignable_scopes_hold(void **state) {
  struct hub *h = *state;
  struct client c;
  hub_client(h, "app", &c);
  assert_ok(
    put(h, GUID_1,
        "{\"properties\":{\"roleName\":\"r\",\"assignableScopes\":[\"/keys/a\",\"/secrets\"]}}"));
  assert_err(role_assign(h->roles, NULL, GUID_2, "r", c.oid, "/"), ERR_BAD_PARAMETER);
  assert_err(role_assign(h->roles, NULL, GUID_2, "r", c.oid, "/keys"), ERR_BAD_PARAMETER);
  hub_reopen(h);
  assert_err(role_assign(h->roles, NULL, GUID_2, "r", c.oid, "/keys/b"), ERR_BAD_PARAMETER);
  hub_assign(h, "r", &c, "/keys/A", NULL);
  hub_assign(h, "r", &c, "/secrets/x", NULL);
}

static void deleting(void **state) {
  struct hub *h = *state;
  struct client c;
  char guid[GUID_SIZE + 1];
  hub_client(h, "app", &c);
  assert_refused(
    role_delete_definition(h->roles, NULL, ROLE_OWNER), ERR_BAD_PARAMETER,
    "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique "
    "role ID.");
  assert_err(role_delete_definition(h->roles, NULL, "foobar"), ERR_ROLE_DEFINITION_NOT_FOUND);
  assert_err(role_delete_definition(h->roles, NULL, GUID_1), ERR_ROLE_DEFINITION_NOT_FOUND);
  assert_ok(put_permission(h, "mine", "{\"dataActions\":[\"*\"]}"));
  hub_assign(h, GUID_1, &c, "/keys", guid);
  assert_refused(role_delete_definition(h->roles, NULL, GUID_1), ERR_CONFLICT,
                 "There are existing role assignments of this role: remove them first.");
  assert_ok(role_unassign(h->roles, NULL, guid, "/keys"));
  assert_ok(role_delete_definition(h->roles, NULL, GUID_1));
  assert_err(role_find(h->roles, "mine", guid), ERR_ROLE_DEFINITION_NOT_FOUND);
  hub_reopen(h);
  assert_err(role_find(h->roles, "mine", guid), ERR_ROLE_DEFINITION_NOT_FOUND);
}

/* The right to change a definition must be held at "/", by whatever way the request came. */
static void granters(void **state) {
  struct hub *h = *state;
  struct client c;
  struct caller who = { 0 };
  AUTO_JSON *o = json_loads("{\"properties\":{\"roleName\":\"r\"}}", 0, NULL);
  hub_client(h, "app", &c);
  memcpy(who.oid, c.oid, sizeof who.oid);
  hub_assign(h, "user-access-administrator", &c, "/keys", NULL);
  hub_assign(h, "data-access-administrator", &c, "/", NULL);
  assert_err(role_put_definition(h->roles, &who, GUID_1, o), ERR_FORBIDDEN);
  assert_ok(role_put_definition(h->roles, NULL, GUID_1, o));
  assert_err(role_delete_definition(h->roles, &who, GUID_1), ERR_FORBIDDEN);
  hub_assign(h, "user-access-administrator", &c, "/", NULL);
  assert_ok(role_put_definition(h->roles, &who, GUID_1, o));
  assert_ok(role_delete_definition(h->roles, &who, GUID_1));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, hub_start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(shown_as_the_service_shows_it),
    T(builtin_definitions_are_shown),
    T(list_has_builtin_roles_first),
    T(names_and_guids),
    T(malformed_definitions),
    T(what_permissions_grant),
    T(assignable_scopes_hold),
    T(deleting),
    T(granters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
