/* Opening, unsealing, serving and closing a hub. */
#include "vault/hub.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
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

static err_t load_part(void *ctx, struct bytes place, struct bytes body) {
  struct hub *h = ctx;
  char guid[GUID_SIZE + 1];
  struct bytes within;
  return partition_of(place, guid, &within) ? vaults_load_part(h->vaults, place, body) : OK;
}

static err_t load_record(void *ctx, struct bytes place, struct bytes body) {
  struct hub *h = ctx;
  char guid[GUID_SIZE + 1];
  struct bytes within;
  if (vault_owns(place))
    return vault_load(h->vault, place, body);
  if (identity_owns(place))
    return identity_load(h->identity, place, body);
  if (ca_owns(place))
    return ca_load(h->ca, place, body);
  if (roles_owns(place))
    return roles_load(h->roles, place, body);
  if (acme_owns(place))
    return acme_load(h->acme, place, body);
  if (hub_owns(place))
    return hub_load(h, place, body);
  if (vaults_owns(place))
    return vaults_load(h->vaults, place, body);
  if (partition_of(place, guid, &within)) {
    h->parts_seen = true; /* once all vaults are known */
    return OK;
  }
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

struct vault_conf hub_vault_conf(const struct hub *h) {
  return (struct vault_conf){ .retention_days = (unsigned)conf_uint(h->conf, "retention_days"),
                              .purge_protection = conf_bool(h->conf, "purge_protection"),
                              .async_delete_ms = (unsigned)conf_uint(h->conf, "test.async_delete"),
                              .live_keys = (unsigned)conf_uint(h->conf, "live_keys") };
}

err_t hub_load_all(struct hub *h) {
  struct vault_conf conf = hub_vault_conf(h);
  partition_main(h->store, &h->part);
  TRY(vault_new(&h->part, &conf, &h->vault));
  TRY(identity_new(h->store, &h->identity));
  TRY(ca_new(h->store, &h->ca));
  TRY(roles_new(h->identity, &h->part, "", &h->roles));
  TRY(hub_new_vaults(h));
  h->parts_seen = false;
  TRY(acme_new(h->store, h->identity, &h->acme));
  TRY(store_load(h->store, load_record, h));
  if (h->parts_seen)
    TRY(store_load(h->store, load_part, h));
  TRY(vault_ready(h->vault));
  TRY(identity_ready(h->identity));
  TRY(roles_ready(h->roles));
  TRY(vaults_ready(h->vaults));
  TRY(hub_ready_ca(h));
  struct cert_authority authority = hub_authority(h);
  vault_set_authority(h->vault, &authority);
  TRY(hub_ready_keys(h));
  return open_audit(h);
}

/* What needs the port that was bound. */
static err_t make_ready(struct hub *h) {
  struct token_policy policy = { h->api.issuer, (int64_t)conf_uint(h->conf, "token_seconds") };
  snprintf(h->api.issuer, sizeof h->api.issuer, "%s/%s/v2.0", h->url, identity_tenant(h->identity));
  token_set_policy(h->identity, &policy);
  hub_set_ca_url(h);
  TRY(hub_keep_facts(h));
  TRY(hub_ready_owner(h));
  h->api.vault = h->vault;
  h->api.identity = h->identity;
  h->api.roles = h->roles;
  h->api.vaults = h->vaults;
  hub_warn_of_vaults(h);
  h->api.audit = h->audit;
  h->api.ca = h->ca;
  h->api.acme = h->acme;
  TRY(hub_ready_acme(h));
  TRY(hub_scheduler_start(h));
  atomic_store_explicit(&h->api.state, API_READY, memory_order_release);
  return OK;
}

/* Forgets what a failed unsealing left behind. */
static void unload(struct hub *h) {
  if (h->acme)
    acme_free(TAKE(h->acme));
  if (h->audit)
    audit_close(TAKE(h->audit));
  if (h->vaults)
    vaults_free(TAKE(h->vaults));
  if (h->vault)
    vault_free(TAKE(h->vault));
  if (h->roles)
    roles_free(TAKE(h->roles));
  if (h->identity)
    identity_free(TAKE(h->identity));
  if (h->ca)
    ca_free(TAKE(h->ca));
  if (h->audit_signer)
    key_free(TAKE(h->audit_signer));
  secret_free(&h->audit_key);
  if (h->store)
    store_seal(h->store);
}

static err_t unseal_now(struct hub *h, struct bytes passphrase) {
  pthread_mutex_lock(&h->unsealing);
  err_t e = OK;
  if (atomic_load(&h->api.state) == API_SEALED) {
    e = hub_unseal_store(h, passphrase);
    if (e == OK && (e = hub_load_all(h)) == OK)
      e = make_ready(h);
    if (e != OK && e != ERR_ROOT_KEY)
      unload(h);
    log_info("hub", e == OK ? "the vault was unsealed" : "an attempt to unseal the vault failed");
  }
  pthread_mutex_unlock(&h->unsealing);
  return e;
}

/* POST /hub/unseal, one at a time; the cost of scrypt is the limit on guessing. Those who guess
 * from elsewhere do not keep an operator at the machine from unsealing it. */
static err_t api_unseal(void *ctx, const char *peer, struct bytes passphrase) {
  struct hub *h = ctx;
  bool here = strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0;
  if (atomic_exchange(&h->attempt[here], true))
    REFUSE(ERR_THROTTLED, "Another attempt to unseal the vault is under way. Retry later.");
  err_t e = unseal_now(h, passphrase);
  atomic_store(&h->attempt[here], false);
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

/* Descriptors that connections must leave: of the store, the audit log and the listeners, and of
 * each thread. */
#define FILES_KEPT 128
#define CONNECTIONS_LEAST 64

static err_t fit_connections(struct http_server_conf *conf) {
  unsigned kept = FILES_KEPT + 2 * (conf->loops + conf->workers), limit = process_file_limit();
  if (limit < kept + CONNECTIONS_LEAST)
    FAIL(ERR_CONFIG, "only %u files may be open at once (ulimit -n): %u are needed", limit,
         kept + CONNECTIONS_LEAST);
  if (conf->max_connections > limit - kept) {
    log_warn("hub", "max_connections is %u, not %u: only %u files may be open at once (ulimit -n)",
             limit - kept, conf->max_connections, limit);
    conf->max_connections = limit - kept;
  }
  return OK;
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
  TRY(fit_connections(&conf));
  if (conf.listen_count == 0)
    FAIL(ERR_CONFIG, "there is no address to listen on");
  TRY(hub_tls(h, &tls));
  h->app = api_app(&h->api);
  TRY(http_server_new(&conf, &h->app, h->gate, tls, &h->server));
  unsigned port = http_server_port(h->server, 0);
  const char *colon = strrchr(listen[0], ':');
  const char *here = bytes_starts(bytes_str(listen[0]), "[::1]") ? "[::1]" : "localhost";
  const char *name = h->api.host_count ? h->api.hosts[0] : here;
  snprintf(h->listen, sizeof h->listen, "%.*s:%u", colon ? (int)(colon - listen[0]) : 0, listen[0],
           port);
  snprintf(h->url, sizeof h->url, port == 443 ? "https://%s" : "https://%s:%u", name, port);
  return OK;
}

static err_t open_all(struct hub *h, struct bytes passphrase) {
  TRY(hub_open_store(h, passphrase));
  bool can_unseal = strcmp(h->api.provider, "passphrase") != 0 || passphrase.size;
  if (store_is_sealed(h->store) && can_unseal)
    TRY(hub_unseal_store(h, passphrase));
  if (!store_is_sealed(h->store))
    TRY(hub_load_all(h));
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

err_t hub_new(const struct conf *conf, struct hub **out) {
  AUTO(hub) struct hub *h = mem_zalloc(sizeof *h);
  if (!h)
    return ERR_NOMEM;
  pthread_mutex_init(&h->unsealing, NULL);
  h->conf = conf;
  h->dir = conf_str(conf, "data");
  TRY(http_gate_new(&h->gate));
  *out = TAKE(h);
  return OK;
}

err_t hub_open(const struct hub_start *start, struct hub **out) {
  sigset_t set;
  AUTO(hub) struct hub *h = NULL;
  signals_of(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  TRY(hub_new(start->conf, &h));
  h->init = start->init;
  h->audit_lost = start->audit_lost;
  h->api.hub = h;
  h->api.unseal = api_unseal;
  h->api.seal = api_seal;
  h->api.audit_read = api_audit_read;
  h->api.stats = api_stats;
  h->api.started = clock_now();
  h->api.host_count = conf_list(h->conf, "host", &h->api.hosts);
  TRY(hub_check_domains(h));
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

/* Where it is bound to, every one: "127.0.0.1:8443". */
static void write_listeners(const struct hub *h, struct buf *out) {
  const char *const *listen;
  size_t count = conf_list(h->conf, "listen", &listen);
  char text[160];
  write_open(out, "listeners", '[');
  for (size_t i = 0; i < count; i++) {
    const char *colon = strrchr(listen[i], ':');
    snprintf(text, sizeof text, "%.*s:%u", colon ? (int)(colon - listen[i]) : 0, listen[i],
             http_server_port(h->server, i));
    write_str(out, NULL, text);
  }
  write_close(out, ']');
}

err_t hub_write_ready(struct hub *h, struct buf *out) {
  write_open(out, NULL, '{');
  write_str(out, "url", h->url);
  write_str(out, "listen", h->listen);
  write_listeners(h, out);
  write_bool(out, "sealed", atomic_load(&h->api.state) == API_SEALED);
  write_bool(out, "first", h->first);
  write_str(out, "tenant", h->identity ? identity_tenant(h->identity) : "");
  write_str(out, "root", h->api.provider);
  write_i64(out, "pid", getpid());
  write_close(out, '}');
  buf_put_char(out, '\n');
  return buf_ok(out);
}

/* Not while an unsealing loads the authority. */
static void reload(struct hub *h) {
  AUTO(tls) struct tls *tls = NULL;
  pthread_mutex_lock(&h->unsealing);
  err_t e = hub_tls(h, &tls);
  pthread_mutex_unlock(&h->unsealing);
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
