/* Opening, unsealing, serving and closing a hub. */
#include "vault/hub.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/write.h"
#include "vault/hub_internal.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define GRACE_MS 5000

err_t hub_path(const struct hub *h, const char *name, char out[static HUB_PATH_MAX]) {
  int n = snprintf(out, HUB_PATH_MAX, "%s/%s", h->dir, name);
  if (n < 0 || n >= HUB_PATH_MAX)
    FAIL(ERR_CONFIG, "the data directory's name is too long");
  return OK;
}

static err_t root_key_path(const struct hub *h, char out[static HUB_PATH_MAX]) {
  const char *path = conf_str(h->conf, "root_file");
  if (path[0] == '\0')
    return hub_path(h, "root.key", out);
  snprintf(out, HUB_PATH_MAX, "%s", path);
  return OK;
}

/* The root of this provider, from its file or the passphrase. */
static err_t open_root(const struct hub *h, const char *provider, struct bytes passphrase,
                       struct root **out) {
  char path[HUB_PATH_MAX];
  AUTO_SECRET key = { 0 };
  if (strcmp(provider, "passphrase") == 0)
    return root_open(provider, passphrase, out);
  TRY(root_key_path(h, path));
  TRY(root_file_read(path, &key));
  return root_open(provider, secret_bytes(&key), out);
}

/* A new store: makes the root key file where it is not there and the master key under it. */
static err_t init_store(struct hub *h, struct bytes passphrase) {
  const char *provider = conf_str(h->conf, "root");
  char path[HUB_PATH_MAX];
  AUTO(root) struct root *root = NULL;
  if (strcmp(provider, "file") == 0) {
    TRY(root_key_path(h, path));
    if (access(path, F_OK) != 0)
      TRY(root_file_create(path));
  } else if (passphrase.size == 0) {
    FAIL(ERR_CONFIG, "a new vault with --root %s needs the passphrase", provider);
  }
  TRY(open_root(h, provider, passphrase, &root));
  h->first = true;
  return store_init(h->store, root);
}

static err_t load_record(void *ctx, struct bytes place, struct bytes body) {
  struct hub *h = ctx;
  if (vault_owns(place))
    return vault_load(h->vault, place, body);
  if (identity_owns(place))
    return identity_load(h->identity, place, body);
  if (hub_owns(place))
    return hub_load(h, place, body);
  FAIL(ERR_CORRUPT, "a record that this version does not know: it was written by a newer one");
}

static void audit_durable(void *ctx, uint64_t number) {
  http_gate_pass(((struct hub *)ctx)->gate, number);
}

static void audit_failed(void *ctx, uint64_t from, uint64_t to) {
  http_gate_fail(((struct hub *)ctx)->gate, ERR_AUDIT, from, to);
}

static err_t open_audit(struct hub *h) {
  char dir[HUB_PATH_MAX];
  TRY(hub_path(h, "audit", dir));
  TRY(store_derive(h->store, "audit/seal", 32, &h->audit_key));
  struct audit_conf conf = { .dir = dir,
                             .rotate_bytes = conf_uint(h->conf, "audit.rotate_bytes"),
                             .rotate_seconds =
                               (int64_t)conf_uint(h->conf, "audit.rotate_hours") * 3600,
                             .window_us = (unsigned)conf_uint(h->conf, "audit.window_us"),
                             .sync = true,
                             .begun = h->audit_begun,
                             .lost = h->audit_lost,
                             .reached = h->audit_reached,
                             .durable = audit_durable,
                             .failed = audit_failed,
                             .ctx = h };
  TRY(audit_open(&conf, secret_bytes(&h->audit_key), h->audit_signer, &h->audit));
  return hub_mark_audit(h);
}

/* Everything that needs the master key. */
static err_t load_all(struct hub *h) {
  struct vault_conf conf = { .retention_days = (unsigned)conf_uint(h->conf, "retention_days"),
                             .purge_protection = conf_bool(h->conf, "purge_protection"),
                             .async_delete_ms = (unsigned)conf_uint(h->conf, "test.async_delete"),
                             .live_keys = (unsigned)conf_uint(h->conf, "live_keys") };
  TRY(vault_new(h->store, &conf, &h->vault));
  TRY(identity_new(h->store, &h->identity));
  TRY(store_load(h->store, load_record, h));
  TRY(vault_ready(h->vault));
  TRY(identity_ready(h->identity));
  TRY(hub_ready_keys(h));
  return open_audit(h);
}

