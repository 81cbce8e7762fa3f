/* Applications and credentials: changes, limits, what survives a restart, the last owner. */
#include "hub.h"
#include "x509_make.h"

#include <stdio.h>

static json_t *shown(struct hub *h, const char *app_id) {
  AUTO_BUF json = BUF_EMPTY;
  json_t *o = NULL;
  assert_ok(identity_write(h->id, app_id, &json));
  assert_ok(json_read(buf_bytes(&json), &o));
  return o;
}

static void names_are_checked(void **state) {
  struct hub *h = *state;
  char id[GUID_SIZE + 1], name[2 * IDENTITY_NAME_MAX + 3];
  static const char *const bad[] = {
    "",
    " a",
    "a ",
    "a\nb",
    "a\x7f",
    "caf\xc3",                              /* cut off */
    "\xc0\xaf",                             /* overlong */
    "\xed\xa0\x80",                         /* a surrogate */
    "\xf5\x80\x80\x80",                     /* beyond Unicode */
    "\xc2\x85",                             /* a C1 control */
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", /* would hide that identity */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_err(identity_create(h->id, bad[i], id), ERR_BAD_PARAMETER);
  name[0] = '\0';
  for (int i = 0; i < IDENTITY_NAME_MAX; i++)
    strcat(name, "\xc3\xbc");
  assert_ok(identity_create(h->id, name, id));
  strcat(name, "\xc3\xbc");
  assert_err(identity_create(h->id, name, id), ERR_BAD_PARAMETER);
}

static void names_are_unique_whatever_their_case(void **state) {
  struct hub *h = *state;
  char id[GUID_SIZE + 1];
  assert_ok(identity_create(h->id, "Payroll", id));
  assert_refused(identity_create(h->id, "PAYROLL", id), ERR_CONFLICT,
                 "There is an identity of this name already.");
}

static void found_by_each_id_and_by_name(void **state) {
  struct hub *h = *state;
  struct client c;
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], upper[GUID_SIZE + 1];
  hub_client(h, "App One", &c);
  for (int i = 0; i <= GUID_SIZE; i++)
    upper[i] = (char)(c.app_id[i] >= 'a' ? c.app_id[i] - 32 : c.app_id[i]);
  const char *const texts[] = { c.app_id, c.oid, "app one", upper };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assert_ok(identity_find(h->id, texts[i], app_id, oid));
    assert_string_equal(app_id, c.app_id);
    assert_string_equal(oid, c.oid);
  }
  assert_string_not_equal(c.app_id, c.oid);
  assert_err(identity_find(h->id, "App", app_id, oid), ERR_IDENTITY_NOT_FOUND);
  assert_err(identity_find(h->id, h->id->tenant, app_id, oid), ERR_IDENTITY_NOT_FOUND);
}

static void shown_without_secrets(void **state) {
  struct hub *h = *state;
  struct client c;
  hub_client(h, "app \"two\"", &c);
  AUTO_BUF json = BUF_EMPTY;
  assert_ok(identity_write(h->id, c.app_id, &json));
  buf_put_char(&json, '\0');
  assert_null(strstr((char *)json.data, c.secret));
  AUTO_JSON *o = shown(h, c.app_id);
  assert_string_equal(json_string_value(json_object_get(o, "appId")), c.app_id);
  assert_string_equal(json_string_value(json_object_get(o, "objectId")), c.oid);
  assert_string_equal(json_string_value(json_object_get(o, "displayName")), "app \"two\"");
  assert_true(json_is_true(json_object_get(o, "enabled")));
  json_t *credential = json_array_get(json_object_get(o, "credentials"), 0);
  assert_string_equal(json_string_value(json_object_get(credential, "id")), c.secret_id);
  assert_string_equal(json_string_value(json_object_get(credential, "type")), "secret");
  assert_null(json_object_get(credential, "expires"));
}

static void list_is_sorted_by_name(void **state) {
  struct hub *h = *state;
  char id[GUID_SIZE + 1];
  static const char *const names[] = { "mole", "Ant", "zebra", "bee" };
  for (size_t i = 0; i < 4; i++)
    assert_ok(identity_create(h->id, names[i], id));
  AUTO_BUF json = BUF_EMPTY;
  AUTO_JSON *o = NULL;
  assert_ok(identity_write_all(h->id, &json));
  assert_ok(json_read(buf_bytes(&json), &o));
  static const char *const sorted[] = { "Ant", "bee", "mole", "zebra" };
  json_t *list = json_object_get(o, "value");
  assert_int_equal(json_array_size(list), 4);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "displayName")),
                        sorted[i]);
}

