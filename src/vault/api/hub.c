/* The hub itself: health, status, seal and unseal, reading the audit log. */
#include "base/clock.h"
#include "base/write.h"
#include "vault/api/api.h"

#define PASSPHRASE_MIN 8 /* as in store/root_passphrase.c */
#define PASSPHRASE_MAX 1024
#define AUDIT_PAGE_MAX 1000

static err_t write_state(struct call *c, bool ready) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "status", ready ? "ready" : "sealed");
  write_str(b, "rootKeyProvider", c->api->provider);
  write_close(b, '}');
  return OK;
}

err_t health_get(struct call *c) {
  return write_state(c, atomic_load(&c->api->state) == API_READY);
}

err_t unseal_post(struct call *c) {
  AUTO_JSON *body = NULL;
  struct bytes passphrase = { 0 };
  if (atomic_load(&c->api->state) == API_READY)
    return write_state(c, true);
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "passphrase", &passphrase, NULL));
  if (passphrase.size < PASSPHRASE_MIN || passphrase.size > PASSPHRASE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property passphrase must have %d to %d bytes\r\n", PASSPHRASE_MIN,
           PASSPHRASE_MAX);
  TRY(c->api->unseal(c->api->hub, c->x->req.peer, passphrase));
  return write_state(c, true);
}

err_t seal_post(struct call *c) {
  if (strcmp(c->api->provider, "file") == 0)
    REFUSE(ERR_CONFLICT, "A vault whose root key is a file unseals itself when it starts: stop the "
                         "hub instead, or give it a "
                         "passphrase with 'strongroom vault rewrap'.");
  c->x->res.close = true;
  c->api->seal(c->api->hub);
  return write_state(c, false);
}

err_t status_get(struct call *c) {
  struct vault_counts keys, secrets;
  struct http_server_stats s;
  struct buf *b = call_body(c);
  char started[28];
  vault_counts(c->vault, KIND_KEY, &keys);
  vault_counts(c->vault, KIND_SECRET, &secrets);
  c->api->stats(c->api->hub, &s);
  clock_format(c->api->started * 1000000, started);
  write_open(b, NULL, '{');
  write_str(b, "version", STRONGROOM_VERSION);
  write_str(b, "tenant", identity_tenant(c->api->identity));
  write_open(b, "url", '"');
  buf_put_str(b, "https://");
  buf_put_bytes(b, call_host(c));
  buf_put_char(b, '"');
  write_str(b, "startedAt", started);
  write_str(b, "rootKeyProvider", c->api->provider);
  write_i64(b, "keys", (int64_t)keys.objects);
  write_i64(b, "keyVersions", (int64_t)keys.versions);
  write_i64(b, "deletedKeys", (int64_t)keys.deleted);
  write_i64(b, "secrets", (int64_t)secrets.objects);
  write_i64(b, "secretVersions", (int64_t)secrets.versions);
  write_i64(b, "deletedSecrets", (int64_t)secrets.deleted);
  write_i64(b, "connections", (int64_t)s.connections);
  write_i64(b, "requests", (int64_t)s.requests);
  write_close(b, '}');
  return OK;
}

struct audit_page {
  struct buf *json;
  uint64_t last;
};

static err_t put_record(void *ctx, uint64_t number, struct bytes json) {
  struct audit_page *p = ctx;
  if (p->last)
    buf_put_char(p->json, ',');
  buf_put_bytes(p->json, json);
  p->last = number;
  return buf_ok(p->json);
}

static err_t query_number(struct call *c, const char *name, uint64_t max, uint64_t *out) {
  char text[32];
  bool found;
  TRY(http_query_get(c->x->req.query, name, text, sizeof text, &found));
  if (found && bytes_to_u64(bytes_str(text), max, out) != OK)
    REFUSE(ERR_BAD_PARAMETER, "%s must be a whole number of at most %llu.", name,
           (unsigned long long)max);
  return OK;
}

err_t audit_get(struct call *c) {
  uint64_t from = 1, count = 100;
  struct audit_page page = { call_body(c), 0 };
  TRY(query_number(c, "from", UINT64_MAX, &from));
  TRY(query_number(c, "count", AUDIT_PAGE_MAX, &count));
  buf_put_str(page.json, "{\"value\":[");
  TRY(c->api->audit_read(c->api->hub, from, count, put_record, &page));
  buf_put_str(page.json, "]");
  write_i64(page.json, "next", (int64_t)(page.last ? page.last + 1 : from));
  buf_put_str(page.json, "}");
  return OK;
}
