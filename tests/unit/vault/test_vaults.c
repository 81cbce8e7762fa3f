/* Several vaults in one hub, through the application's own functions. */
#include "fixture.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#define DOMAIN "vault.test.example"
#define HUB NULL
#define ONE "one." DOMAIN ":8443"
#define TWO "two." DOMAIN ":8443"
#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ASSIGNMENTS "/providers/Microsoft.Authorization/roleAssignments"

static struct fixture f;
static const char *const options[] = { "domain = " DOMAIN, "host = hub." DOMAIN, NULL };

static int begin(void **state) {
  fixture_open(&f, options);
  return 0;
}

static int end(void **state) {
  clock_shift(0);
  fixture_close(&f);
  return 0;
}

/* The status; the last answer is kept for a look. */
static struct answer last;

static int as(const struct buf *bearer, const char *host, enum http_method method, const char *path,
              const char *body) {
  char target[512];
  const char *version =
    strstr(path, "api-version=") ? "" : "api-version=7.4"; /* a nextLink has it */
  snprintf(target, sizeof target, "%s%s%s", path, strchr(path, '?') ? "&" : "?", version);
  f.host = host;
  fixture_call(&f, buf_bytes(bearer), method, target, bytes_str(body), &last);
  f.host = NULL;
  return last.status;
}

static int owner(const char *host, enum http_method method, const char *path, const char *body) {
  return as(&f.authorization, host, method, path, body);
}

#define EXPECT(status, ...) \
  do { \
    int got_ = owner(__VA_ARGS__); \
    if (got_ != (status)) \
      fail_msg("%d: %.*s", got_, BYTES_ARG(buf_bytes(&last.body))); \
  } while (0)

/* Two vaults of the owner's. */
static void make_two(void) {
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/one", "{}");
  assert_string_equal(answer_str(&last, "properties.vaultUri"), "https://one." DOMAIN ":8443/");
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/Two", "");
}

/* A new identity with a role in a vault of the hub ("": in its own), and its bearer header. */
static void client(const char *name, const char *vault, const char *role, struct buf *bearer) {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1], guid[GUID_SIZE + 1];
  uint8_t random[16];
  AUTO(hosted) struct hosted *h = vault[0] ? vaults_find(f.hub->vaults, bytes_str(vault)) : NULL;
  assert_int_equal(identity_create(f.hub->identity, name, app_id), OK);
  assert_int_equal(identity_find(f.hub->identity, name, app_id, oid), OK);
  assert_int_equal(crypto_random(random, sizeof random), OK);
  guid_format(random, guid);
  assert_int_equal(role_assign(h ? h->roles : f.hub->roles, NULL, guid, role, oid, "/"), OK);
  fixture_authorize(&f, app_id, bearer);
}

static void names(void **state) {
  static const char *const good[] = { "abc", "a1-b", "A-B-C", "a23456789012345678901234" };
  static const char *const bad[] = { "",
                                     "ab",
                                     "1abc",
                                     "-abc",
                                     "abc-",
                                     "a--b",
                                     "a_b",
                                     "a.b",
                                     "ab\xc3\xbc",
                                     "a b",
                                     "a234567890123456789012345" };
  for (size_t i = 0; i < COUNT(good); i++)
    if (!vault_name_valid(bytes_str(good[i])))
      fail_msg("%s", good[i]);
  for (size_t i = 0; i < COUNT(bad); i++)
    if (vault_name_valid(bytes_str(bad[i])))
      fail_msg("%s", bad[i]);
  EXPECT(400, HUB, HTTP_PUT, "/hub/vaults/a--b", "{}");
  EXPECT(400, HUB, HTTP_PUT, "/hub/vaults/ab", "{}");
  EXPECT(409, HUB, HTTP_PUT, "/hub/vaults/hub", "{}"); /* a name of the hub itself */
}

