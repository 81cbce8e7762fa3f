/* strongroom proxy check: what `proxy serve` would find. */
#include "base/clock.h"
#include "cli/out.h"
#include "cli/proxy/config.h"
#include "cli/verbs.h"
#include "cli/when.h"
#include "transit/proxy/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RESOLVE_US 5000000
#define LOOK_NS 50000000

struct check {
  const struct proxy_config *config;
  struct client *client;
  char found[512]; /* what is well, in words */
};

/* --- what is looked at --- */

/* It is there and ours, or can be made. */
static err_t check_state(struct check *c) {
  const char *state = c->config->enrol.state;
  char parent[1024];
  struct stat st;
  if (stat(state, &st) == 0) {
    if (!S_ISDIR(st.st_mode) || access(state, R_OK | W_OK | X_OK) != 0)
      FAIL(ERR_CONFIG, "%s is no directory that can be written", state);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
      FAIL(ERR_CONFIG, "%s can be read by others: chmod 700 %s", state, state);
    snprintf(c->found, sizeof c->found, "%s", state);
    return OK;
  }
  const char *slash = strrchr(state, '/');
  snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - state) : 1, slash ? state : ".");
  if (errno != ENOENT || access(*parent ? parent : "/", W_OK | X_OK) != 0)
    FAIL(ERR_CONFIG, "%s can't be made: %s", state, strerror(errno));
  snprintf(c->found, sizeof c->found, "%s is to be made", state);
  return OK;
}

static err_t check_settings(struct check *c) {
  TRY(client_new(proxy_config_text(c->config, "data"), &c->client));
  snprintf(c->found, sizeof c->found, "%s", client_url(c->client));
  return OK;
}

static err_t check_certificate(struct check *c) {
  char until[WHEN_SIZE];
  int64_t not_after;
  if (!c->client)
    FAIL(ERR_CONFIG, "it can't be judged without settings of the hub");
  err_t e = enrol_peek(c->client, &c->config->enrol, &not_after);
  if (e == ERR_NOT_FOUND) {
    snprintf(c->found, sizeof c->found, "none yet: it is to be asked for");
    return OK;
  }
  TRY(e);
  when_format(not_after, until);
  snprintf(c->found, sizeof c->found, "good until %s", until);
  return OK;
}

static err_t check_hub(struct check *c) {
  AUTO_SECRET token = { 0 };
  if (!c->client)
    FAIL(ERR_CONFIG, "there are no settings to reach it with");
  TRY(client_get_token(c->client, &token));
  snprintf(c->found, sizeof c->found, "it answers, and knows us");
  return OK;
}

/* --- targets --- */

static void found_addresses(void *ctx) {
  (void)ctx; /* they are looked for again and again */
}

static err_t find_addresses(const char *target, struct addresses **out) {
  AUTO(resolver) struct resolver *r = NULL;
  const struct timespec pause = { 0, LOOK_NS };
  unsigned n;
  TRY(resolver_new(&r));
  TRY(resolver_add(r, &target, 1, false, &n));
  TRY(resolver_start(r, found_addresses, NULL));
  uint64_t until = clock_mono_us() + RESOLVE_US;
  while (!(*out = resolver_get(r, n)) && clock_mono_us() < until)
    nanosleep(&pause, NULL);
  if (!*out)
    FAIL(ERR_AWAY, "%s: the name has no address", target);
  return OK;
}

static err_t check_target(const struct check *c, const char *target) {
  AUTO(addresses) struct addresses *a = NULL;
  int error = EADDRNOTAVAIL;
  TRY(find_addresses(target, &a));
  for (size_t i = 0; i < a->count; i++) {
    uint64_t budget_us = UINT64_C(1000) * proxy_config_ms(c->config, "dial_seconds");
    int fd;
    error = net_dial((const struct sockaddr *)&a->items[i].socket, a->items[i].size, SOCK_STREAM,
                     &budget_us, &fd);
    if (error == 0) {
      close(fd);
      return OK;
    }
  }
  FAIL(ERR_AWAY, "%s: %s", target, strerror(error));
}

static err_t check_targets(struct check *c) {
  size_t count = 0;
  for (size_t i = 0; i < c->config->proxy.route_count; i++)
    for (size_t j = 0; j < c->config->routes[i].backend_count; j++, count++)
      TRY(check_target(c, c->config->routes[i].backends[j]));
  snprintf(c->found, sizeof c->found, count == 1 ? "%s takes connections" : "all take connections",
           c->config->routes[0].backends[0]);
  return OK;
}

/* --- all of it --- */

static const struct {
  const char *label;
  err_t (*check)(struct check *c);
} checks[] = {
  { "State", check_state }, { "Settings", check_settings }, { "Certificate", check_certificate },
  { "Hub", check_hub },     { "Targets", check_targets },
};

static err_t check_all(const struct proxy_config *config) {
  struct check c = { .config = config };
  err_t first = OK;
  out_field_str("Configuration", "good");
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    err_t e = checks[i].check(&c);
    fflush(stdout);
    if (e == OK)
      out_field_str(checks[i].label, c.found);
    else
      out_error_about(checks[i].label, e, NULL);
    first = first == OK ? e : first;
  }
  if (c.client)
    client_free(c.client);
  return first;
}

static int run(int argc, char **argv) {
  AUTO_PROXY_CONFIG c = { 0 };
  const struct config_sockets none = { 0 };
  err_t e = proxy_config_read(argc, argv, &none, &c);
  if (e != OK)
    out_error(e);
  else
    e = check_all(&c);
  return exit_code_of(e);
}

static const struct opt options[] = {
  PROXY_CONFIG_OPTIONS,
  OPT_END,
};

const struct verb verb_proxy_check = {
  .noun = "proxy",
  .name = "check",
  .words = "",
  .settings = verb_proxy_settings,
  .options = options,
  .summary = "Check a proxy's configuration, and whether all that it needs is there",
  .details =
    "Looks at the settings, the state directory and the certificate in it, whether the hub knows\n"
    "us, and whether there are services where connections are to go. Nothing is changed or\n"
    "asked for. The exit code is that of the first thing that is wrong: 2 for the settings, 4\n"
    "or 6 for the hub, 6 for a target, 1 for the rest.",
  .examples = "strongroom proxy check --config /etc/strongroom-proxy/db.conf\n"
              "strongroom proxy check --config db.conf --data /etc/strongroom-proxy/db",
  .run_argv = run,
};
