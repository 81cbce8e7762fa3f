/* What happens when memory or the store fails: an error, nothing changed, nothing lost. The
 * allocator and store_commit() are wrapped by the linker. */
#include "hub.h"
#include "x509_make.h"

#include <stdio.h>

static long allocations_left = -1; /* -1: no limit */
static bool store_fails;

static bool spend(void) {
  if (allocations_left < 0)
    return true;
  if (allocations_left == 0)
    return false;
  allocations_left--;
  return true;
}

void *__real_mem_alloc(size_t n);
void *__real_mem_zalloc(size_t n);
void *__real_mem_realloc(void *p, size_t n);
err_t __real_store_commit(struct store *s, const struct store_write *writes, size_t count);
void *__wrap_mem_alloc(size_t n);
void *__wrap_mem_zalloc(size_t n);
void *__wrap_mem_realloc(void *p, size_t n);
err_t __wrap_store_commit(struct store *s, const struct store_write *writes, size_t count);

void *__wrap_mem_alloc(size_t n) {
  return spend() ? __real_mem_alloc(n) : NULL;
}
void *__wrap_mem_zalloc(size_t n) {
  return spend() ? __real_mem_zalloc(n) : NULL;
}
void *__wrap_mem_realloc(void *p, size_t n) {
  return spend() ? __real_mem_realloc(p, n) : NULL;
}
err_t __wrap_store_commit(struct store *s, const struct store_write *writes, size_t count) {
  return store_fails ? ERR_IO : __real_store_commit(s, writes, count);
}

#define GUID_1 "11111111-1111-4111-8111-111111111111"
#define GUID_2 "22222222-2222-4222-8222-222222222222"

static struct client c, owner;
static struct buf certificate, bearer;
static json_t *definition;

static int start(void **state) {
  hub_start(state);
  struct hub *h = *state;
  int64_t now = clock_now();
  struct x509_subject s = { "app", NULL, 0, now, now + 600 };
  struct key *k;
  assert_ok(
    key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256, .curve = CURVE_P256 }, &k));
  assert_ok(x509_make_ca(k, &s, &certificate));
  key_free(k);
  definition =
    json_loads("{\"properties\":{\"roleName\":\"mine\",\"permissions\":[{\"dataActions\":["
               "\"Microsoft.KeyVault/vaults/keys/read\"]}]}}",
               0, NULL);
  hub_client(h, "app", &c);
  hub_client(h, "owner", &owner);
  hub_assign(h, "owner", &owner, "/", NULL);
  assert_ok(role_put_definition(h->roles, NULL, GUID_1, definition));
  assert_ok(role_assign(h->roles, NULL, GUID_1, "mine", c.oid, "/keys"));
  bearer = hub_bearer(h, &c);
  for (unsigned i = 0; i < HUB_RSA_KEYS; i++) { /* no more are made while memory fails */
    assert_ok(key_generate(&(struct key_spec){ .type = KEY_RSA, .bits = 2048 }, &k));
    key_free(k);
  }
  return 0;
}

static int stop(void **state) {
  store_fails = false;
  allocations_left = -1;
  json_decref(definition);
  buf_free(&certificate);
  buf_free(&bearer);
  return hub_stop(state);
}

/* All that can be seen. */
static void look(struct hub *h, struct buf *out) {
  struct caller who;
  buf_clear(out);
  assert_ok(identity_write_all(h->id, out));
  assert_ok(role_write_definitions(h->roles, out));
  assert_ok(role_write_assignments(h->roles, "/", "", out));
  assert_ok(token_write_jwks(h->id, out));
  buf_put_str(out, hub_check(h, &bearer, &who) == OK ? "good" : "bad");
  buf_put_str(out, hub_allows(h, &c, ACT_KEY_READ, "/keys/a") ? "allowed" : "denied");
  assert_ok(buf_ok(out));
}

static err_t create(struct hub *h) {
  char id[GUID_SIZE + 1];
  return identity_create(h->id, "new", id);
}
static err_t disable(struct hub *h) {
  return identity_set_enabled(h->id, c.app_id, false);
}
static err_t erase(struct hub *h) {
  return identity_delete(h->id, c.app_id);
}
static err_t add_secret(struct hub *h) {
  char id[GUID_SIZE + 1];
  AUTO_SECRET s = { 0 };
  return identity_add_secret(h->id, c.app_id, 0, id, &s);
}
static err_t add_certificate(struct hub *h) {
  char id[GUID_SIZE + 1];
  return identity_add_certificate(h->id, c.app_id, buf_bytes(&certificate), id);
}
static err_t remove_credential(struct hub *h) {
  return identity_remove_credential(h->id, c.app_id, c.secret_id);
}
static err_t put_new_role(struct hub *h) {
  AUTO_JSON *o = json_deep_copy(definition);
  if (!o)
    return ERR_NOMEM;
  if (json_object_set_new(json_object_get(o, "properties"), "roleName", json_string("new")) != 0)
    return ERR_NOMEM;
  return role_put_definition(h->roles, NULL, GUID_2, o);
}
static err_t put_role(struct hub *h) {
  AUTO_JSON *o = json_loads("{\"properties\":{\"roleName\":\"mine\"}}", 0, NULL);
  return o ? role_put_definition(h->roles, NULL, GUID_1, o) : ERR_NOMEM;
}
static err_t assign(struct hub *h) {
  return role_assign(h->roles, NULL, GUID_2, "crypto-user", c.oid, "/");
}
static err_t unassign(struct hub *h) {
  return role_unassign(h->roles, NULL, GUID_1, "/keys");
}
static err_t roll_over(struct hub *h) {
  return token_rollover(h->id);
}

