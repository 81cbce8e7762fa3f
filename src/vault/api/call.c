/*
 * One request from its head to its audit record. The order of the checks is the product's promise:
 * sealed, host, caller, route, version, name, decision; only then is a byte of the body looked at.
 */
#include "vault/api/api.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/write.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

struct buf *call_body(struct call *c) {
  return &c->x->res.body;
}

struct bytes call_host(const struct call *c) {
  return c->x->req.host;
}

void call_put_id(const struct call *c, struct buf *out, const char *collection, const char *name,
                 const char *rest) {
  buf_put_str(out, "https://");
  buf_put_bytes(out, call_host(c));
  buf_put_char(out, '/');
  buf_put_str(out, collection);
  buf_put_char(out, '/');
  buf_put_str(out, name);
  buf_put_str(out, rest);
}

err_t call_json(struct call *c, json_t **out) {
  struct bytes body = c->x->req.body;
  return json_read(body.size ? body : bytes_str("{}"), out);
}

void call_used(struct call *c, const char *name, const char *version) {
  snprintf(c->object, sizeof c->object, "%s/%s%s%s", object_collection(c->kind), name,
           version[0] ? "/" : "", version);
}

void call_object(struct call *c, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vsnprintf(c->object, sizeof c->object, format, ap);
  va_end(ap);
}

/* Until the handler knows better: an object, or the path as it was understood. */
static void name_object(struct call *c) {
  size_t n = 0;
  if (c->route && c->route->scope == SCOPE_OBJECT) {
    call_used(c, c->name, c->version);
    return;
  }
  for (size_t i = 0; i < c->segment_count && n < sizeof c->object; i++)
    n +=
      (size_t)snprintf(c->object + n, sizeof c->object - n, "%s%s", i ? "/" : "", c->segments[i]);
}

bool api_version_newer(const struct call *c) {
  const char *v = c->api_version;
  return strncmp(v, "20", 2) == 0 ? strcmp(v, "2025") >= 0 : strcmp(v, "7.5") >= 0;
}

/* Request ids need not be secret: a random start and a counter. */
static void make_request_id(char out[static GUID_SIZE + 1]) {
  static _Atomic uint64_t counter;
  static _Thread_local uint8_t id[16];
  static _Thread_local bool seeded;
  if (!seeded)
    seeded = crypto_random(id, sizeof id) == OK;
  uint64_t n = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
  for (unsigned i = 0; i < 6; i++)
    id[15 - i] = (uint8_t)(n >> 8 * i);
  guid_format(id, out);
}

static void put_header(struct buf *h, const char *name, struct bytes value) {
  buf_put_str(h, name);
  buf_put(h, ": ", 2);
  buf_put_bytes(h, value);
  buf_put(h, "\r\n", 2);
}

static void put_caching(const struct call *c, struct buf *h) {
  static const char never[] = "Cache-Control: no-cache\r\nPragma: no-cache\r\nExpires: -1\r\n";
  if (c->max_age)
    buf_printf(h, "Cache-Control: public, max-age=%lld\r\n", (long long)c->max_age);
  else
    buf_put(h, never, sizeof never - 1);
}

static void put_headers(struct call *c) {
  static const char fixed[] = "x-ms-keyvault-region: local\r\n"
                              "x-ms-keyvault-service-version: " STRONGROOM_VERSION "\r\n"
                              "Strict-Transport-Security: max-age=31536000;includeSubDomains\r\n"
                              "X-Content-Type-Options: nosniff\r\n";
  struct buf *h = &c->x->res.headers;
  if (c->x->res.body.size)
    put_header(h, "Content-Type",
               bytes_str(c->content_type ? c->content_type : "application/json; charset=utf-8"));
  put_caching(c, h);
  buf_put(h, fixed, sizeof fixed - 1);
  put_header(h, "x-ms-request-id", bytes_str(c->request_id));
  struct bytes theirs = http_header(&c->x->req, "x-ms-client-request-id");
  if (theirs.data && theirs.size <= 256)
    put_header(h, "x-ms-client-request-id", theirs);
  bool six = strchr(c->x->req.peer, ':') != NULL;
  buf_put_str(h, six ? "x-ms-keyvault-network-info: conn_type=Ipv6;addr="
                     : "x-ms-keyvault-network-info: conn_type=Ipv4;addr=");
  buf_put_str(h, c->x->req.peer);
  buf_put_str(h, six ? ";act_addr_fam=InterNetworkV6;\r\n" : ";act_addr_fam=InterNetwork;\r\n");
}