static void hosts(void **state) {
  static const struct {
    const char *host, *vault; /* NULL: the hub's own */
    enum host_kind kind;
  } rows[] = {
    { "localhost", NULL, HOST_OWN },
    { "LOCALHOST:1", NULL, HOST_OWN },
    { "127.0.0.1:8443", NULL, HOST_OWN },
    { "[::1]:8443", NULL, HOST_OWN },
    { "hub." DOMAIN, NULL, HOST_OWN },
    { "one." DOMAIN ":8443", "one", HOST_VAULT },
    { "ONE.Vault.Test.EXAMPLE", "ONE", HOST_VAULT },
    { "a.one." DOMAIN, NULL, HOST_UNKNOWN },
    { DOMAIN, NULL, HOST_UNKNOWN },
    { "." DOMAIN, "", HOST_VAULT }, /* and no vault has this name */
    { "onevault.test.example", NULL, HOST_UNKNOWN },
    { "one." DOMAIN ".", NULL, HOST_UNKNOWN },
    { "", NULL, HOST_UNKNOWN },
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct bytes name;
    enum host_kind kind = host_kind(&f.hub->api, bytes_str(rows[i].host), &name);
    if (kind != rows[i].kind)
      fail_msg("%s: %d", rows[i].host, (int)kind);
    if (kind == HOST_VAULT)
      assert_true(bytes_equal_str(name, rows[i].vault));
  }
  EXPECT(404, "." DOMAIN, HTTP_GET, "/keys", "");
}

static void each_has_its_own_objects(void **state) {
  make_two();
  static const char *const all[] = { HUB, ONE, TWO };
  char kids[3][200];
  for (size_t i = 0; i < COUNT(all); i++) {
    EXPECT(200, all[i], HTTP_POST, "/keys/same/create", "{\"kty\":\"EC\"}");
    snprintf(kids[i], sizeof kids[i], "%s", answer_str(&last, "key.x"));
    EXPECT(200, all[i], HTTP_PUT, "/secrets/same",
           i == 1 ? "{\"value\":\"of one\"}" : "{\"value\":\"of another\"}");
  }
  assert_string_not_equal(kids[0], kids[1]);
  assert_string_not_equal(kids[1], kids[2]);
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < COUNT(all); i++) {
      EXPECT(200, all[i], HTTP_GET, "/keys/same", "");
      assert_string_equal(answer_str(&last, "key.x"), kids[i]);
      const char *host = all[i] ? all[i] : "localhost:8443";
      assert_int_equal(strncmp(answer_str(&last, "key.kid") + 8, host, strlen(host)), 0);
      EXPECT(200, all[i], HTTP_GET, "/secrets/same", "");
      assert_string_equal(answer_str(&last, "value"), i == 1 ? "of one" : "of another");
    }
    fixture_reopen(&f);
  }
  EXPECT(200, "ONE." DOMAIN, HTTP_GET, "/keys/same", ""); /* names have no case */
  EXPECT(404, "three." DOMAIN, HTTP_GET, "/keys/same", "");
}

/* What it answers where: 403 is a vault in which it has nothing. */
static void roles_do_not_leak(void **state) {
  AUTO_BUF hubs = BUF_EMPTY, ones = BUF_EMPTY;
  client("admin-hub", "", "Key Vault Administrator", &hubs);
  client("admin-one", "one", "Key Vault Administrator", &ones);
  assert_int_equal(as(&hubs, HUB, HTTP_GET, "/secrets/same", ""), 200);
  assert_int_equal(as(&hubs, ONE, HTTP_GET, "/secrets/same", ""), 403);
  assert_int_equal(as(&hubs, TWO, HTTP_GET, "/secrets/same", ""), 403);
  assert_int_equal(as(&ones, HUB, HTTP_GET, "/secrets/same", ""), 403);
  assert_int_equal(as(&ones, ONE, HTTP_GET, "/secrets/same", ""), 200);
  assert_int_equal(as(&ones, TWO, HTTP_GET, "/secrets/same", ""), 403);
  /* Data roles manage no vaults, wherever they are held. */
  assert_int_equal(as(&hubs, HUB, HTTP_PUT, "/hub/vaults/three", "{}"), 403);
  assert_int_equal(as(&ones, HUB, HTTP_DELETE, "/hub/vaults/one", ""), 403);
  assert_int_equal(as(&ones, HUB, HTTP_GET, "/hub/vaults", ""), 403);
  /* A vault's owner is not the hub's, nor another vault's. */
  AUTO_BUF owns = BUF_EMPTY;
  client("owns-one", "one", "Owner", &owns);
  assert_int_equal(as(&owns, ONE, HTTP_GET, ASSIGNMENTS, ""), 200);
  assert_int_equal(as(&owns, TWO, HTTP_GET, ASSIGNMENTS, ""), 403);
  assert_int_equal(as(&owns, HUB, HTTP_GET, ASSIGNMENTS, ""), 403);
  assert_int_equal(as(&owns, HUB, HTTP_GET, "/hub/identities", ""), 403);
  assert_int_equal(as(&owns, HUB, HTTP_DELETE, "/hub/vaults/one", ""), 403);
  assert_int_equal(as(&owns, ONE, HTTP_GET, "/keys", ""), 403);
}

