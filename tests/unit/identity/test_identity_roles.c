/* The roles of several vaults over one directory: each decides for itself, and what concerns an
 * identity concerns all of them. */
#include "hub.h"

#define A "11111111-1111-4111-8111-111111111111"
#define B "22222222-2222-4222-8222-222222222222"
#define GUID_1 "aaaaaaaa-0000-4000-8000-000000000001"
#define GUID_2 "aaaaaaaa-0000-4000-8000-000000000002"

/* A vault's part and roles. */
struct room {
  struct hub *h;
  struct partition part;
  struct roles *roles;
};

static err_t load_room(void *ctx, struct bytes full, struct bytes body) {
  struct room *r = ctx;
  char guid[GUID_SIZE + 1];
  struct bytes place;
  AUTO_BUF plain = BUF_EMPTY;
  if (!partition_of(full, guid, &place) || !bytes_starts(full, r->part.prefix))
    return OK;
  TRY(partition_read(&r->part, full, body, &plain));
  return roles_load(r->roles, place, buf_bytes(&plain));
}

static void room_open(struct hub *h, const char *guid, const char *name, struct room *r) {
  AUTO_SECRET master = { 0 };
  *r = (struct room){ .h = h };
  assert_ok(secret_new(PARTITION_MASTER_SIZE, &master));
  memset(master.data, guid[0], master.size);
  assert_ok(partition_open(h->store, guid, &master, &r->part));
  assert_ok(roles_new(h->id, &r->part, name, &r->roles));
  assert_ok(store_load(h->store, load_room, r));
  assert_ok(roles_ready(r->roles));
}

static void room_close(struct room *r) {
  roles_free(r->roles);
  partition_close(&r->part);
}
#define AUTO_ROOM __attribute__((cleanup(room_close))) struct room

static bool allows(struct roles *r, const struct client *c, enum action a, const char *scope) {
  struct caller who = { 0 };
  char assignment[GUID_SIZE + 1];
  memcpy(who.oid, c->oid, sizeof who.oid);
  return role_decide(r, &who, a, scope, assignment);
}

/* Fresh GUIDs are not asked for: the same one may be in each vault. */
static void assign(struct roles *r, const char *guid, const char *role, const struct client *c) {
  assert_ok(role_assign(r, NULL, guid, role, c->oid, "/"));
}

static void roles_stay_in_their_vault(void **state) {
  struct hub *h = *state;
  AUTO_ROOM a, b;
  struct client c, d;
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  hub_client(h, "c", &c);
  hub_client(h, "d", &d);
  assign(a.roles, GUID_1, "crypto-officer", &c);
  assign(b.roles, GUID_1, "secrets-user", &c);
  assign(h->roles, GUID_1, "administrator", &d);
  struct roles *all[] = { h->roles, a.roles, b.roles };
  static const bool key[] = { false, true, false }, secret[] = { false, false, true };
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(allows(all[i], &c, ACT_KEY_CREATE, "/keys/k"), key[i]);
    assert_int_equal(allows(all[i], &c, ACT_SECRET_GET, "/secrets/s"), secret[i]);
    assert_int_equal(allows(all[i], &d, ACT_KEY_CREATE, "/keys/k"), i == 0);
  }
  /* Who may assign in one may not in another. */
  struct caller who = { 0 };
  memcpy(who.oid, c.oid, sizeof who.oid);
  assign(a.roles, GUID_2, "Owner", &c);
  assert_err(role_assign(b.roles, &who, GUID_2, "reader", d.oid, "/"), ERR_FORBIDDEN);
  assert_err(role_assign(h->roles, &who, GUID_2, "reader", d.oid, "/"), ERR_FORBIDDEN);
  assert_err(role_unassign(b.roles, &who, GUID_1, "/"), ERR_FORBIDDEN);
  assert_err(role_unassign(b.roles, NULL, GUID_2, "/"), ERR_ROLE_ASSIGNMENT_NOT_FOUND);
  assert_ok(role_unassign(a.roles, &who, GUID_1, "/"));
  assert_false(allows(a.roles, &c, ACT_KEY_CREATE, "/keys/k"));
  assert_true(allows(b.roles, &c, ACT_SECRET_GET, "/secrets/s"));
}

static void put_custom(struct roles *r, const char *pattern) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JSON *body = NULL;
  buf_printf(
    &text, "{\"properties\":{\"roleName\":\"mine\",\"permissions\":[{\"dataActions\":[\"%s\"]}]}}",
    pattern);
  assert_ok(json_read(buf_bytes(&text), &body));
  assert_ok(role_put_definition(r, NULL, GUID_1, body));
}