static void put_challenge(struct call *c) {
  char resource[TOKEN_AUDIENCE_MAX];
  struct buf *h = &c->x->res.headers;
  host_resource(call_host(c), resource);
  buf_put_str(h, "WWW-Authenticate: Bearer authorization=\"https://");
  buf_put_bytes(h, call_host(c));
  buf_printf(h, "/%s\", resource=\"%s\"\r\n", identity_tenant(c->api->identity), resource);
}

static void put_error_body(struct call *c, err_t e) {
  const struct err_info *info = err_info(e);
  struct buf *b = call_body(c);
  buf_clear(b);
  c->content_type = NULL;
  c->max_age = 0;
  write_open(b, NULL, '{');
  write_open(b, "error", '{');
  write_str(b, "code", info->code);
  write_str(b, "message", err_text(e));
  if (info->inner) {
    write_open(b, "innererror", '{');
    write_str(b, "code", info->inner);
    write_close(b, '}');
  }
  write_close(b, '}');
  write_close(b, '}');
  c->x->res.status = info->status;
  c->code = info->code;
}

static void put_error(struct call *c, err_t e) {
  const struct err_info *info = err_info(e);
  c->max_age = 0;
  if (acme_is_route(c->route))
    acme_put_problem(c, e, NULL, (struct bytes){ 0 });
  else
    put_error_body(c, e);
  if (e == ERR_UNAUTHORIZED && c->api->identity)
    put_challenge(c);
  if (info->status == 503 || info->status == 429)
    buf_put_str(&c->x->res.headers, "Retry-After: 1\r\n");
}

static bool audited(const struct call *c) {
  return !c->route || c->route->operation[0];
}

/* The answer is let go when its record is durable. */
static err_t record(struct call *c) {
  const struct http_request *rq = &c->x->req;
  c->recorded = true;
  struct audit_event e = {
    .time_us = c->time_us,
    .operation = c->route ? c->route->operation : "Unknown",
    .status = c->x->res.status,
    .code = c->code ? c->code : "",
    .object = bytes_str(c->object),
    .host = rq->host,
    .app_id = c->who.app_id,
    .oid = c->who.oid,
    .peer = rq->peer,
    .request_id = c->request_id,
    .client_request_id = http_header(rq, "x-ms-client-request-id"),
    .user_agent = http_header(rq, "User-Agent"),
    .duration_us = (uint32_t)(clock_mono_us() - c->start_us),
  };
  return audit_append(c->api->audit, &e, &c->x->res.hold);
}

static bool ready(const struct api *api) {
  return atomic_load_explicit(&api->state, memory_order_acquire) == API_READY;
}

static void conclude(struct call *c) {
  err_t e = ready(c->api) && audited(c) ? record(c) : OK;
  if (e != OK) {
    static _Atomic uint64_t logged;
    if (log_seldom(&logged))
      log_err("audit", e, "recording");
    buf_clear(&c->x->res.headers);
    put_error(c, ERR_AUDIT);
  }
  put_headers(c);
}

/* Turns a handler's result into the whole answer. */
static void finish(struct call *c, err_t e) {
  struct http_response *res = &c->x->res;
  if (e == OK && res->body.failed)
    e = ERR_NOMEM;
  if (e != OK) {
    static _Atomic uint64_t logged; /* anyone may ask when it is busy */
    if (err_info(e)->status >= 500 && (e != ERR_BUSY || log_seldom(&logged)))
      log_err("api", e, c->route ? c->route->operation : "request");
    put_error(c, e);
  } else if (res->status == 0) {
    res->status = 200;
  }
  conclude(c);
}

/* "7.4", "7.4-preview.1", "2016-10-01", "2025-07-01-preview.1": newer ones than we know are served.
 */
static err_t check_version(struct call *c) {
  bool found;
  TRY(
    http_query_get(c->x->req.query, "api-version", c->api_version, sizeof c->api_version, &found));
  if (!found || c->api_version[0] == '\0')
    REFUSE(ERR_BAD_PARAMETER,
           "The query parameter api-version is required, for example api-version=2025-07-01.");
  const char *v = c->api_version;
  size_t date = strspn(v, "0123456789-"), minor = strspn(v, "0123456789.");
  size_t n = date > minor ? date : minor;
  bool good =
    v[0] >= '2' && v[0] <= '9' &&
    (v[n] == '\0' || strncmp(v + n, "-preview", 8) == 0 || strncmp(v + n, "preview", 7) == 0);
  if (!good || strspn(v, "0123456789.-abcdefghijklmnopqrstuvwxyz") != strlen(v))
    REFUSE(ERR_BAD_PARAMETER, "The api-version is not supported: use 7.0 to 7.6 or 2025-07-01.");
  return OK;
}

