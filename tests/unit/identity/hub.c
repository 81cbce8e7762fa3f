#include "hub.h"

#include "crypto/alg.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Linked in place of key_generate(). Making an RSA key takes long: a program makes HUB_RSA_KEYS and
 * then begins again with the first. Each hub begins with the first, too. */
static pthread_mutex_t keys_lock = PTHREAD_MUTEX_INITIALIZER;
static struct key *keys[HUB_RSA_KEYS];
static unsigned next_key;

err_t __real_key_generate(const struct key_spec *spec, struct key **out);
err_t __wrap_key_generate(const struct key_spec *spec, struct key **out);
err_t __wrap_key_generate(const struct key_spec *spec, struct key **out) {
  if (spec->type != KEY_RSA)
    return __real_key_generate(spec, out);
  assert_int_equal(spec->bits, 2048);
  pthread_mutex_lock(&keys_lock);
  struct key **k = &keys[next_key % HUB_RSA_KEYS];
  err_t e = *k ? OK : __real_key_generate(spec, k);
  if (e == OK) {
    *out = key_ref(*k);
    next_key++;
  }
  pthread_mutex_unlock(&keys_lock);
  return e;
}

static err_t load(void *ctx, struct bytes place, struct bytes body) {
  struct hub *h = ctx;
  char guid[GUID_SIZE + 1];
  struct bytes within;
  if (partition_of(place, guid, &within))
    return OK; /* of a test's own */
  if (roles_owns(place))
    return roles_load(h->roles, place, body);
  return identity_owns(place) ? identity_load(h->id, place, body) : ERR_CORRUPT;
}

static void open_all(struct hub *h) {
  assert_ok(store_open(h->dir, &h->store));
  if (store_is_new(h->store))
    assert_ok(store_init(h->store, h->root));
  else
    assert_ok(store_unseal(h->store, h->root));
  assert_ok(identity_new(h->store, &h->id));
  partition_main(h->store, &h->part);
  assert_ok(roles_new(h->id, &h->part, "", &h->roles));
  assert_ok(store_load(h->store, load, h));
  assert_ok(identity_ready(h->id));
  assert_ok(roles_ready(h->roles));
  struct token_policy p = { "https://login.example:8443/t/v2.0", 3600 };
  token_set_policy(h->id, &p);
}

static void close_all(struct hub *h) {
  roles_free(h->roles);
  identity_free(h->id);
  store_close(h->store);
}

static void start_crypto(void) {
  static bool started, locked;
  if (started)
    return;
  mem_install_json();
  assert_ok(crypto_init(1u << 20, &locked));
  started = true;
}

int hub_start(void **state) {
  static const uint8_t root_key[32] = "a root key of thirty-two bytes..";
  start_crypto();
  next_key = 0;
  struct hub *h = mem_zalloc(sizeof *h);
  assert_non_null(h);
  snprintf(h->dir, sizeof h->dir, "/tmp/identity-test-XXXXXX");
  assert_non_null(mkdtemp(h->dir));
  assert_ok(root_open("file", bytes_of(root_key, sizeof root_key), &h->root));
  open_all(h);
  *state = h;
  return 0;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f) {
  return remove(path);
}

int hub_stop(void **state) {
  struct hub *h = *state;
  clock_shift(0);
  close_all(h);
  root_free(h->root);
  nftw(h->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  mem_free(h);
  return 0;
}

void hub_reopen(struct hub *h) {
  close_all(h);
  open_all(h);
}

void hub_client(struct hub *h, const char *name, struct client *out) {
  AUTO_SECRET s = { 0 };
  assert_ok(identity_create(h->id, name, out->app_id));
  char app_id[GUID_SIZE + 1];
  assert_ok(identity_find(h->id, name, app_id, out->oid));
  assert_string_equal(app_id, out->app_id);
  assert_ok(identity_add_secret(h->id, out->app_id, 0, out->secret_id, &s));
  assert_ok(bytes_to_cstr(secret_bytes(&s), out->secret, sizeof out->secret));
}

void hub_assign(struct hub *h, const char *role, const struct client *c, const char *scope,
                char guid[GUID_SIZE + 1]) {
  char fresh[GUID_SIZE + 1];
  assert_ok(guid_random(fresh));
  assert_ok(role_assign(h->roles, NULL, fresh, role, c->oid, scope));
  if (guid)
    memcpy(guid, fresh, sizeof fresh);
}

bool hub_allows(struct hub *h, const struct client *c, enum action a, const char *scope) {
  struct caller who = { 0 };
  char assignment[GUID_SIZE + 1];
  memcpy(who.app_id, c->app_id, sizeof who.app_id);
  memcpy(who.oid, c->oid, sizeof who.oid);
  return role_decide(h->roles, &who, a, scope, assignment);
}

static bool audience_ok(void *ctx, const char *resource) {
  return strcmp(resource, AUDIENCE) == 0;
}

err_t hub_issue(struct hub *h, const char *form, struct token_grant *g) {
  static const char *const endpoints[] = { ENDPOINT };
  struct token_request rq = {
    .form = bytes_str(form),
    .token_endpoints = endpoints,
    .token_endpoint_count = 1,
    .audience_ok = audience_ok,
  };
  return token_issue(h->id, &rq, g);
}

struct buf hub_bearer(struct hub *h, const struct client *c) {
  struct buf out = BUF_EMPTY;
  struct token_grant g;
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form,
             "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=" AUDIENCE
             "/.default%c",
             c->app_id, c->secret, 0);
  assert_ok(hub_issue(h, (const char *)form.data, &g));
  buf_put_str(&out, "Bearer ");
  buf_put_bytes(&out, buf_bytes(&g.token));
  token_grant_free(&g);
  return out;
}

err_t hub_check(struct hub *h, const struct buf *authorization, struct caller *out) {
  static const char *const audiences[] = { AUDIENCE, "https://second.example" };
  return token_check(h->id, buf_bytes(authorization), audiences, 2, out);
}

void put_jwt(struct buf *out, const char *header, const char *claims, const struct key *k,
             const char *alg) {
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF input = BUF_EMPTY, signature = BUF_EMPTY;
  buf_put_b64url(&input, bytes_str(header));
  buf_put_char(&input, '.');
  buf_put_b64url(&input, bytes_str(claims));
  assert_ok(crypto_sha256(buf_bytes(&input), digest));
  if (k)
    assert_ok(alg_sign(alg_find(bytes_str(alg)), k, bytes_of(digest, sizeof digest), &signature));
  buf_put_bytes(out, buf_bytes(&input));
  buf_put_char(out, '.');
  buf_put_b64url(out, buf_bytes(&signature));
}

char *text_of(json_t *o) {
  char *text = json_dumps(o, JSON_COMPACT);
  assert_non_null(text);
  return text;
}
