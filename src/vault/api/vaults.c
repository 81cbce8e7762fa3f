/* The hub's vaults: made, shown, deleted, recovered, purged. */
#include "base/write.h"
#include "vault/api/api.h"

#include <stdio.h>

/* "https://NAME.DOMAIN:PORT/": the port as the client has it. */
static void write_uri(struct call *c, const struct vault_info *v) {
  struct buf *b = call_body(c);
  struct bytes host = call_host(c);
  const char *end = (const char *)host.data + host.size;
  size_t n = 0;
  while (n < host.size && end[-1 - (ptrdiff_t)n] >= '0' && end[-1 - (ptrdiff_t)n] <= '9')
    n++;
  bool has_port = n && n < host.size && end[-1 - (ptrdiff_t)n] == ':';
  write_open(b, "vaultUri", '"');
  if (c->api->domain_count) {
    buf_printf(b, "https://%s.%s", v->name, c->api->domains[0]);
    if (has_port)
      buf_put(b, end - n - 1, n + 1);
    buf_put_char(b, '/');
  }
  buf_put_char(b, '"');
}

static void put_vault(struct call *c, const struct vault_info *v) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "name", v->name);
  write_open(b, "properties", '{');
  write_uri(c, v);
  write_i64(b, "softDeleteRetentionInDays", v->retention_days);
  write_bool(b, "enablePurgeProtection", v->purge_protection);
  write_i64(b, "created", v->created);
  if (v->deleted_at) {
    write_i64(b, "deletedDate", v->deleted_at);
    write_i64(b, "scheduledPurgeDate", v->purge_at);
  }
  write_close(b, '}');
  write_close(b, '}');
}

static err_t list(struct call *c, bool deleted) {
  struct page page;
  struct vault_info vaults[PAGE_MAX];
  struct buf *b = call_body(c);
  size_t n;
  bool more;
  TRY(page_read(c, &page));
  vaults_list(c->api->vaults, deleted, page.marker, vaults, page.max, &n, &more);
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < n; i++)
    put_vault(c, &vaults[i]);
  write_close(b, ']');
  page_write_next(c, &page, more ? vaults[n - 1].name : NULL);
  write_close(b, '}');
  return OK;
}

err_t vaults_list_get(struct call *c) {
  return list(c, false);
}

err_t deletedvaults_list(struct call *c) {
  return list(c, true);
}

static err_t show(struct call *c, bool deleted) {
  struct vault_info v;
  TRY(vaults_show(c->api->vaults, c->name, deleted, &v));
  put_vault(c, &v);
  return OK;
}

err_t vaults_show_get(struct call *c) {
  return show(c, false);
}

err_t deletedvaults_show(struct call *c) {
  return show(c, true);
}

/* A vault that no host name leads to would be of no use. */
static err_t check_reachable(const struct call *c) {
  char host[DOMAIN_SIZE_MAX + VAULT_NAME_MAX + 2];
  struct bytes name;
  if (c->api->domain_count == 0)
    REFUSE(ERR_CONFLICT, "The hub has no domain for its vaults: start it with --domain, such as "
                         "--domain vault.example.com, so that the vault NAME is at "
                         "NAME.vault.example.com.");
  for (size_t i = 0; i < c->api->domain_count; i++) {
    snprintf(host, sizeof host, "%.*s.%s", VAULT_NAME_MAX, c->name, c->api->domains[i]);
    if (host_kind(c->api, bytes_str(host), &name) == HOST_OWN)
      REFUSE(ERR_CONFLICT,
             "%s is a name of the hub itself (--host): a vault of this name could not "
             "be reached.",
             host);
  }
  return OK;
}

#define DAYS_MIN 7
#define DAYS_MAX 90

static err_t read_request(struct call *c, json_t *body, struct vaults_request *rq,
                          char oid[static GUID_SIZE + 1]) {
  json_t *properties = NULL;
  struct bytes owner = { 0 };
  int64_t days = 0;
  bool found = false;
  char text[4 * IDENTITY_NAME_MAX + 1], app_id[GUID_SIZE + 1];
  memcpy(oid, c->who.oid, GUID_SIZE + 1);
  TRY(json_get_object(body, "properties", &properties));
  if (!properties)
    return OK;
  TRY(json_get_i64(properties, "softDeleteRetentionInDays", &days, &found));
  if (found && (days < DAYS_MIN || days > DAYS_MAX))
    REFUSE(ERR_BAD_PARAMETER, "Property softDeleteRetentionInDays must be from %d to %d\r\n",
           DAYS_MIN, DAYS_MAX);
  rq->retention_days = (unsigned)days;
  TRY(json_get_bool(properties, "enablePurgeProtection", &rq->purge_protection,
                    &rq->has_purge_protection));
  TRY(json_get_str(properties, "owner", &owner, NULL));
  if (!owner.data)
    return OK;
  if (bytes_to_cstr(owner, text, sizeof text) != OK ||
      identity_find(c->api->identity, text, app_id, oid) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property owner must be an identity: its name, client id or object "
                              "id\r\n");
  return OK;
}

err_t vaults_put(struct call *c) {
  AUTO_JSON *body = NULL;
  char oid[GUID_SIZE + 1];
  struct vaults_request rq = { .name = c->name, .owner_oid = oid };
  struct vault_info v;
  TRY(call_json(c, &body));
  TRY(read_request(c, body, &rq, oid));
  call_object(c, "hub/vaults/%.*s?owner=%s", VAULT_NAME_MAX, c->name, oid);
  TRY(check_reachable(c));
  TRY(vaults_create(c->api->vaults, &rq, &v));
  put_vault(c, &v);
  c->x->res.status = 201;
  return OK;
}

typedef err_t change(struct vaults *vs, const char *name, struct vault_info *out);

static err_t change_and_show(struct call *c, change *how) {
  struct vault_info v;
  TRY(how(c->api->vaults, c->name, &v));
  put_vault(c, &v);
  return OK;
}

err_t vaults_delete_(struct call *c) {
  return change_and_show(c, vaults_delete);
}

err_t deletedvaults_recover(struct call *c) {
  return change_and_show(c, vaults_recover);
}

err_t deletedvaults_purge(struct call *c) {
  TRY(vaults_purge(c->api->vaults, c->name));
  c->x->res.status = 204;
  return OK;
}