static void vaults_are_managed_by_roles_of_the_hub(void **state) {
  static const struct {
    const char *role;
    int list, create, remove, deleted, recover, purge;
  } rows[] = {
    { "Key Vault Contributor", 200, 201, 200, 200, 200, 204 },
    { "Key Vault Purge Operator", 403, 403, 403, 200, 403, 204 },
    { "Owner", 200, 201, 200, 200, 200, 204 },
    { "Key Vault Administrator", 403, 403, 403, 403, 403, 403 },
    { "User Access Administrator", 403, 403, 403, 403, 403, 403 },
    { "Key Vault Reader", 403, 403, 403, 403, 403, 403 },
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    AUTO_BUF bearer = BUF_EMPTY;
    char name[32];
    snprintf(name, sizeof name, "manager-%zu", i);
    client(name, "", rows[i].role, &bearer);
    EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/managed", "{}");
    EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/gone", "{}");
    EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/gone", "");
    assert_int_equal(as(&bearer, HUB, HTTP_GET, "/hub/vaults", ""), rows[i].list);
    assert_int_equal(as(&bearer, HUB, HTTP_GET, "/hub/vaults/managed", ""), rows[i].list);
    assert_int_equal(as(&bearer, HUB, HTTP_PUT, "/hub/vaults/fresh", "{}"), rows[i].create);
    assert_int_equal(as(&bearer, HUB, HTTP_DELETE, "/hub/vaults/managed", ""), rows[i].remove);
    assert_int_equal(as(&bearer, HUB, HTTP_GET, "/hub/deletedvaults", ""), rows[i].deleted);
    assert_int_equal(as(&bearer, HUB, HTTP_GET, "/hub/deletedvaults/gone", ""), rows[i].deleted);
    assert_int_equal(as(&bearer, HUB, HTTP_POST, "/hub/deletedvaults/gone/recover", ""),
                     rows[i].recover);
    owner(HUB, HTTP_DELETE, "/hub/vaults/gone", "");
    assert_int_equal(as(&bearer, HUB, HTTP_DELETE, "/hub/deletedvaults/gone", ""), rows[i].purge);
    static const char *const used[] = { "managed", "gone", "fresh" };
    for (size_t k = 0; k < COUNT(used); k++) {
      char path[64];
      snprintf(path, sizeof path, "/hub/vaults/%s", used[k]);
      owner(HUB, HTTP_DELETE, path, "");
      snprintf(path, sizeof path, "/hub/deletedvaults/%s", used[k]);
      owner(HUB, HTTP_DELETE, path, "");
    }
    AUTO_BUF none = BUF_EMPTY;
    assert_int_equal(as(&none, HUB, HTTP_GET, "/hub/vaults", ""), 401);
  }
}

/* Vault hosts have no hub; the hub's audience is good at each of them, and they say their own. */
static void the_hub_is_not_at_a_vaults_host(void **state) {
  static const char *const paths[] = { "/hub/vaults", "/hub/identities", "/hub/status",
                                       "/hub/audit", "/hub/ca" };
  for (size_t i = 0; i < COUNT(paths); i++) {
    EXPECT(404, ONE, HTTP_GET, paths[i], "");
    assert_non_null(strstr(answer_str(&last, "error.message"), "This is a vault's host name"));
  }
  EXPECT(404, ONE, HTTP_POST, "/hub/seal", "");
  EXPECT(404, ONE, HTTP_GET, "/acme/directory", "");
  EXPECT(404, ONE, HTTP_GET, "/pki/ocsp/AAAA", "");
  EXPECT(200, ONE, HTTP_GET, "/hub/health", "");
  EXPECT(200, ONE, HTTP_GET, ASSIGNMENTS, "");
  AUTO_BUF none = BUF_EMPTY;
  assert_int_equal(as(&none, ONE, HTTP_GET, "/keys", ""), 401);
  buf_put_char(&last.headers, '\0');
  assert_non_null(strstr((char *)last.headers.data, "authorization=\"https://" ONE "/"));
  assert_non_null(strstr((char *)last.headers.data, "resource=\"https://" DOMAIN "\""));
  assert_int_equal(as(&none, "never." DOMAIN, HTTP_GET, "/keys", ""), 401); /* as if it were */
  EXPECT(404, "never." DOMAIN, HTTP_GET, "/keys", "");
  assert_true(audience_issuable(&f.hub->api, "https://" DOMAIN));
  assert_false(audience_issuable(&f.hub->api, "https://test.example"));
}

