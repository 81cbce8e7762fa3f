/* Reading the configuration, and making options of it. What does not fit is in config_check.c. */
#include "cli/proxy/config.h"

#include "cli/args.h"
#include "cli/proxy/config_check.h"
#include "cli/when.h"

#include <stdio.h>

#define ENV_PREFIX "STRONGROOM_PROXY_"

const struct conf_key proxy_keys[] = {
  { "mode", CONF_STR, "server", 0, 0,
    "server: TLS comes in and plain text goes out; client: the other way round", "MODE",
    "server client" },
  { "service", CONF_STR, "", 0, 0,
    "its name in logs (default: that of the configuration file, or the address)", "NAME", NULL },
  { "listen", CONF_LIST, "", 0, 0, "ADDRESS:PORT or the path of a Unix socket; again for more",
    "ADDRESS", NULL },
  { "to", CONF_LIST, "", 0, 0,
    "where to: HOST:PORT or the path of a Unix socket; again for others to try when it is away "
    "(the one that answered last is tried first)",
    "TARGET", NULL },
  { "route", CONF_LIST, "", 0, 0,
    "NAME=TARGET: where clients go that ask for NAME (SNI); .NAME: for whatever is below it",
    "ROUTE", NULL },
  { "name", CONF_LIST, "", 0, 0,
    "a name in its own certificate: DNS name, address or spiffe://..; again for more", "NAME",
    NULL },
  { "profile", CONF_STR, "auto", 0, 0,
    "of its certificate; auto: workload if the name is spiffe://.., else as --mode", "PROFILE",
    "auto server client workload" },
  { "subject", CONF_STR, "", 0, 0, "of its certificate: \"O=Example, OU=billing\"", "SUBJECT",
    NULL },
  { "lifetime", CONF_STR, "", 0, 0,
    "of its next certificate (one that is in --state is used until it is due): 12h, 30d, 15s at "
    "least (default: the profile's)",
    "SPAN", NULL },
  { "server_name", CONF_STR, "", 0, 0,
    "client mode: the name in the server's certificate, or its SPIFFE ID (default: --to's host)",
    "NAME", NULL },
  { "allow", CONF_LIST, "", 0, 0,
    "server mode: who may connect: a.example, .example, spiffe://example/*, OU=billing", "PATTERN",
    NULL },
  { "allow_any", CONF_BOOL, "no", 0, 0,
    "server mode: whoever has a certificate of the authority may connect", NULL, NULL },
  { "starttls", CONF_STR, "none", 0, 0, "the protocol turns to TLS on the way", "PROTOCOL",
    "none postgres mysql" },
  { "tls", CONF_STR, "1.3", 0, 0, "the oldest version that is spoken", "VERSION", "1.3 1.2" },
  { "ktls", CONF_STR, "auto", 0, 0,
    "auto: the kernel makes the TLS records that are sent, where it can; off: it does not",
    "WHETHER", "auto off" },
  { "alpn", CONF_LIST, "", 0, 0,
    "application protocols: a server takes a client's first of them, a client offers them",
    "PROTOCOL", NULL },
  { "proxy_protocol", CONF_BOOL, "no", 0, 0,
    "server mode: tell the service who came, by the PROXY protocol, version 2 (which PostgreSQL "
    "before 19 can't take)",
    NULL, NULL },
  { "proxy_protocol_from", CONF_LIST, "", 0, 0,
    "server mode: balancers (ADDRESS or BLOCK) that say so of their own connections, by version 2",
    "ADDRESS", NULL },
  { "max_connections", CONF_UINT, "16384", 1, 10000000, "open connections", "N", NULL },
  { "max_per_source", CONF_UINT, "0", 0, 10000000,
    "of one address (IPv6: of one /64); 0: any number", "N", NULL },
  { "max_unproven", CONF_UINT, "32", 1, 10000000,
    "connections to a service that speaks first (MySQL) whose clients are not proven yet; others "
    "wait for --handshake-seconds",
    "N", NULL },
  { "rate", CONF_UINT, "0", 0, 1000000, "new ones a second, of one address; 0: any number", "N",
    NULL },
  { "burst", CONF_UINT, "0", 0, 1000000, "of these at once, after a quiet time; 0: as --rate", "N",
    NULL },
  { "handshake_seconds", CONF_UINT, "10", 1, 3600, "for all that comes before data", "SECONDS",
    NULL },
  { "dial_seconds", CONF_UINT, "5", 1, 3600, "to connect to where it goes", "SECONDS", NULL },
  { "idle_seconds", CONF_UINT, "0", 0, 31536000, "connections without data end; 0: never",
    "SECONDS", NULL },
  { "drain_seconds", CONF_UINT, "30", 0, 86400, "for connections to end when it is told to stop",
    "SECONDS", NULL },
  { "hub_seconds", CONF_UINT, "60", 0, 86400,
    "to wait for the hub at the start, if there is no certificate yet", "SECONDS", NULL },
  { "state", CONF_STR, "", 0, 0, "where key, certificate and revocation lists are kept", "DIR",
    NULL },
  { "data", CONF_STR, "", 0, 0, "take the hub's address and credentials from DIR/env", "DIR",
    NULL },
  { "revocation", CONF_STR, "required", 0, 0,
    "required: who is revoked is refused, and everybody once the lists have ended", "WHETHER",
    "required off" },
  { "admin", CONF_STR, "", 0, 0,
    "where /metrics, /healthz, /readyz and /status are: a Unix socket's path or a loopback address",
    "ADDRESS", NULL },
  { "access_log", CONF_STR, "", 0, 0, "a line of JSON for each connection; -: to stdout", "FILE",
    NULL },
  { "socket_mode", CONF_STR, "0600", 0, 0, "mode of the Unix sockets that it listens on", "MODE",
    NULL },
  { "log", CONF_STR, "info", 0, 0, "what goes to stderr", "LEVEL", "error warn info debug" },
  { "loops", CONF_UINT, "0", 0, 256, "event loops; 0: one a core", "N", NULL },
};
const size_t proxy_key_count = sizeof proxy_keys / sizeof *proxy_keys;

