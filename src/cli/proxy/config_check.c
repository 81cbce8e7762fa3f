#include "cli/proxy/config_check.h"

#include "base/cidr.h"
#include "crypto/cert.h"
#include "transit/proxy/front.h"
#include "transit/proxy/route.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Of "192.0.2.1:443"; a port may be 0. */
static bool parse_host(const char *address, struct net_address *out) {
  const char *port = strrchr(address, ':');
  char host[64];
  uint64_t number;
  if (!port || bytes_to_u64(bytes_str(port + 1), UINT16_MAX, &number) != OK ||
      bytes_to_cstr(bytes_of(address, (size_t)(port - address)), host, sizeof host) != OK ||
      (*host != '[' && strchr(host, ':')) || !net_address_parse(host, 1, out))
    return false;
  ((struct sockaddr_in *)&out->socket)->sin_port = htons((uint16_t)number); /* or sin6_port */
  return true;
}

bool config_is_local(const char *address) {
  struct net_address a;
  return *address == '/' || (parse_host(address, &a) && address_is_local(&a));
}

/* --- keys of one mode only --- */

static bool given(const struct conf *c, const char *key) {
  const char *const *items;
  for (size_t i = 0; i < proxy_key_count; i++)
    if (strcmp(proxy_keys[i].name, key) == 0)
      return proxy_keys[i].type == CONF_LIST   ? conf_list(c, key, &items) > 0
             : proxy_keys[i].type == CONF_BOOL ? conf_bool(c, key)
                                               : *conf_str(c, key) != '\0';
  return false;
}

static const struct {
  const char *key;
  enum proxy_mode mode;
  const char *flag, *advice;
} only[] = {
  { "route", PROXY_SERVER, "--route", "a client proxy goes to one place: --to" },
  { "allow", PROXY_SERVER, "--allow", "whom a client proxy trusts is said by --server-name" },
  { "allow_any", PROXY_SERVER, "--allow-any",
    "whom a client proxy trusts is said by --server-name" },
  { "proxy_protocol", PROXY_SERVER, "--proxy-protocol", "the server's proxy knows who came" },
  { "proxy_protocol_from", PROXY_SERVER, "--proxy-protocol-from",
    "no balancer stands in front of a client proxy" },
  { "server_name", PROXY_CLIENT, "--server-name",
    "who may connect to a server proxy is said by --allow" },
};

static err_t check_mode(const struct proxy_config *c) {
  for (size_t i = 0; i < sizeof only / sizeof *only; i++)
    if (only[i].mode != c->proxy.mode && given(c->conf, only[i].key))
      FAIL(ERR_USAGE, "%s is not for --mode %s: %s", only[i].flag,
           c->proxy.mode == PROXY_CLIENT ? "client" : "server", only[i].advice);
  return OK;
}

/* --- what is missing --- */

static const struct {
  const char *key, *text;
} needed[] = {
  { "name", "--name NAME is missing: what its own certificate is for, such as db.corp.example" },
  { "state", "--state DIR is missing: where its key and certificate are kept" },
};

static err_t check_missing(const struct proxy_config *c) {
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!given(c->conf, needed[i].key))
      FAIL(ERR_USAGE, "%s", needed[i].text);
  if (!c->proxy.listen_count && !c->proxy.inherited_count)
    FAIL(ERR_USAGE, "--listen ADDRESS:PORT is missing: where connections come in");
  if (!c->proxy.route_count)
    FAIL(ERR_USAGE, "--to TARGET is missing: where connections go");
  return OK;
}

static err_t check_peers(const struct proxy_config *c) {
  bool any = conf_bool(c->conf, "allow_any"), some = given(c->conf, "allow");
  if (c->proxy.mode == PROXY_SERVER && !any && !some)
    FAIL(ERR_USAGE, "--allow PATTERN is missing: nobody could connect; it takes a name, such as "
                    "spiffe://corp.example/shop (or --allow-any for all of the authority's)");
  if (any && some)
    FAIL(ERR_USAGE, "--allow-any lets in everybody that --allow names, and all others: give one");
  if (c->proxy.mode == PROXY_CLIENT && !*c->server_name)
    FAIL(ERR_USAGE, "--server-name NAME is missing: what the server's certificate is to be for");
  return OK;
}

/* --- values --- */

/* What both --listen and --admin take. */
static err_t check_socket(const char *flag, const char *address) {
  const size_t longest = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
  struct net_address a;
  struct stat st;
  if (*address == '/' && lstat(address, &st) == 0 && !S_ISSOCK(st.st_mode))
    FAIL(ERR_USAGE, "%s %s: something is there that is not a socket", flag, address);
  if (*address == '/' && strlen(address) > longest)
    FAIL(ERR_USAGE, "%s: the path of a Unix socket has at most %zu bytes, not %zu", flag, longest,
         strlen(address));
  if (*address != '/' && !parse_host(address, &a))
    FAIL(ERR_USAGE,
         "%s takes ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443 (IPv6 in brackets, a port of at "
         "most 65535), or the path of a Unix socket, not '%s'",
         flag, address);
  return OK;
}

static err_t check_address(const struct proxy_config *c, const char *address) {
  TRY(check_socket("--listen", address));
  if (c->proxy.mode == PROXY_CLIENT && !config_is_local(address))
    FAIL(ERR_USAGE,
         "--listen %s would be plain text that others reach: a client proxy listens "
         "on a Unix socket or a loopback address, such as 127.0.0.1:5432",
         address);
  return OK;
}

