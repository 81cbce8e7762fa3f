/* Keys: create, import, show, list, update, delete, recover, purge, backup, restore, rotate. */
#include "base/write.h"
#include "vault/api/api.h"

/* Writes the version and notes it for the audit log. */
static err_t answer(struct call *c, const struct key_version *kv) {
  call_used(c, kv->name, kv->id);
  bundle_write(c, kv);
  return OK;
}

err_t keys_show(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->api->vault, c->name, c->version, &kv));
  return answer(c, kv);
}

err_t keys_create_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_create(body, &rq, &texts));
  TRY(keys_create(c->api->vault, c->name, &rq, &kv));
  return answer(c, kv);
}

err_t keys_import_put(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_import(body, &rq, &texts, &key));
  TRY(keys_import(c->api->vault, c->name, key, &rq, &kv));
  return answer(c, kv);
}

err_t keys_update_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_update(body, &rq, &texts));
  TRY(keys_update(c->api->vault, c->name, c->version, &rq, &kv));
  return answer(c, kv);
}

err_t keys_rotate_post(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_rotate(c->api->vault, c->name, &kv));
  return answer(c, kv);
}

static void write_list(struct call *c, const struct page *p, struct key_version **page,
                       size_t count, bool more, bool with_version) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < count; i++)
    bundle_write_item(c, page[i], with_version, NULL);
  write_close(b, ']');
  const char *last =
    more && count ? (with_version ? page[count - 1]->id : page[count - 1]->name) : NULL;
  page_write_next(c, p, last);
  write_close(b, '}');
  for (size_t i = 0; i < count; i++)
    key_version_free(page[i]);
}

err_t keys_list_get(struct call *c) {
  struct key_version *page[PAGE_MAX];
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(keys_list(c->api->vault, p.marker, page, p.max, &count, &more));
  write_list(c, &p, page, count, more, false);
  return OK;
}

err_t keys_versions_get(struct call *c) {
  struct key_version *page[PAGE_MAX];
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(keys_list_versions(c->api->vault, c->name, p.marker, page, p.max, &count, &more));
  write_list(c, &p, page, count, more, true);
  return OK;
}

static err_t answer_deleted(struct call *c, struct key_deleted *d) {
  AUTO(key_version) struct key_version *latest = d->latest;
  call_used(c, latest->name, latest->id);
  bundle_write_deleted(c, d);
  return OK;
}

err_t keys_delete_(struct call *c) {
  struct key_deleted d;
  TRY(keys_delete(c->api->vault, c->name, &d));
  return answer_deleted(c, &d);
}

err_t deleted_show(struct call *c) {
  struct key_deleted d;
  TRY(keys_get_deleted(c->api->vault, c->name, &d));
  return answer_deleted(c, &d);
}

err_t deleted_list(struct call *c) {
  struct key_deleted page[PAGE_MAX];
  struct buf *b = call_body(c);
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(keys_list_deleted(c->api->vault, p.marker, page, p.max, &count, &more));
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < count; i++)
    bundle_write_item(c, page[i].latest, false, &page[i]);
  write_close(b, ']');
  page_write_next(c, &p, more && count ? page[count - 1].latest->name : NULL);
  write_close(b, '}');
  for (size_t i = 0; i < count; i++)
    key_version_free(page[i].latest);
  return OK;
}

err_t deleted_recover(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_recover(c->api->vault, c->name, &kv));
  return answer(c, kv);
}

err_t deleted_purge(struct call *c) {
  TRY(keys_purge(c->api->vault, c->name));
  c->x->res.status = 204;
  return OK;
}

err_t keys_backup_post(struct call *c) {
  AUTO_BUF blob = BUF_EMPTY;
  TRY(keys_backup(c->api->vault, c->name, &blob));
  TRY(buf_ok(&blob));
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_b64url(b, "value", buf_bytes(&blob));
  write_close(b, '}');
  return OK;
}

err_t keys_restore_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF blob = BUF_EMPTY;
  AUTO(key_version) struct key_version *kv = NULL;
  struct bytes text = { 0 };
  char host[300];
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "value", &text, NULL));
  err_t e = buf_put_b64url_decoded(&blob, text);
  if (e != OK)
    return e == ERR_NOMEM ? e : ERR_BACKUP_BLOB;
  TRY(bytes_to_cstr(call_host(c), host, sizeof host));
  TRY(keys_restore(c->api->vault, buf_bytes(&blob), host, &kv));
  return answer(c, kv);
}

err_t keys_attestation(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->api->vault, c->name, c->version, &kv));
  REFUSE(ERR_BAD_PARAMETER, "Only a key inside a hardware security module can be attested.");
}

err_t keys_release(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->api->vault, c->name, c->version, &kv));
  call_used(c, kv->name, kv->id);
  REFUSE(ERR_ACCESS_DENIED, "Target environment attestation statement cannot be verified.");
}