const char *proxy_config_text(const struct proxy_config *c, const char *key) {
  const char *text = conf_str(c->conf, key);
  return *text ? text : NULL;
}

unsigned proxy_config_ms(const struct proxy_config *c, const char *key) {
  uint64_t ms = conf_uint(c->conf, key) * 1000;
  return ms > INT32_MAX ? INT32_MAX : (unsigned)ms;
}

/* --- files, environment, flags --- */

/* The value of --config FILE or --config=FILE; *used is how many words it took, 0: it is none. */
static const char *config_file(int argc, char **argv, int *used) {
  static const char flag[] = "--config";
  struct bytes word = bytes_str(argv[0]);
  *used = 0;
  if (!bytes_starts(word, flag))
    return NULL;
  if (argv[0][sizeof flag - 1] == '=') {
    *used = 1;
    return argv[0] + sizeof flag;
  }
  if (argv[0][sizeof flag - 1] != '\0' || argc < 2)
    return NULL;
  *used = 2;
  return argv[1];
}

/* Files first, wherever they stand. */
static err_t read_files(int argc, char **argv, struct proxy_config *c) {
  const char *last = NULL;
  for (int i = 0, used; i < argc; i++) {
    const char *path = config_file(argc - i, argv + i, &used);
    if (used == 0)
      continue;
    TRY(conf_read_file(c->conf, path));
    last = path;
    i += used - 1;
  }
  if (!last)
    return OK;
  const char *slash = strrchr(last, '/'), *base = slash ? slash + 1 : last;
  const char *dot = strrchr(base, '.');
  snprintf(c->service, sizeof c->service, "%.*s",
           (int)(dot && dot != base ? (size_t)(dot - base) : strlen(base)), base);
  return OK;
}