/* What needs the port that was bound. */
static err_t make_ready(struct hub *h) {
  struct token_policy policy = { h->api.issuer, (int64_t)conf_uint(h->conf, "token_seconds") };
  snprintf(h->api.issuer, sizeof h->api.issuer, "%s/%s/v2.0", h->url, identity_tenant(h->identity));
  token_set_policy(h->identity, &policy);
  TRY(hub_ready_owner(h));
  h->api.vault = h->vault;
  h->api.identity = h->identity;
  h->api.audit = h->audit;
  TRY(hub_scheduler_start(h));
  atomic_store_explicit(&h->api.state, API_READY, memory_order_release);
  return OK;
}

/* Forgets what a failed unsealing left behind. */
static void unload(struct hub *h) {
  if (h->audit)
    audit_close(TAKE(h->audit));
  if (h->vault)
    vault_free(TAKE(h->vault));
  if (h->identity)
    identity_free(TAKE(h->identity));
  if (h->ca_key)
    key_free(TAKE(h->ca_key));
  if (h->audit_signer)
    key_free(TAKE(h->audit_signer));
  buf_free(&h->ca_der);
  secret_free(&h->audit_key);
}

static err_t unseal_with(struct hub *h, struct bytes passphrase) {
  AUTO(root) struct root *root = NULL;
  TRY(open_root(h, h->api.provider, passphrase, &root));
  return store_is_sealed(h->store) ? store_unseal(h->store, root) : OK;
}

/* POST /hub/unseal, one at a time; the cost of scrypt is the limit on guessing. */
static err_t api_unseal(void *ctx, struct bytes passphrase) {
  struct hub *h = ctx;
  pthread_mutex_lock(&h->unsealing);
  err_t e = OK;
  if (atomic_load(&h->api.state) == API_SEALED) {
    e = unseal_with(h, passphrase);
    if (e == OK && (e = load_all(h)) == OK)
      e = make_ready(h);
    if (e != OK && e != ERR_ROOT_KEY)
      unload(h);
    log_info("hub", e == OK ? "the vault was unsealed" : "an attempt to unseal the vault failed");
  }
  pthread_mutex_unlock(&h->unsealing);
  return e;
}

static void api_seal(void *ctx) {
  struct hub *h = ctx;
  atomic_store(&h->sealing, true);
  kill(getpid(), SIGTERM);
}

static err_t api_audit_read(void *ctx, uint64_t from, uint64_t count, audit_each *each, void *arg) {
  struct hub *h = ctx;
  char dir[HUB_PATH_MAX];
  TRY(hub_path(h, "audit", dir));
  return audit_read(dir, secret_bytes(&h->audit_key), from, count, each, arg);
}

static void api_stats(void *ctx, struct http_server_stats *out) {
  http_server_stats(((struct hub *)ctx)->server, out);
}

static err_t bind_server(struct hub *h) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  AUTO(tls) struct tls *tls = NULL;
  const char *const *listen;
  conf.listen_count = conf_list(h->conf, "listen", &listen);
  conf.listen = listen;
  conf.loops = (unsigned)conf_uint(h->conf, "loops");
  conf.workers = (unsigned)conf_uint(h->conf, "workers");
  conf.max_connections = (unsigned)conf_uint(h->conf, "max_connections");
  conf.idle_ms = (unsigned)conf_uint(h->conf, "idle_seconds") * 1000;
  if (conf.listen_count == 0)
    FAIL(ERR_CONFIG, "there is no address to listen on");
  TRY(hub_tls(h, &tls));
  TRY(http_gate_new(&h->gate));
  h->app = api_app(&h->api);
  TRY(http_server_new(&conf, &h->app, h->gate, tls, &h->server));
  unsigned port = http_server_port(h->server, 0);
  const char *name = h->api.host_count ? h->api.hosts[0] : "localhost";
  const char *colon = strrchr(listen[0], ':');
  snprintf(h->listen, sizeof h->listen, "%.*s:%u", colon ? (int)(colon - listen[0]) : 0, listen[0],
           port);
  snprintf(h->url, sizeof h->url, port == 443 ? "https://%s" : "https://%s:%u", name, port);
  return OK;
}

/* Opening a store makes it: not where nothing is to be made. */
static err_t must_be_there(const char *dir) {
  char path[HUB_PATH_MAX];
  snprintf(path, sizeof path, "%s/vault.db", dir);
  if (access(path, F_OK) != 0)
    FAIL(ERR_CONFIG, "there is no vault in %s: 'strongroom up --data %s' makes one", dir, dir);
  return OK;
}