static void secrets_have_256_bits_and_a_limit(void **state) {
  struct hub *h = *state;
  struct client c;
  char id[GUID_SIZE + 1];
  hub_client(h, "app", &c);
  assert_int_equal(strlen(c.secret), 43);
  for (int i = 1; i < APP_CREDENTIALS_MAX; i++) {
    AUTO_SECRET s = { 0 };
    assert_ok(identity_add_secret(h->id, c.app_id, 60, id, &s));
    assert_int_equal(s.size, 43);
    assert_memory_not_equal(s.data, c.secret, 43);
  }
  AUTO_SECRET s = { 0 };
  assert_err(identity_add_secret(h->id, c.app_id, 0, id, &s), ERR_CONFLICT);
  assert_null(s.data);
  assert_ok(identity_remove_credential(h->id, c.app_id, id));
  assert_err(identity_remove_credential(h->id, c.app_id, id), ERR_IDENTITY_NOT_FOUND);
  assert_err(identity_remove_credential(h->id, c.app_id, "x"), ERR_IDENTITY_NOT_FOUND);
  assert_err(identity_add_secret(h->id, c.app_id, -1, id, &s), ERR_BAD_PARAMETER);
  assert_err(identity_add_secret(h->id, c.app_id, INT64_MAX, id, &s), ERR_BAD_PARAMETER);
  assert_err(identity_add_secret(h->id, c.oid, 0, id, &s), ERR_IDENTITY_NOT_FOUND);
}

static void certificates_are_checked(void **state) {
  struct hub *h = *state;
  struct client c;
  char id[GUID_SIZE + 1];
  hub_client(h, "app", &c);
  static const struct {
    enum key_curve curve;
    int64_t from, to;
    const char *name;
  } rows[] = {
    { CURVE_P256, -10, 3600, "OK" },
    { CURVE_P384, -10, 3600, "ERR_BAD_PARAMETER" }, /* no alg of assertions fits */
    { CURVE_P256, -10, -5, "ERR_BAD_PARAMETER" },   /* expired */
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t now = clock_now();
    struct x509_subject s = { "app", NULL, 0, now + rows[i].from, now + rows[i].to };
    struct key_spec spec = { .type = KEY_EC, .curve = rows[i].curve };
    spec.bits = rows[i].curve == CURVE_P256 ? 256 : 384;
    struct key *k;
    AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY;
    assert_ok(key_generate(&spec, &k));
    assert_ok(x509_make_ca(k, &s, &der));
    assert_ok(x509_to_pem(buf_bytes(&der), &pem));
    err_t e = identity_add_certificate(h->id, c.app_id, buf_bytes(&pem), id);
    assert_string_equal(err_info(e)->name, rows[i].name);
    if (e == OK) {
      assert_err(identity_add_certificate(h->id, c.app_id, buf_bytes(&der), id), ERR_CONFLICT);
      AUTO_JSON *o = shown(h, c.app_id);
      json_t *shown_one = json_array_get(json_object_get(o, "credentials"), 1);
      assert_int_equal(json_string_length(json_object_get(shown_one, "thumbprint")), 43);
      assert_int_equal(json_integer_value(json_object_get(shown_one, "expires")), s.not_after);
    }
    key_free(k);
  }
  assert_err(identity_add_certificate(h->id, c.app_id, bytes_str("junk"), id), ERR_BAD_PARAMETER);
  assert_err(identity_add_certificate(h->id, c.app_id, bytes_str(""), id), ERR_BAD_PARAMETER);
}

static void a_restart_changes_nothing(void **state) {
  struct hub *h = *state;
  struct client a, b;
  char tenant[GUID_SIZE + 1], credential[GUID_SIZE + 1];
  int64_t now = clock_now();
  hub_client(h, "a", &a);
  hub_client(h, "b", &b);
  struct key *k;
  AUTO_BUF der = BUF_EMPTY;
  assert_ok(
    key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256, .curve = CURVE_P256 }, &k));
  struct x509_subject s = { "app", NULL, 0, now, now + 600 };
  assert_ok(x509_make_ca(k, &s, &der));
  key_free(k);
  assert_ok(identity_add_certificate(h->id, a.app_id, buf_bytes(&der), credential));
  assert_ok(identity_set_enabled(h->id, b.app_id, false));
  hub_assign(h, "crypto-user", &a, "/keys/K1", NULL);
  memcpy(tenant, identity_tenant(h->id), sizeof tenant);
  AUTO_BUF all = BUF_EMPTY, roles = BUF_EMPTY, jwks = BUF_EMPTY;
  assert_ok(identity_write_all(h->id, &all));
  assert_ok(role_write_assignments(h->roles, "/", "", &roles));
  assert_ok(token_write_jwks(h->id, &jwks));
  struct buf bearer = hub_bearer(h, &a);

  hub_reopen(h);

  AUTO_BUF all2 = BUF_EMPTY, roles2 = BUF_EMPTY, jwks2 = BUF_EMPTY;
  assert_ok(identity_write_all(h->id, &all2));
  assert_ok(role_write_assignments(h->roles, "/", "", &roles2));
  assert_ok(token_write_jwks(h->id, &jwks2));
  assert_true(bytes_equal(buf_bytes(&all), buf_bytes(&all2)));
  assert_true(bytes_equal(buf_bytes(&roles), buf_bytes(&roles2)));
  assert_true(bytes_equal(buf_bytes(&jwks), buf_bytes(&jwks2)));
  assert_string_equal(identity_tenant(h->id), tenant);
  assert_true(guid_valid(bytes_str(tenant)));
  assert_true(hub_allows(h, &a, ACT_KEY_SIGN, "/keys/k1"));
  struct caller who;
  assert_ok(hub_check(h, &bearer, &who));
  assert_string_equal(who.oid, a.oid);
  buf_free(&bearer);
  bearer = hub_bearer(h, &a);
  assert_ok(hub_check(h, &bearer, &who));
  buf_free(&bearer);
}