static void deleted_recovered_purged(void **state) {
  EXPECT(200, ONE, HTTP_GET, "/keys/same", "");
  EXPECT(404, HUB, HTTP_POST, "/hub/deletedvaults/never/recover", "");
  EXPECT(400, HUB, HTTP_POST, "/hub/deletedvaults/one/recover", "");
  EXPECT(404, HUB, HTTP_DELETE, "/hub/deletedvaults/one", "");
  EXPECT(409, HUB, HTTP_PUT, "/hub/vaults/ONE", "{}");
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/ONE", "");
  for (int round = 0; round < 2; round++) {
    EXPECT(404, ONE, HTTP_GET, "/keys/same", "");
    AUTO_BUF none = BUF_EMPTY;
    assert_int_equal(as(&none, ONE, HTTP_GET, "/keys/same", ""), 401);
    EXPECT(404, HUB, HTTP_GET, "/hub/vaults/one", "");
    EXPECT(404, HUB, HTTP_DELETE, "/hub/vaults/one", "");
    EXPECT(409, HUB, HTTP_PUT, "/hub/vaults/one", "{}");
    EXPECT(200, HUB, HTTP_GET, "/hub/deletedvaults/one", "");
    EXPECT(200, TWO, HTTP_GET, "/keys/same", "");
    fixture_reopen(&f);
  }
  EXPECT(200, HUB, HTTP_POST, "/hub/deletedvaults/one/recover", "");
  EXPECT(200, ONE, HTTP_POST, "/keys/same/sign",
         "{\"alg\":\"ES256\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/one", "");
  EXPECT(204, HUB, HTTP_DELETE, "/hub/deletedvaults/one", "");
  EXPECT(404, HUB, HTTP_GET, "/hub/deletedvaults/one", "");
  EXPECT(404, HUB, HTTP_POST, "/hub/deletedvaults/one/recover", "");
  /* Its name is free, and nothing of it is in the next one. */
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/one", "{}");
  EXPECT(404, ONE, HTTP_GET, "/keys/same", "");
  fixture_reopen(&f);
  EXPECT(404, ONE, HTTP_GET, "/keys/same", "");
  EXPECT(200, TWO, HTTP_GET, "/keys/same", "");
}

static void protected_until_its_time(void **state) {
  EXPECT(400, HUB, HTTP_PUT, "/hub/vaults/guarded",
         "{\"properties\":{\"softDeleteRetentionInDays\":6}}");
  EXPECT(400, HUB, HTTP_PUT, "/hub/vaults/guarded",
         "{\"properties\":{\"softDeleteRetentionInDays\":91}}");
  EXPECT(400, HUB, HTTP_PUT, "/hub/vaults/guarded", "{\"properties\":{\"owner\":\"nobody\"}}");
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/guarded",
         "{\"properties\":{\"softDeleteRetentionInDays\":7,\"enablePurgeProtection\":true}}");
  EXPECT(200, "guarded." DOMAIN, HTTP_PUT, "/secrets/s", "{\"value\":\"v\"}");
  assert_string_equal(answer_str(&last, "attributes.recoveryLevel"), "CustomizedRecoverable");
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/guarded", "");
  EXPECT(403, HUB, HTTP_DELETE, "/hub/deletedvaults/guarded", "");
  clock_shift(6 * 86400);
  assert_int_equal(hub_vaults_due(f.hub), OK);
  struct vault_info v;
  assert_int_equal(vaults_show(f.hub->vaults, "guarded", true, &v), OK);
  clock_shift(7 * 86400 + 10);
  assert_int_equal(hub_vaults_due(f.hub), OK);
  assert_int_equal(vaults_show(f.hub->vaults, "guarded", true, &v), ERR_NOT_FOUND);
  clock_shift(0);
}

struct records {
  size_t parts, vaults;
};