static err_t read_all(int argc, char **argv, struct proxy_config *c) {
  TRY(conf_new(proxy_keys, proxy_key_count, &c->conf));
  TRY(read_files(argc, argv, c));
  TRY(conf_read_env(c->conf, ENV_PREFIX));
  conf_warn_env(c->conf, ENV_PREFIX, "proxy");
  for (int i = 0, used; i < argc; i += used) {
    config_file(argc - i, argv + i, &used);
    if (used == 0)
      TRY(conf_flag(c->conf, argc - i, argv + i, &used));
    if (used == 0)
      FAIL(ERR_USAGE, "there is no option %s: see 'strongroom help proxy serve'", argv[i]);
  }
  return OK;
}

/* --- options of what runs --- */

/* The route of that name, a new one if there is none. */
static err_t find_route(struct proxy_config *c, struct bytes name, struct config_route **named,
                        struct proxy_route **out) {
  size_t i = 0;
  while (i < c->proxy.route_count && !bytes_equal_nocase(name, c->named[i].name))
    i++;
  *named = &c->named[i];
  *out = &c->routes[i];
  if (i < c->proxy.route_count)
    return OK;
  if (!(c->named[i].name = mem_zalloc(name.size + 1)))
    return ERR_NOMEM;
  if (name.size)
    memcpy(c->named[i].name, name.data, name.size);
  (*out)->name = c->named[i].name;
  (*out)->backends = c->named[i].backends;
  c->proxy.route_count++;
  return OK;
}

static err_t add_backend(struct proxy_config *c, struct bytes name, const char *target) {
  struct config_route *named;
  struct proxy_route *r;
  TRY(find_route(c, name, &named, &r));
  if (r->backend_count == CONFIG_BACKENDS_MAX)
    FAIL(ERR_USAGE, "at most %d targets, one behind the other, can be tried", CONFIG_BACKENDS_MAX);
  named->backends[r->backend_count++] = target;
  r->peers.count = conf_list(c->conf, "allow", &r->peers.patterns);
  r->peers.any = conf_bool(c->conf, "allow_any");
  r->server_name = c->server_name;
  return OK;
}

static err_t make_routes(struct proxy_config *c) {
  const char *const *items;
  size_t count = conf_list(c->conf, "to", &items);
  for (size_t i = 0; i < count; i++)
    TRY(add_backend(c, bytes_str(""), items[i]));
  count = conf_list(c->conf, "route", &items);
  for (size_t i = 0; i < count; i++) {
    struct bytes name, target = bytes_split(bytes_str(items[i]), '=', &name);
    if (!target.size || !name.size)
      FAIL(ERR_USAGE, "--route takes NAME=TARGET, not '%s'", items[i]);
    TRY(add_backend(c, name, (const char *)target.data));
  }
  return OK;
}

/* The host part of where a client proxy goes, if there is one that all targets have. */
static void guess_server_name(struct proxy_config *c) {
  const char *const *items;
  size_t count = conf_list(c->conf, "to", &items);
  const char *given = conf_str(c->conf, "server_name");
  snprintf(c->server_name, sizeof c->server_name, "%s", given);
  for (size_t i = 0; !*given && i < count; i++) {
    const char *text = items[i], *colon = strrchr(text, ':');
    bool bracket = *text == '[' && colon && colon > text + 1 && colon[-1] == ']';
    int n = colon && *text != '/' ? (int)(colon - text) - 2 * bracket : 0;
    char host[sizeof c->server_name];
    snprintf(host, sizeof host, "%.*s", n, text + bracket);
    if (i && strcmp(host, c->server_name) != 0)
      *host = '\0';
    memcpy(c->server_name, host, sizeof host);
  }
}

static void name_service(struct proxy_config *c) {
  const char *const *items, *given = conf_str(c->conf, "service");
  size_t count = conf_list(c->conf, "listen", &items);
  if (*given)
    snprintf(c->service, sizeof c->service, "%s", given);
  else if (!*c->service)
    snprintf(c->service, sizeof c->service, "%s", count ? items[0] : "proxy");
}