static void deleting_takes_the_assignments_along(void **state) {
  struct hub *h = *state;
  struct client a, b;
  hub_client(h, "a", &a);
  hub_client(h, "b", &b);
  hub_assign(h, "crypto-user", &a, "/", NULL);
  hub_assign(h, "crypto-user", &a, "/keys/x", NULL);
  hub_assign(h, "crypto-user", &b, "/", NULL);
  assert_ok(identity_delete(h->id, a.app_id));
  for (int i = 0; i < 2; i++) {
    assert_false(hub_allows(h, &a, ACT_KEY_SIGN, "/keys/x"));
    assert_true(hub_allows(h, &b, ACT_KEY_SIGN, "/keys/x"));
    assert_int_equal(h->roles->assignments.count, 1);
    AUTO_BUF json = BUF_EMPTY;
    assert_err(identity_write(h->id, a.app_id, &json), ERR_IDENTITY_NOT_FOUND);
    assert_err(identity_delete(h->id, a.app_id), ERR_IDENTITY_NOT_FOUND);
    hub_reopen(h);
  }
}

#define NO_OWNER \
  "This would leave the hub without an owner. Assign the role Owner at scope \"/\" to another " \
  "identity first."

static void there_is_always_an_owner(void **state) {
  struct hub *h = *state;
  struct client a, b;
  char first[GUID_SIZE + 1], second[GUID_SIZE + 1];
  hub_client(h, "a", &a);
  hub_client(h, "b", &b);
  assert_ok(identity_set_enabled(h->id, a.app_id, false)); /* no owner yet */
  assert_ok(identity_set_enabled(h->id, a.app_id, true));
  hub_assign(h, "Owner", &a, "/", first);
  hub_assign(h, "Owner", &b, "/keys", second); /* owns no hub */
  assert_refused(role_unassign(h->roles, NULL, first, "/"), ERR_CONFLICT, NO_OWNER);
  assert_refused(identity_set_enabled(h->id, a.app_id, false), ERR_CONFLICT, NO_OWNER);
  assert_refused(identity_delete(h->id, a.app_id), ERR_CONFLICT, NO_OWNER);
  assert_ok(role_unassign(h->roles, NULL, second, "/keys"));
  hub_assign(h, "Owner", &b, "/", second);
  assert_ok(identity_set_enabled(h->id, b.app_id, false));
  assert_refused(role_unassign(h->roles, NULL, first, "/"), ERR_CONFLICT,
                 NO_OWNER); /* b cannot act */
  assert_ok(identity_set_enabled(h->id, b.app_id, true));
  assert_ok(role_unassign(h->roles, NULL, first, "/"));
  assert_refused(identity_delete(h->id, b.app_id), ERR_CONFLICT, NO_OWNER);
  assert_ok(identity_delete(h->id, a.app_id));
}

static void damaged_records_are_refused(void **state) {
  struct hub *h = *state;
  static const char *const places[] = { "tenant", "identity/x",   "tokenkey/x",
                                        "role/x", "assignment/x", "key/x" };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct bytes place = bytes_str(places[i]);
    assert_int_equal(identity_owns(place), i < 3);
    assert_int_equal(roles_owns(place), i == 3 || i == 4);
    assert_err(identity_load(h->id, place, bytes_str("")), ERR_CORRUPT);
    assert_err(identity_load(h->id, place, bytes_str("\x01\x01")), ERR_CORRUPT);
    assert_err(roles_load(h->roles, place, bytes_str("")), ERR_CORRUPT);
    assert_err(roles_load(h->roles, place, bytes_str("\x01\x01")), ERR_CORRUPT);
  }
  struct client c;
  hub_client(h, "a", &c);
  struct app *a;
  AUTO_BUF record = BUF_EMPTY;
  assert_ok(app_find(h->id, c.app_id, &a));
  app_pack(a, &record);
  for (size_t n = 0; n < record.size; n++) {
    struct app *out = NULL;
    assert_err(app_unpack(bytes_of(record.data, n), &out), ERR_CORRUPT);
    assert_null(out);
  }
  assert_err(identity_load(h->id, bytes_str("identity/00000000-0000-4000-8000-000000000000"),
                           buf_bytes(&record)),
             ERR_CORRUPT);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, hub_start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(names_are_checked),
    T(names_are_unique_whatever_their_case),
    T(found_by_each_id_and_by_name),
    T(shown_without_secrets),
    T(list_is_sorted_by_name),
    T(secrets_have_256_bits_and_a_limit),
    T(certificates_are_checked),
    T(a_restart_changes_nothing),
    T(deleting_takes_the_assignments_along),
    T(there_is_always_an_owner),
    T(damaged_records_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