static err_t open_all(struct hub *h, struct bytes passphrase) {
  if (!h->init)
    TRY(must_be_there(h->dir));
  TRY(store_open(h->dir, &h->store));
  if (store_is_new(h->store))
    TRY(init_store(h, passphrase));
  TRY(store_provider(h->store, h->api.provider));
  bool can_unseal = strcmp(h->api.provider, "passphrase") != 0 || passphrase.size;
  if (store_is_sealed(h->store) && can_unseal)
    TRY(unseal_with(h, passphrase));
  if (!store_is_sealed(h->store))
    TRY(load_all(h));
  TRY(bind_server(h));
  return store_is_sealed(h->store) ? OK : make_ready(h);
}

/* What hub_run() waits for; blocked before the first thread begins, so that all of them inherit it.
 */
static void signals_of(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
}

err_t hub_open(const struct hub_start *start, struct hub **out) {
  sigset_t set;
  AUTO(hub) struct hub *h = mem_zalloc(sizeof *h);
  if (!h)
    return ERR_NOMEM;
  signals_of(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_mutex_init(&h->unsealing, NULL);
  h->conf = start->conf;
  h->init = start->init;
  h->audit_lost = start->audit_lost;
  h->dir = conf_str(h->conf, "data");
  h->api.hub = h;
  h->api.unseal = api_unseal;
  h->api.seal = api_seal;
  h->api.audit_read = api_audit_read;
  h->api.stats = api_stats;
  h->api.started = clock_now();
  h->api.host_count = conf_list(h->conf, "host", &h->api.hosts);
  TRY(open_all(h, start->passphrase));
  *out = TAKE(h);
  return OK;
}

void hub_free(struct hub *h) {
  if (h->server)
    http_server_free(h->server);
  hub_scheduler_stop(h);
  unload(h);
  if (h->gate)
    http_gate_free(h->gate);
  if (h->store)
    store_close(h->store);
  pthread_mutex_destroy(&h->unsealing);
  mem_free(h);
}

err_t hub_write_ready(struct hub *h, struct buf *out) {
  write_open(out, NULL, '{');
  write_str(out, "url", h->url);
  write_str(out, "listen", h->listen);
  write_bool(out, "sealed", atomic_load(&h->api.state) == API_SEALED);
  write_bool(out, "first", h->first);
  write_str(out, "tenant", h->identity ? identity_tenant(h->identity) : "");
  write_str(out, "root", h->api.provider);
  write_i64(out, "pid", getpid());
  write_close(out, '}');
  buf_put_char(out, '\n');
  return buf_ok(out);
}

static void reload(struct hub *h) {
  AUTO(tls) struct tls *tls = NULL;
  err_t e = hub_tls(h, &tls);
  if (e != OK) {
    log_err("hub", e, "reloading the certificate; the old one stays");
    return;
  }
  http_server_reload(h->server, tls);
  log_info("hub", "the certificate was reloaded");
}

err_t hub_run(struct hub *h, enum hub_exit *why) {
  sigset_t set;
  int signal = SIGHUP;
  signals_of(&set);
  TRY(http_server_start(h->server));
  while (signal == SIGHUP) {
    if (sigwait(&set, &signal) != 0)
      FAIL(ERR_INTERNAL, "cannot wait for signals");
    if (signal == SIGHUP)
      reload(h);
  }
  http_server_stop(h->server, GRACE_MS);
  *why = atomic_load(&h->sealing) ? HUB_SEALED : HUB_STOPPED;
  return OK;
}

err_t hub_root_provider(const char *dir, char out[static 16]) {
  AUTO(store) struct store *s = NULL;
  TRY(must_be_there(dir));
  TRY(store_open(dir, &s));
  if (store_is_new(s))
    FAIL(ERR_CONFIG, "the vault in %s was never finished: start it once with 'strongroom up'", dir);
  return store_provider(s, out);
}

err_t hub_rewrap(const char *dir, const char *provider, struct bytes old_passphrase,
                 struct bytes new_passphrase) {
  AUTO(hub) struct hub *h = mem_zalloc(sizeof *h);
  AUTO(conf) struct conf *conf = NULL;
  AUTO(root) struct root *root = NULL;
  char path[HUB_PATH_MAX];
  if (!h)
    return ERR_NOMEM;
  pthread_mutex_init(&h->unsealing, NULL);
  TRY(conf_new(hub_keys, hub_key_count, &conf));
  h->conf = conf;
  h->dir = dir;
  TRY(hub_root_provider(dir, h->api.provider));
  TRY(store_open(dir, &h->store));
  TRY(unseal_with(h, old_passphrase));
  if (strcmp(provider, "file") == 0) {
    TRY(root_key_path(h, path));
    if (access(path, F_OK) != 0)
      TRY(root_file_create(path));
  }
  TRY(open_root(h, provider, new_passphrase, &root));
  return store_rewrap(h->store, root);
}
