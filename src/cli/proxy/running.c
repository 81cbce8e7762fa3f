#include "cli/proxy/running.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "cli/proxy/notify.h"
#include "cli/when.h"
#include "client/settings.h"
#include "net/tls_kernel.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define DIR_SIZE 1024
#define DRAIN_LOOK_NS 100000000

/* --- what TLS is made of --- */

static err_t make_tls(const struct running *r, const struct enrolled *e, struct tls **out) {
  const struct proxy_config *c = r->config;
  struct bytes lists[128];
  struct tls_mutual o = {
    .server = c->proxy.mode == PROXY_SERVER,
    .chain_pem = buf_bytes(&e->chain_pem),
    .key = e->key,
    .ca_pem = buf_bytes(&e->ca_pem),
    .revocation = c->enrol.lists,
    .lists = lists,
    .list_count = e->list_count,
    .tls12 = strcmp(conf_str(c->conf, "tls"), "1.2") == 0,
    .kernel = r->kernel,
  };
  if (e->list_count > sizeof lists / sizeof *lists)
    FAIL(ERR_CONFIG, "%zu revocation lists are too many", e->list_count);
  for (size_t i = 0; i < e->list_count; i++)
    lists[i] = buf_bytes(&e->lists[i]);
  o.alpn_count = conf_list(c->conf, "alpn", &o.alpn);
  return tls_mutual(&o, out);
}

/* By the thread that keeps the certificate: connections that are open live on. */
static void on_change(void *ctx, struct enrolled *now) {
  struct running *r = ctx;
  AUTO(tls) struct tls *tls = NULL;
  char until[WHEN_SIZE];
  err_t e = make_tls(r, now, &tls);
  if (e != OK) {
    log_err("proxy", e, "going on with the old certificate and lists");
    return;
  }
  proxy_use_tls(r->proxy, tls);
  proxy_recheck(r->proxy);
  when_format(now->not_after, until);
  log_debug("proxy", "%s: certificate until %s, %zu revocation lists", r->config->service, until,
            now->list_count);
  notify_say(r->notify, "STATUS=certificate until %s", until);
}

static void on_ended(void *ctx, const struct proxy_ended *e) {
  struct running *r = ctx;
  if (r->log)
    access_writer_put(r->log, e);
}

/* --- putting it together --- */

static err_t open_proxy(struct running *r) {
  AUTO(enrolled) struct enrolled *now = enrol_current(r->enrol);
  AUTO(tls) struct tls *tls = NULL;
  struct proxy_options o = r->config->proxy;
  o.limits.connections = r->connections;
  o.ended = on_ended;
  o.ctx = r;
  TRY(make_tls(r, now, &tls));
  return proxy_new(&o, tls, &r->proxy);
}

static err_t open_admin(struct running *r) {
  const char *address = proxy_config_text(r->config, "admin");
  struct admin admin = running_admin;
  admin.ctx = r;
  return address ? admin_server_open(address, &admin, &r->admin) : OK;
}

static err_t get_certificate(struct running *r) {
  const struct proxy_config *c = r->config;
  notify_say(r->notify, "STATUS=getting a certificate");
  return enrol_new(r->client, &c->enrol, proxy_config_ms(c, "hub_seconds"), &r->enrol);
}

/* Descriptors that connections must leave: of the standard streams, the state directory, both logs,
 * the admin socket and who asks there, the hub, the resolver; of each loop; of each listener. */
#define FILES_KEPT 24
#define FILES_LOOP 2
#define CONNECTIONS_LEAST 16 /* or as many as are asked for */

/* Two for each connection, two more for a pipe if it is stuck. */
static err_t fit_connections(struct running *r) {
  const struct proxy_options *o = &r->config->proxy;
  unsigned each = r->kernel ? 4 : 2, loops = o->loops ? o->loops : process_cores();
  unsigned kept =
    FILES_KEPT + FILES_LOOP * loops + (unsigned)(o->listen_count + o->inherited_count);
  unsigned wanted = o->limits.connections, files = process_file_limit();
  unsigned least = kept + each * (wanted < CONNECTIONS_LEAST ? wanted : CONNECTIONS_LEAST);
  if (files < least)
    FAIL(ERR_USAGE, "only %u files may be open at once: %u are needed (ulimit -n, LimitNOFILE=)",
         files, least);
  unsigned most = (files - kept) / each;
  r->connections = wanted;
  if (wanted > most) {
    log_warn("proxy",
             "%s: max_connections is %u, not %u: only %u files may be open at once (ulimit -n, "
             "LimitNOFILE=)",
             r->config->service, most, wanted, files);
    r->connections = most;
  }
  return OK;
}

err_t running_open(const struct proxy_config *c, struct running *r) {
  const char *log = proxy_config_text(c, "access_log");
  *r = (struct running){ .config = c, .notify = notify_open() };
  r->kernel = strcmp(conf_str(c->conf, "ktls"), "auto") == 0 && tls_kernel_here();
  TRY(fit_connections(r));
  if (log)
    TRY(access_writer_open(log, &r->log));
  TRY(client_new(proxy_config_text(c, "data"), &r->client));
  client_set_patience(r->client, &PATIENCE_SERVICE);
  TRY(get_certificate(r));
  TRY(open_proxy(r));
  return open_admin(r);
}

/* --- the sandbox --- */

#define DIRS_MAX (16 + 64)
struct dirs {
  size_t count;
  struct process_dir items[DIRS_MAX];
  char paths[DIRS_MAX][DIR_SIZE];
};