static err_t count_record(void *ctx, struct bytes place, struct bytes body) {
  struct records *n = ctx;
  n->parts += bytes_starts(place, "v/");
  n->vaults += bytes_starts(place, "vaults/");
  return OK;
}

static struct records count_records(void) {
  struct records n = { 0 };
  assert_int_equal(store_load(f.hub->store, count_record, &n), OK);
  return n;
}

/* Certificates of the hub's authority, issuers and contacts are a vault's as well. */
static void certificates_come_and_go_with_their_vault(void **state) {
  static const char policy[] =
    "{\"policy\":{\"issuer\":{\"name\":\"Hub\"},\"key_props\":{\"kty\":\"EC\"},"
    "\"x509_props\":{\"subject\":\"CN=c.example\",\"sans\":{\"dns_names\":[\"c.example\"]}}}}";
  static const char host[] = "mixed." DOMAIN;
  struct records before = count_records();
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/mixed", "{}");
  EXPECT(202, host, HTTP_POST, "/certificates/c/create", policy);
  EXPECT(200, host, HTTP_GET, "/certificates/c/pending", "");
  assert_string_equal(answer_str(&last, "status"), "completed");
  EXPECT(200, host, HTTP_PUT, "/certificates/issuers/theirs", "{\"provider\":\"Test\"}");
  EXPECT(200, host, HTTP_PUT, "/certificates/contacts",
         "{\"contacts\":[{\"email\":\"a@b.example\"}]}");
  for (int round = 0; round < 2; round++) {
    EXPECT(200, host, HTTP_GET, "/certificates/c", "");
    EXPECT(200, host, HTTP_GET, "/keys/c", "");
    EXPECT(200, host, HTTP_GET, "/secrets/c", "");
    EXPECT(200, host, HTTP_GET, "/certificates/issuers/theirs", "");
    EXPECT(404, TWO, HTTP_GET, "/certificates/c", "");
    EXPECT(404, TWO, HTTP_GET, "/certificates/issuers/theirs", "");
    EXPECT(404, HUB, HTTP_GET, "/certificates/c", "");
    fixture_reopen(&f);
  }
  hub_scheduler_stop(f.hub);
  assert_true(count_records().parts >= before.parts + 10);
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/mixed", "");
  EXPECT(204, HUB, HTTP_DELETE, "/hub/deletedvaults/mixed", "");
  assert_int_equal(vaults_sweep(f.hub->vaults), OK);
  assert_int_equal(count_records().parts, before.parts);
}

static void a_purge_leaves_nothing(void **state) {
  hub_scheduler_stop(f.hub); /* so that nothing is swept but by this test */
  struct records before = count_records();
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/large", "{}");
  for (int i = 0; i < 300; i++) {
    char path[64];
    snprintf(path, sizeof path, "/secrets/s-%d", i);
    EXPECT(200, "large." DOMAIN, HTTP_PUT, path, "{\"value\":\"v\"}");
  }
  EXPECT(200, "large." DOMAIN, HTTP_DELETE, "/secrets/s-0", "");
  /* A request that began before the vault was deleted does not get through, nor is lost. */
  struct http_app *app = &f.hub->app;
  struct http_exchange x = {
    .req = { .method = HTTP_PUT,
             .path = bytes_str("/secrets/late"),
             .query = bytes_str("api-version=7.4"),
             .host = bytes_str("large." DOMAIN),
             .peer = "127.0.0.1",
             .headers = { { bytes_str("Authorization"), buf_bytes(&f.authorization) } },
             .header_count = 1 }
  };
  assert_int_equal(app->head(app->ctx, &x), HTTP_SLOW);
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/large", "");
  EXPECT(204, HUB, HTTP_DELETE, "/hub/deletedvaults/large", "");
  struct records purged = count_records();
  assert_int_equal(purged.vaults, before.vaults);
  assert_int_equal(purged.parts, before.parts + 602);
  assert_int_equal(vaults_sweep(f.hub->vaults), OK); /* not while a request has a share */
  assert_int_equal(count_records().parts, before.parts + 602);
  x.req.body = bytes_str("{\"value\":\"late\"}");
  app->handle(app->ctx, &x);
  assert_int_equal(x.res.status, 404);
  app->done(app->ctx, &x);
  buf_free(&x.res.headers);
  buf_free(&x.res.body);
  assert_int_equal(vaults_sweep(f.hub->vaults), OK);
  assert_int_equal(count_records().parts, before.parts);
}