/* Certificates can't have the names of what is kept beside them. */
static bool name_taken(const struct call *c) {
  return c->kind == KIND_CERTIFICATE &&
         (strcasecmp(c->name, "issuers") == 0 || strcasecmp(c->name, "contacts") == 0 ||
          strcasecmp(c->name, "restore") == 0);
}

static err_t check_name(const struct call *c) {
  if (c->route->scope != SCOPE_OBJECT || (object_name_valid(bytes_str(c->name)) && !name_taken(c)))
    return OK;
  if (c->name[0] == '\0' && c->kind != KIND_KEY)
    REFUSE(ERR_METHOD, "HTTP %s not allowed", http_method_name(c->route->method));
  if (c->name[0] == '\0')
    REFUSE(ERR_BAD_PARAMETER, "Operation not specified");
  REFUSE(ERR_BAD_PARAMETER, "The request URI contains an invalid name: %.128s", c->name);
}

static err_t decide(const struct call *c, char assignment[static GUID_SIZE + 1]) {
  assignment[0] = '\0';
  if (c->route->action == ACT_NONE || c->route->action == ACT_ANY ||
      role_decide(c->roles, &c->who, c->route->action, c->scope, assignment))
    return OK;
  struct bytes vault = host_vault(call_host(c));
  REFUSE(ERR_FORBIDDEN,
         "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
         "assignments or role "
         "definitions were changed recently, please observe propagation time.\r\nCaller: "
         "appid=%s;oid=%s;iss=%.120s\r\n"
         "Action: '%s'\r\nResource: '/providers/microsoft.keyvault/vaults/" BYTES_FMT
         "%s'\r\nAssignment: (not found)\r\n"
         "DenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: " BYTES_FMT
         ";location=local\r\n",
         c->who.app_id, c->who.oid, c->api->issuer, action_name(c->route->action), BYTES_ARG(vault),
         c->scope[1] ? c->scope : "", BYTES_ARG(vault));
}

/* A token for one of the hub's names is good at all of them, as a token for Key Vault is good at
 * all vaults: what it may do there, the vault's roles say. */
static err_t check_caller(struct call *c) {
  char resource[TOKEN_AUDIENCE_MAX];
  host_resource(call_host(c), resource);
  const char *audiences[3 + DOMAINS_MAX] = { "https://vault.azure.net",
                                             "cfa8b339-82a2-471a-a3c9-0fc0be7a4093", resource };
  for (size_t i = 0; i < c->api->domain_count; i++)
    audiences[3 + i] = c->api->resources[i];
  return token_check(c->api->identity, http_header(&c->x->req, "Authorization"), audiences,
                     3 + c->api->domain_count, &c->who);
}

static enum http_method method_of(const struct http_request *rq) {
  struct bytes over = http_header(rq, "X-HTTP-METHOD");
  if (rq->method == HTTP_POST && bytes_equal_nocase(over, "PATCH"))
    return HTTP_PATCH;
  if (rq->method == HTTP_POST && bytes_equal_nocase(over, "DELETE"))
    return HTTP_DELETE;
  return rq->method;
}

static err_t no_route(const struct call *c, enum http_method method, bool other_method) {
  if (other_method)
    REFUSE(ERR_METHOD, "HTTP %s not allowed", http_method_name(method));
  return ERR_NOT_FOUND;
}

/* Works while the vault is sealed. */
static bool open_while_sealed(const struct route *r) {
  return r && (r->handler == health_get || r->handler == unseal_post);
}

/* Of the hub and no vault's. What watches a hub may ask for its health by any of its names. */
static bool of_hub(const struct route *r) {
  static const char *const rooms[] = { "hub/", "acme/", "pki/" };
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
    if (strncmp(r->path, rooms[i], strlen(rooms[i])) == 0)
      return r->handler != health_get;
  return false;
}

/* What the host names, and whether it is there. Deleted vaults and those that never were look the
 * same. */
static err_t find_vault(struct call *c) {
  struct bytes name;
  enum host_kind kind = host_kind(c->api, call_host(c), &name);
  if (kind == HOST_UNKNOWN)
    REFUSE(ERR_NOT_FOUND, "There is no vault at this host name. Names are given to the hub with "
                          "--host, and to its vaults with --domain.");
  if (kind == HOST_VAULT && c->route && of_hub(c->route))
    REFUSE(ERR_NOT_FOUND, "This is a vault's host name: the hub itself is asked at its own, which "
                          "'strongroom up' shows.");
  if (!ready(c->api))
    return OK;
  if (kind == HOST_OWN) {
    c->vault = c->api->vault;
    c->roles = c->api->roles;
    return OK;
  }
  c->hosted = vaults_find(c->api->vaults, name);
  if (!c->hosted && !(c->route && c->route->action == ACT_NONE))
    TRY(check_caller(c)); /* without a token none can be told from one that is there */
  if (!c->hosted)
    REFUSE(ERR_NOT_FOUND, "There is no vault at this host name: 'strongroom vault list' shows "
                          "those that there are.");
  c->vault = c->hosted->vault;
  c->roles = c->hosted->roles;
  return OK;
}