static err_t check_listen(const struct proxy_config *c) {
  const char *admin = proxy_config_text(c, "admin");
  for (size_t i = 0; i < c->proxy.listen_count; i++)
    TRY(check_address(c, c->proxy.listen[i]));
  if (admin)
    TRY(check_socket("--admin", admin));
  if (admin && !config_is_local(admin))
    FAIL(ERR_USAGE,
         "--admin takes the path of a Unix socket or a loopback address with a port, "
         "not '%s'",
         admin);
  return OK;
}

static err_t check_values(const struct proxy_config *c) {
  const char *const *alpn;
  size_t count = conf_list(c->conf, "alpn", &alpn);
  struct cidr block;
  for (size_t i = 0; i < count; i++)
    if (strlen(alpn[i]) > 255)
      FAIL(ERR_USAGE, "--alpn takes names of at most 255 bytes");
  for (size_t i = 0; i < c->proxy.header_from_count; i++)
    if (!cidr_parse(bytes_str(c->proxy.header_from[i]), &block))
      FAIL(ERR_USAGE,
           "--proxy-protocol-from takes an address or a block, such as 10.0.0.0/8, not "
           "'%s'",
           c->proxy.header_from[i]);
  if (c->enrol.lifetime_s && c->enrol.lifetime_s < ENROL_LIFETIME_MIN_S)
    FAIL(ERR_USAGE, "--lifetime takes %ds at least: a shorter one can't be renewed in time",
         ENROL_LIFETIME_MIN_S);
  if (conf_uint(c->conf, "burst") && !conf_uint(c->conf, "rate"))
    FAIL(ERR_USAGE, "--burst has no meaning without --rate");
  return OK;
}

static err_t check_subject(const struct proxy_config *c) {
  struct cert_texts attributes __attribute__((cleanup(cert_texts_free))) = { 0 };
  err_t e = c->enrol.subject ? cert_subject_attributes(c->enrol.subject, &attributes) : OK;
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_USAGE, "--subject takes attributes, such as \"O=Example, OU=billing\", not '%s'",
         c->enrol.subject);
  return e;
}

static err_t check_profile(const struct proxy_config *c) {
  const char *other = c->proxy.mode == PROXY_CLIENT ? "server" : "client";
  if (strcmp(c->enrol.profile, other) == 0)
    FAIL(ERR_USAGE,
         "a certificate of --profile %s is refused by the peers of --mode %s: leave "
         "--profile out",
         other, conf_str(c->conf, "mode"));
  return OK;
}

static err_t check_front(const struct proxy_config *c) {
  const struct front_kind *front = c->proxy.front ? front_find(c->proxy.front) : NULL;
  if (front && front->server_speaks_first && c->proxy.mode == PROXY_SERVER &&
      given(c->conf, "route"))
    FAIL(ERR_USAGE,
         "--route can't be used with --starttls %s: its server speaks before the client "
         "has said a name",
         front->name);
  return OK;
}

/* --- whether it would dial itself --- */

static bool parse_listen(const char *text, struct net_address *out) {
  struct sockaddr_un *u = (struct sockaddr_un *)&out->socket;
  if (*text != '/')
    return parse_host(text, out);
  *out = (struct net_address){ .size = sizeof *u };
  u->sun_family = AF_UNIX;
  return bytes_to_cstr(bytes_str(text), u->sun_path, sizeof u->sun_path) == OK;
}

/* 0.0.0.0 and [::]: on which all addresses of the machine listen, and which dial its loopback. */
static bool is_any(const struct net_address *a) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->socket;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->socket;
  return a->socket.ss_family == AF_INET ? v4->sin_addr.s_addr == htonl(INADDR_ANY)
                                        : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static bool reaches(const struct net_address *to, const struct net_address *listener) {
  const struct sockaddr_in *a = (const struct sockaddr_in *)&to->socket,
                           *b = (const struct sockaddr_in *)&listener->socket;
  if (to->socket.ss_family != listener->socket.ss_family)
    return false;
  if (memcmp(&to->socket, &listener->socket, to->size) == 0)
    return true;
  if (to->socket.ss_family == AF_UNIX || a->sin_port != b->sin_port) /* or sin6_port */
    return false;
  return (is_any(listener) && address_is_local(to)) || (is_any(to) && address_is_local(listener));
}

static err_t check_target(const struct proxy_config *c, const struct addresses *known) {
  struct net_address listener;
  for (size_t i = 0; i < c->proxy.listen_count; i++)
    for (size_t j = 0; j < known->count; j++)
      if (parse_listen(c->proxy.listen[i], &listener) && reaches(&known->items[j], &listener))
        FAIL(ERR_USAGE, "it listens on %s and goes there, too: each connection would make another",
             c->proxy.listen[i]);
  return OK;
}

static err_t check_targets(const struct proxy_config *c, struct resolver *r,
                           const struct routes *routes) {
  for (size_t i = 0; i < routes->count; i++) {
    AUTO(addresses) struct addresses *known = resolver_get(r, routes->items[i].target);
    if (known)
      TRY(check_target(c, known));
  }
  return OK;
}

/* Names, patterns and targets, as the proxy itself reads them. */
static err_t check_routes(const struct proxy_config *c) {
  AUTO(resolver) struct resolver *r = NULL;
  struct routes routes = { 0 };
  TRY(resolver_new(&r));
  TRY(routes_make(&c->proxy, r, &routes));
  err_t e = check_targets(c, r, &routes);
  routes_free(&routes);
  return e;
}

err_t config_check(const struct proxy_config *c) {
  static err_t (*const checks[])(const struct proxy_config *c) = {
    check_mode,    check_missing, check_peers, check_listen, check_values,
    check_subject, check_profile, check_front, check_routes,
  };
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
    TRY(checks[i](c));
  return OK;
}