/* As a stop during a purge leaves it. */
static void leftovers_go_with_the_next_start(void **state) {
  struct records before = count_records();
  EXPECT(201, HUB, HTTP_PUT, "/hub/vaults/cut", "{}");
  EXPECT(200, "cut." DOMAIN, HTTP_PUT, "/secrets/s", "{\"value\":\"v\"}");
  EXPECT(200, HUB, HTTP_DELETE, "/hub/vaults/cut", "");
  EXPECT(204, HUB, HTTP_DELETE, "/hub/deletedvaults/cut", "");
  assert_int_equal(count_records().parts, before.parts + 4);
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  assert_int_equal(vaults_sweep(f.hub->vaults), OK);
  assert_int_equal(count_records().parts, before.parts);
}

static void a_backup_opens_in_its_own_vault_only(void **state) {
  char body[65536];
  EXPECT(200, TWO, HTTP_POST, "/keys/same/backup", "");
  snprintf(body, sizeof body, "{\"value\":\"%s\"}", answer_str(&last, "value"));
  EXPECT(400, ONE, HTTP_POST, "/keys/restore", body);
  EXPECT(200, TWO, HTTP_DELETE, "/keys/same", "");
  EXPECT(204, TWO, HTTP_DELETE, "/deletedkeys/same", "");
  EXPECT(200, HUB, HTTP_DELETE, "/keys/same", "");
  EXPECT(204, HUB, HTTP_DELETE, "/deletedkeys/same", "");
  EXPECT(400, HUB, HTTP_POST, "/keys/restore", body);
  EXPECT(200, TWO, HTTP_POST, "/keys/restore", body);
}

static void pages(void **state) {
  for (int i = 0; i < 30; i++) {
    char path[64];
    snprintf(path, sizeof path, "/hub/vaults/page-%02d", i);
    EXPECT(201, HUB, HTTP_PUT, path, "{}");
  }
  char next[512] = "/hub/vaults?maxresults=7";
  size_t found = 0, rounds = 0;
  while (next[0]) {
    EXPECT(200, HUB, HTTP_GET, next, "");
    found += json_array_size(json_object_get(last.json, "value"));
    const char *link = answer_str(&last, "nextLink");
    const char *path = link[0] ? strstr(link, "/hub/") : "";
    snprintf(next, sizeof next, "%s", path);
    rounds++;
  }
  assert_int_equal(found, 32);
  assert_int_equal(rounds, 5);
}

static void what_is_damaged_is_refused(void **state) {
  static const char *const places[] = { "vaults/", "vaults/x",
                                        "vaults/11111111-1111-4111-8111-111111111111" };
  AUTO(vaults) struct vaults *vs = NULL;
  struct vaults_conf conf = { .store = f.hub->store, .identity = f.hub->identity };
  conf.vault.live_of = f.hub->vault;
  assert_int_equal(vaults_new(&conf, &vs), OK);
  for (size_t i = 0; i < COUNT(places); i++) {
    assert_int_equal(vaults_load(vs, bytes_str(places[i]), bytes_str("")), ERR_CORRUPT);
    assert_int_equal(vaults_load(vs, bytes_str(places[i]), bytes_str("\x01\x01")), ERR_CORRUPT);
  }
  assert_int_equal(vaults_load_part(vs, bytes_str("v/x"), bytes_str("")), ERR_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names),
    cmocka_unit_test(hosts),
    cmocka_unit_test(each_has_its_own_objects),
    cmocka_unit_test(roles_do_not_leak),
    cmocka_unit_test(vaults_are_managed_by_roles_of_the_hub),
    cmocka_unit_test(the_hub_is_not_at_a_vaults_host),
    cmocka_unit_test(deleted_recovered_purged),
    cmocka_unit_test(protected_until_its_time),
    cmocka_unit_test(a_backup_opens_in_its_own_vault_only),
    cmocka_unit_test(pages),
    cmocka_unit_test(certificates_come_and_go_with_their_vault),
    cmocka_unit_test(a_purge_leaves_nothing),
    cmocka_unit_test(leftovers_go_with_the_next_start),
    cmocka_unit_test(what_is_damaged_is_refused),
  };
  int failed = cmocka_run_group_tests(tests, begin, end);
  answer_free(&last);
  return failed;
}