static void add_dir(struct dirs *d, const char *path, enum process_access access) {
  if (d->count == DIRS_MAX)
    return;
  char *own = d->paths[d->count];
  if (snprintf(own, DIR_SIZE, "%s", path) >= DIR_SIZE)
    return;
  d->items[d->count++] = (struct process_dir){ own, access };
}

/* The directory that a file is in. */
static void add_dir_of(struct dirs *d, const char *path, enum process_access access) {
  char dir[DIR_SIZE];
  if (!path || strcmp(path, "-") == 0)
    return;
  const char *slash = strrchr(path, '/');
  int n = slash ? (int)(slash - path) : 0;
  snprintf(dir, sizeof dir, "%.*s", n, path);
  add_dir(d, n ? dir : slash ? "/" : ".", access);
}

/* What the client reads again when its credentials are due, and what names are resolved with,
 * which often is a link to a file that is replaced. */
static void add_read(struct dirs *d, const struct client *c) {
  static const enum setting files[] = { SET_SECRET_FILE, SET_ASSERTION_FILE, SET_CERTIFICATE,
                                        SET_CA };
  char resolver[PATH_MAX];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    add_dir_of(d, client_setting(c, files[i]), PROCESS_READ);
  if (realpath("/etc/resolv.conf", resolver))
    add_dir_of(d, resolver, PROCESS_READ);
  add_dir(d, "/etc", PROCESS_READ);
  add_dir(d, "/usr/share/zoneinfo", PROCESS_READ);
}

static void add_sockets(struct dirs *d, const struct proxy_config *c) {
  const char *admin = proxy_config_text(c, "admin");
  for (size_t i = 0; i < c->proxy.listen_count; i++)
    if (*c->proxy.listen[i] == '/')
      add_dir_of(d, c->proxy.listen[i], PROCESS_REMOVE);
  if (admin && *admin == '/')
    add_dir_of(d, admin, PROCESS_REMOVE);
}

/* Before any thread is there: Landlock holds for threads made later. */
static err_t enter_sandbox(const struct running *r) {
  AUTO_FREE struct dirs *d = mem_zalloc(sizeof *d);
  bool landlock;
  if (!d)
    return ERR_NOMEM;
  add_dir(d, r->config->enrol.state, PROCESS_WRITE);
  add_dir(d, "/dev/null", PROCESS_WRITE);
  add_dir_of(d, proxy_config_text(r->config, "access_log"), PROCESS_WRITE);
  add_read(d, r->client);
  add_sockets(d, r->config);
  TRY(process_sandbox(d->items, d->count, PROCESS_RESOLVES, &landlock));
  if (!landlock)
    log_warn("proxy", "this kernel has no Landlock: file access is not limited");
  return OK;
}

/* --- its life --- */

static sigset_t signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

static err_t start_threads(struct running *r) {
  if (r->log)
    TRY(access_writer_start(r->log));
  TRY(enrol_start(r->enrol, on_change, r));
  TRY(proxy_start(r->proxy));
  return r->admin ? admin_server_start(r->admin) : OK;
}

err_t running_start(struct running *r) {
  sigset_t set = signals();
  TRY(enter_sandbox(r));
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  TRY(start_threads(r));
  AUTO_BUF text = BUF_EMPTY;
  running_describe(r, &text);
  TRY(buf_ok(&text));
  log_info("proxy", "%s serves: " BYTES_FMT, r->config->service, BYTES_ARG(buf_bytes(&text)));
  notify_say(r->notify, "READY=1\nSTATUS=" BYTES_FMT, BYTES_ARG(buf_bytes(&text)));
  return OK;
}

static void look_again(struct running *r) {
  log_info("proxy", "%s: looking for a new certificate and lists", r->config->service);
  enrol_look_now(r->enrol);
  if (r->log)
    access_writer_reopen(r->log);
}

static uint64_t open_now(const struct running *r) {
  struct proxy_stats s;
  proxy_stats(r->proxy, &s);
  return s.open;
}

/* Until all have ended, the time is over, or a second signal comes. */
static void drain(struct running *r) {
  sigset_t set = signals();
  const struct timespec pause = { 0, DRAIN_LOOK_NS };
  uint64_t until = clock_mono_us() + UINT64_C(1000) * proxy_config_ms(r->config, "drain_seconds");
  sigdelset(&set, SIGHUP);
  r->draining = true;
  notify_say(r->notify, "STOPPING=1");
  log_info("proxy", "%s stops: %llu connections are open", r->config->service,
           (unsigned long long)open_now(r));
  proxy_drain(r->proxy);
  while (open_now(r) && clock_mono_us() < until)
    if (sigtimedwait(&set, NULL, &pause) > 0)
      break;
  if (open_now(r))
    log_warn("proxy", "%s: %llu connections are cut off", r->config->service,
             (unsigned long long)open_now(r));
  proxy_stop(r->proxy, 0);
}

void running_wait(struct running *r) {
  sigset_t set = signals();
  for (;;) {
    int number = sigwaitinfo(&set, NULL);
    if (number == SIGHUP)
      look_again(r);
    else if (number > 0)
      break;
  }
  drain(r);
}

/* Whoever calls somebody goes before the one that is called. */
void running_close(struct running *r) {
  if (r->admin)
    admin_server_free(r->admin);
  if (r->enrol)
    enrol_free(r->enrol);
  if (r->proxy)
    proxy_free(r->proxy);
  if (r->log)
    access_writer_free(r->log);
  if (r->client)
    client_free(r->client);
}