typedef err_t change_fn(struct hub *h);
static const struct {
  const char *name;
  change_fn *change;
} changes[] = {
  { "create", create },
  { "add secret", add_secret },
  { "add certificate", add_certificate },
  { "disable", disable },
  { "new role", put_new_role },
  { "role", put_role },
  { "assign", assign },
  { "unassign", unassign },
  { "rollover", roll_over },
  { "remove credential", remove_credential },
  { "delete", erase },
};
#define CHANGES (sizeof changes / sizeof *changes)

/* Durable first: what could not be committed is not seen, and what was is seen after a restart. */
static void a_failed_commit_changes_nothing(void **state) {
  struct hub *h = *state;
  AUTO_BUF before = BUF_EMPTY, after = BUF_EMPTY;
  for (size_t i = 0; i < CHANGES; i++) {
    look(h, &before);
    store_fails = true;
    assert_err(changes[i].change(h), ERR_IO);
    store_fails = false;
    look(h, &after);
    if (!bytes_equal(buf_bytes(&before), buf_bytes(&after)))
      fail_msg("%s", changes[i].name);
    assert_ok(changes[i].change(h));
    look(h, &before);
    if (bytes_equal(buf_bytes(&before), buf_bytes(&after)))
      fail_msg("%s changes nothing", changes[i].name);
    hub_reopen(h);
    look(h, &after);
    if (!bytes_equal(buf_bytes(&before), buf_bytes(&after)))
      fail_msg("%s is lost", changes[i].name);
  }
}

static void without_memory_a_change_is_whole_or_not_at_all(void **state) {
  struct hub *h = *state;
  AUTO_BUF before = BUF_EMPTY, after = BUF_EMPTY;
  for (size_t i = 0; i < CHANGES; i++) {
    err_t e;
    long n = 0;
    look(h, &before);
    do {
      allocations_left = n++;
      e = changes[i].change(h);
      allocations_left = -1;
      look(h, &after);
      bool same = bytes_equal(buf_bytes(&before), buf_bytes(&after));
      if (same != (e != OK))
        fail_msg("%s, %ld allocations: %s", changes[i].name, n - 1, err_info(e)->name);
    } while (e != OK && n < 20000);
    assert_ok(e);
  }
}

static void without_memory_tokens_are_not_judged_wrongly(void **state) {
  struct hub *h = *state;
  err_t e;
  long n = 0;
  struct caller who;
  do { /* a good token is never called bad for want of memory */
    directory_changed(h->id);
    allocations_left = n++;
    e = hub_check(h, &bearer, &who);
    allocations_left = -1;
    assert_true(e != ERR_UNAUTHORIZED);
  } while (e != OK && n < 20000);
  assert_ok(e);
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form,
             "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=" AUDIENCE
             "/.default%c",
             c.app_id, c.secret, 0);
  n = 0;
  do {
    struct token_grant g;
    allocations_left = n++;
    e = hub_issue(h, (char *)form.data, &g);
    allocations_left = -1;
    assert_true(e != ERR_OAUTH);
    token_grant_free(&g);
  } while (e != OK && n < 20000);
  assert_ok(e);
}

struct loaded {
  struct identity *id;
  struct roles *roles;
};

static err_t load(void *ctx, struct bytes place, struct bytes body) {
  struct loaded *l = ctx;
  return roles_owns(place) ? roles_load(l->roles, place, body) : identity_load(l->id, place, body);
}

static err_t load_all(struct hub *h) {
  AUTO(identity) struct identity *id = NULL;
  AUTO(roles) struct roles *roles = NULL;
  TRY(identity_new(h->store, &id));
  TRY(roles_new(id, &h->part, "", &roles));
  TRY(store_load(h->store, load, &(struct loaded){ id, roles }));
  TRY(identity_ready(id));
  return roles_ready(roles);
}

static void without_memory_loading_fails_cleanly(void **state) {
  struct hub *h = *state;
  err_t e;
  long n = 0;
  assert_ok(add_certificate(h));
  assert_ok(token_rollover(h->id));
  do {
    allocations_left = n;
    n += 1 + n / 50; /* each costs milliseconds */
    e = load_all(h);
    allocations_left = -1;
  } while (e != OK && n < 20000);
  assert_ok(e);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
    T(a_failed_commit_changes_nothing),
    T(without_memory_a_change_is_whole_or_not_at_all),
    T(without_memory_tokens_are_not_judged_wrongly),
    T(without_memory_loading_fails_cleanly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