static struct proxy_limits limits(const struct proxy_config *c) {
  struct proxy_limits l = PROXY_LIMITS_DEFAULT;
  l.connections = (unsigned)conf_uint(c->conf, "max_connections");
  l.per_source = (unsigned)conf_uint(c->conf, "max_per_source");
  l.unproven = (unsigned)conf_uint(c->conf, "max_unproven");
  l.per_second = (unsigned)conf_uint(c->conf, "rate");
  l.burst = (unsigned)conf_uint(c->conf, "burst");
  l.handshake_ms = proxy_config_ms(c, "handshake_seconds");
  l.dial_ms = proxy_config_ms(c, "dial_seconds");
  l.idle_ms = proxy_config_ms(c, "idle_seconds");
  return l;
}

static err_t parse_mode(const char *text, unsigned *out) {
  unsigned mode = 0;
  size_t n = 0;
  for (; text[n] >= '0' && text[n] <= '7' && n < 5; n++)
    mode = 8 * mode + (unsigned)(text[n] - '0');
  if (n == 0 || text[n] || mode > 0777 || mode == 0)
    FAIL(ERR_USAGE, "--socket-mode takes a mode such as 0660, not '%s'", text);
  *out = mode;
  return OK;
}

static err_t make_proxy(struct proxy_config *c) {
  struct proxy_options *o = &c->proxy;
  const char *front = conf_str(c->conf, "starttls");
  o->service = c->service;
  o->mode = strcmp(conf_str(c->conf, "mode"), "client") == 0 ? PROXY_CLIENT : PROXY_SERVER;
  o->listen_count = conf_list(c->conf, "listen", &o->listen);
  o->inherited = c->inherited;
  o->routes = c->routes;
  o->front = strcmp(front, "none") == 0 ? NULL : front;
  o->header_from_count = conf_list(c->conf, "proxy_protocol_from", &o->header_from);
  o->header_to = conf_bool(c->conf, "proxy_protocol");
  o->limits = limits(c);
  o->loops = (unsigned)conf_uint(c->conf, "loops");
  TRY(parse_mode(conf_str(c->conf, "socket_mode"), &o->socket_mode));
  guess_server_name(c);
  name_service(c);
  return make_routes(c);
}

static bool is_workload(const char *const *names, size_t count) {
  return count == 1 && bytes_starts(bytes_str(names[0]), "spiffe://");
}

static err_t make_enrol(struct proxy_config *c) {
  struct enrol_options *o = &c->enrol;
  const char *lifetime = proxy_config_text(c, "lifetime");
  int64_t seconds = 0;
  o->name_count = conf_list(c->conf, "name", &o->names);
  o->profile = conf_str(c->conf, "profile");
  if (strcmp(o->profile, "auto") == 0)
    o->profile = is_workload(o->names, o->name_count) ? "workload" : conf_str(c->conf, "mode");
  o->subject = proxy_config_text(c, "subject");
  o->state = proxy_config_text(c, "state");
  if (lifetime)
    TRY(when_parse_span("lifetime", lifetime, &seconds));
  o->lifetime_s = (uint64_t)seconds;
  o->lists = strcmp(conf_str(c->conf, "revocation"), "required") == 0;
  return OK;
}

static err_t take_sockets(const struct config_sockets *s, struct proxy_config *c) {
  if (s->count > sizeof c->inherited / sizeof *c->inherited)
    FAIL(ERR_USAGE, "%u sockets are too many", s->count);
  for (unsigned i = 0; i < s->count; i++)
    c->inherited[i] = s->first + (int)i;
  c->proxy.inherited_count = s->count;
  return OK;
}

static err_t read_and_check(int argc, char **argv, const struct config_sockets *activated,
                            struct proxy_config *c) {
  TRY(read_all(argc, argv, c));
  TRY(take_sockets(activated, c));
  TRY(make_proxy(c));
  TRY(make_enrol(c));
  return config_check(c);
}

err_t proxy_config_read(int argc, char **argv, const struct config_sockets *activated,
                        struct proxy_config *out) {
  return args_usage(read_and_check(argc, argv, activated, out));
}

void proxy_config_free(struct proxy_config *c) {
  for (size_t i = 0; i < CONFIG_ROUTES_MAX; i++)
    mem_free(TAKE(c->named[i].name));
  if (c->conf)
    conf_free(TAKE(c->conf));
}