static err_t admit(struct call *c) {
  char assignment[GUID_SIZE + 1];
  bool other_method = false;
  err_t split = route_split(c);
  enum http_method method = method_of(&c->x->req);
  c->route = split == OK ? route_find(c, method, &other_method) : NULL;
  if (!ready(c->api) && !open_while_sealed(c->route))
    return ERR_SEALED;
  TRY(find_vault(c));
  if (c->route && c->route->action == ACT_NONE)
    return OK;
  TRY(check_caller(c));
  TRY(split);
  name_object(c);
  if (!c->route)
    return no_route(c, method, other_method);
  TRY(check_version(c));
  TRY(check_name(c));
  TRY(decide(c, assignment));
  if (assignment[0])
    put_header(&c->x->res.headers, "x-ms-keyvault-rbac-assignment-id", bytes_str(assignment));
  return OK;
}

static enum http_lane lane_of(struct call *c) {
  if (c->route->lane == LANE_KEY)
    return keys_is_slow(c->vault, c->name, c->version) ? HTTP_SLOW : HTTP_FAST;
  return c->route->lane == LANE_SLOW ? HTTP_SLOW : HTTP_FAST;
}

static void call_begin(struct call *c, struct api *api, struct http_exchange *x) {
  memset(c, 0, offsetof(struct call, text));
  memset((char *)c + offsetof(struct call, name), 0, sizeof *c - offsetof(struct call, name));
  c->api = api;
  c->x = x;
  c->name = c->version = c->id = "";
  c->time_us = clock_now_us();
  c->start_us = clock_mono_us();
  make_request_id(c->request_id);
}

static enum http_lane on_head(void *ctx, struct http_exchange *x) {
  err_reset();
  struct call *c = mem_alloc(sizeof *c);
  if (!c) {
    x->res.status = 503;
    return HTTP_ANSWERED;
  }
  call_begin(c, ctx, x);
  x->user = c;
  err_t e = admit(c);
  if (e != OK) {
    finish(c, e);
    return HTTP_ANSWERED;
  }
  x->body_max = c->route->body_max;
  return lane_of(c);
}

/* Nothing is done that can't be recorded. The body may have been long on its way: who was disabled
 * meanwhile, or lost the role, does nothing any more, and nothing is done in a vault that was
 * deleted. */
static err_t carry_out(struct call *c) {
  char assignment[GUID_SIZE + 1];
  if (ready(c->api) && audited(c))
    TRY(audit_check(c->api->audit));
  if (c->hosted && !atomic_load_explicit(&c->hosted->active, memory_order_acquire))
    REFUSE(ERR_NOT_FOUND, "The vault at this host name was deleted.");
  TRY(decide(c, assignment));
  return c->route->handler(c);
}

static void on_handle(void *ctx, struct http_exchange *x) {
  struct call *c = x->user;
  err_reset();
  finish(c, carry_out(c));
}

/* Errors of the connection itself, and answers that the gate will not let go: those are counted in
 * the log's gap. Without a call not even the head could be read. */
static void on_refuse(void *ctx, struct http_exchange *x, err_t e) {
  struct call local, *c = x->user;
  if (!c)
    call_begin(c = &local, ctx, x);
  buf_clear(&x->res.headers);
  put_error(c, e);
  if (e == ERR_AUDIT)
    put_headers(c);
  else
    conclude(c);
}

/* A request that was broken off before it was carried out leaves its record, too. */
static void on_done(void *ctx, struct http_exchange *x) {
  struct call *c = TAKE(x->user);
  if (c && !c->recorded && ready(c->api) && audited(c)) {
    x->res.status = err_info(ERR_CLOSED)->status;
    c->code = err_info(ERR_CLOSED)->code;
    IGNORE(record(c));
  }
  if (c && c->hosted)
    hosted_free(c->hosted);
  if (c && c->list)
    atomic_fetch_sub(&c->api->lists, c->list);
  mem_free(c);
}

struct http_app api_app(struct api *api) {
  return (struct http_app){
    .ctx = api, .head = on_head, .handle = on_handle, .refuse = on_refuse, .done = on_done
  };
}