static void custom_roles_stay_in_their_vault(void **state) {
  struct hub *h = *state;
  AUTO_ROOM a, b;
  struct client c;
  char guid[GUID_SIZE + 1];
  AUTO_BUF json = BUF_EMPTY;
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  hub_client(h, "c", &c);
  put_custom(a.roles, KV "keys/read");
  put_custom(b.roles, KV "secrets/getSecret/action");
  assert_err(role_find(h->roles, "mine", guid), ERR_ROLE_DEFINITION_NOT_FOUND);
  assign(a.roles, GUID_2, "mine", &c);
  assign(b.roles, GUID_2, "mine", &c);
  assert_true(allows(a.roles, &c, ACT_KEY_READ, "/keys/k"));
  assert_false(allows(b.roles, &c, ACT_KEY_READ, "/keys/k"));
  assert_true(allows(b.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  assert_false(allows(a.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  assert_ok(role_unassign(a.roles, NULL, GUID_2, "/"));
  assert_ok(role_delete_definition(a.roles, NULL, GUID_1));
  assert_err(role_delete_definition(b.roles, NULL, GUID_1), ERR_CONFLICT);
  assert_ok(role_write_definitions(b.roles, &json));
  buf_put_char(&json, '\0');
  assert_non_null(strstr((char *)json.data, "\"mine\""));
}

static void are_there_after_a_restart(void **state) {
  struct hub *h = *state;
  struct room a, b;
  struct client c;
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  hub_client(h, "c", &c);
  put_custom(a.roles, KV "keys/read");
  assign(a.roles, GUID_2, "mine", &c);
  assign(b.roles, GUID_2, "secrets-user", &c);
  room_close(&a);
  room_close(&b);
  hub_reopen(h);
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  assert_true(allows(a.roles, &c, ACT_KEY_READ, "/keys/k"));
  assert_false(allows(a.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  assert_true(allows(b.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  room_close(&a);
  /* The directory goes on without the vault that is gone, and the identity with it. */
  assert_true(allows(b.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  assert_ok(identity_delete(h->id, c.app_id));
  assert_false(allows(b.roles, &c, ACT_SECRET_GET, "/secrets/s"));
  room_close(&b);
}

struct counted {
  size_t assignments;
};

static err_t count_one(void *ctx, struct bytes place, struct bytes body) {
  char guid[GUID_SIZE + 1];
  struct bytes within = place;
  partition_of(place, guid, &within);
  ((struct counted *)ctx)->assignments += bytes_starts(within, "assignment/");
  return OK;
}

static size_t count_records(struct hub *h) {
  struct counted n = { 0 };
  assert_ok(store_load(h->store, count_one, &n));
  return n.assignments;
}

static void an_identity_goes_from_all_vaults(void **state) {
  struct hub *h = *state;
  AUTO_ROOM a, b;
  struct client c, d;
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  hub_client(h, "c", &c);
  hub_client(h, "d", &d);
  struct roles *all[] = { h->roles, a.roles, b.roles };
  for (size_t i = 0; i < 3; i++) {
    assign(all[i], GUID_1, "crypto-user", &c);
    assign(all[i], GUID_2, "crypto-user", &d);
  }
  assert_ok(identity_set_enabled(h->id, c.app_id, false));
  for (size_t i = 0; i < 3; i++) {
    assert_false(allows(all[i], &c, ACT_KEY_SIGN, "/keys/k"));
    assert_true(allows(all[i], &d, ACT_KEY_SIGN, "/keys/k"));
  }
  assert_int_equal(count_records(h), 6);
  assert_ok(identity_delete(h->id, c.app_id));
  assert_int_equal(count_records(h), 3);
  for (size_t i = 0; i < 3; i++)
    assert_err(role_unassign(all[i], NULL, GUID_1, "/"), ERR_ROLE_ASSIGNMENT_NOT_FOUND);
}

#define NO_OWNER \
  "This would leave the vault two without an owner. Assign the role Owner at scope \"/\" of that " \
  "vault to another identity first."

static void a_vault_keeps_an_owner(void **state) {
  struct hub *h = *state;
  AUTO_ROOM a, b;
  struct client c, d;
  room_open(h, A, "one", &a);
  room_open(h, B, "two", &b);
  hub_client(h, "c", &c);
  hub_client(h, "d", &d);
  assign(a.roles, GUID_1, "Owner", &c);
  assign(a.roles, GUID_2, "Owner", &d);
  assign(h->roles, GUID_1, "Owner", &c);
  assign(h->roles, GUID_2, "Owner", &d);
  assign(b.roles, GUID_1, "Owner", &c); /* alone */
  assert_refused(role_unassign(b.roles, NULL, GUID_1, "/"), ERR_CONFLICT, NO_OWNER);
  assert_refused(identity_delete(h->id, c.app_id), ERR_CONFLICT, NO_OWNER);
  assert_refused(identity_set_enabled(h->id, c.app_id, false), ERR_CONFLICT, NO_OWNER);
  assert_refused(identity_remove_credential(h->id, c.app_id, c.secret_id), ERR_CONFLICT, NO_OWNER);
  assert_ok(role_unassign(a.roles, NULL, GUID_1, "/"));
  assert_err(identity_delete(h->id, d.app_id), ERR_CONFLICT); /* owns one */
  assign(b.roles, GUID_2, "Owner", &d);
  assert_ok(identity_delete(h->id, c.app_id));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, hub_start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(roles_stay_in_their_vault), T(custom_roles_stay_in_their_vault),
    T(are_there_after_a_restart), T(an_identity_goes_from_all_vaults),
    T(a_vault_keeps_an_owner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
