#include "transit/proxy/route.h"

#include "crypto/cert_match.h"

#include <strings.h>

static void route_free(struct route *r) {
  for (size_t i = 0; i < r->pattern_count; i++)
    mem_free(r->patterns[i]);
  mem_free(r->patterns);
  mem_free(r->server_name);
  mem_free(r->name);
}

void routes_free(struct routes *r) {
  for (size_t i = 0; i < r->count; i++)
    route_free(&r->items[i]);
  mem_free(r->items);
  *r = (struct routes){ 0 };
}

static err_t copy_text(const char *from, char **to) {
  return (*to = mem_strdup(from)) ? OK : ERR_NOMEM;
}

static err_t copy_peers(const struct proxy_peers *from, struct route *to) {
  to->any = from->any;
  if (!(to->patterns = mem_zalloc((from->count ? from->count : 1) * sizeof *to->patterns)))
    return ERR_NOMEM;
  for (size_t i = 0; i < from->count; i++) {
    if (!cert_pattern_valid(bytes_str(from->patterns[i])))
      FAIL(ERR_CONFIG, "'%s' is not a pattern of names in certificates", from->patterns[i]);
    TRY(copy_text(from->patterns[i], &to->patterns[i]));
    to->pattern_count++;
  }
  return OK;
}

static err_t copy_server_name(const struct proxy_route *from, struct route *to) {
  if (!from->server_name || !*from->server_name)
    FAIL(ERR_CONFIG, "a client proxy needs the name of the server");
  to->spiffe = strstr(from->server_name, "://") != NULL;
  if (to->spiffe && !bytes_starts(bytes_str(from->server_name), "spiffe://"))
    FAIL(ERR_CONFIG, "'%s' is neither a name nor a SPIFFE ID", from->server_name);
  return copy_text(from->server_name, &to->server_name);
}

/* "", "a.example", ".example": a star would be taken for a letter. */
static bool is_route_name(const char *name) {
  struct bytes host = bytes_str(name + (*name == '.'));
  return *name == '\0' || (cert_looks_like_host(host) && !strchr(name, '*') && *host.data != '.');
}

static err_t make_route(const struct proxy_options *o, const struct proxy_route *from,
                        struct resolver *r, struct route *to) {
  bool client = o->mode == PROXY_CLIENT;
  TRY(copy_text(from->name ? from->name : "", &to->name));
  if (!is_route_name(to->name))
    FAIL(ERR_CONFIG,
         "'%s' is no name that clients ask for: a.example, or .example for all below it", to->name);
  if (client)
    TRY(copy_server_name(from, to));
  else
    TRY(copy_peers(&from->peers, to));
  return resolver_add(r, from->backends, from->backend_count, !client, &to->target);
}

static err_t make_routes(const struct proxy_options *o, struct resolver *r, struct routes *out) {
  if (o->route_count == 0 || (o->mode == PROXY_CLIENT && o->route_count > 1))
    FAIL(ERR_CONFIG, "a proxy needs a route, and a client proxy has one");
  if (!(out->items = mem_zalloc(o->route_count * sizeof *out->items)))
    return ERR_NOMEM;
  for (size_t i = 0; i < o->route_count; i++) {
    const char *name = o->routes[i].name ? o->routes[i].name : "";
    for (size_t j = 0; j < i; j++)
      if (strcasecmp(out->items[j].name, name) == 0)
        FAIL(ERR_CONFIG, "two routes have the name '%s'", name);
    out->count++;
    TRY(make_route(o, &o->routes[i], r, &out->items[i]));
  }
  return OK;
}

err_t routes_make(const struct proxy_options *o, struct resolver *r, struct routes *out) {
  struct routes made = { 0 };
  err_t e = make_routes(o, r, &made);
  if (e == OK)
    *out = made;
  else
    routes_free(&made);
  return e;
}

/* How well a route's name covers a name: its length, all of it before any suffix; 0: not at all. */
static size_t fit(const char *route, const char *name) {
  size_t n = strlen(route), size = strlen(name);
  if (n == 0)
    return 0;
  if (route[0] != '.')
    return strcasecmp(route, name) == 0 ? SIZE_MAX : 0;
  return size > n && strcasecmp(name + size - n, route) == 0 ? n : 0;
}

const struct route *routes_find(const struct routes *r, const char *name) {
  const struct route *best = NULL;
  size_t best_fit = 0;
  for (size_t i = 0; i < r->count; i++) {
    const struct route *one = &r->items[i];
    size_t f = name ? fit(one->name, name) : 0;
    if (f > best_fit || (!best && !*one->name)) {
      best = one;
      best_fit = f;
    }
  }
  return best;
}
