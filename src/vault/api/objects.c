/* What all kinds of objects have in common: list, delete, recover, purge, backup, restore. Which of
 * them is meant, the route's path says. */
#include "base/write.h"
#include "vault/api/api.h"

/* Certificates that are not issued yet are for those who ask for them. A page may turn out empty;
 * nextLink goes on. */
static bool is_listed(const struct page *p, const struct version *v) {
  return p->pending || v->kind != KIND_CERTIFICATE || certificate_version_of(v)->cer.size > 0;
}

static void write_list(struct call *c, const struct page *p, struct version **page, size_t count,
                       bool more, bool with_version) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < count; i++)
    if (with_version || is_listed(p, page[i]))
      bundle_write_item(c, page[i], with_version, NULL);
  write_close(b, ']');
  const char *last =
    more && count ? (with_version ? page[count - 1]->id : page[count - 1]->name) : NULL;
  page_write_next(c, p, last);
  write_close(b, '}');
  for (size_t i = 0; i < count; i++)
    version_free(page[i]);
}

err_t objects_list(struct call *c) {
  struct version *page[PAGE_MAX];
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(object_list(c->vault, c->kind, p.marker, page, p.max, &count, &more));
  write_list(c, &p, page, count, more, false);
  return OK;
}

err_t objects_versions(struct call *c) {
  struct version *page[PAGE_MAX];
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(object_list_versions(c->vault, c->kind, c->name, p.marker, page, p.max, &count, &more));
  write_list(c, &p, page, count, more, true);
  return OK;
}

static err_t answer_deleted(struct call *c, struct deleted *d) {
  AUTO(version) struct version *latest = d->latest;
  call_used(c, latest->name, latest->id);
  bundle_write(c, latest, d);
  return OK;
}

err_t objects_delete(struct call *c) {
  struct deleted d;
  TRY(object_delete(c->vault, c->kind, c->name, &d));
  return answer_deleted(c, &d);
}

err_t deleted_list(struct call *c) {
  struct deleted page[PAGE_MAX];
  struct buf *b = call_body(c);
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(object_list_deleted(c->vault, c->kind, p.marker, page, p.max, &count, &more));
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < count; i++)
    if (is_listed(&p, page[i].latest))
      bundle_write_item(c, page[i].latest, false, &page[i]);
  write_close(b, ']');
  page_write_next(c, &p, more && count ? page[count - 1].latest->name : NULL);
  write_close(b, '}');
  for (size_t i = 0; i < count; i++)
    version_free(page[i].latest);
  return OK;
}

err_t deleted_show(struct call *c) {
  struct deleted d;
  TRY(object_get_deleted(c->vault, c->kind, c->name, &d));
  if (c->kind == KIND_SECRET && !d.latest->attributes.enabled) {
    version_free(d.latest);
    return ERR_SECRET_DISABLED;
  }
  return answer_deleted(c, &d);
}

static err_t answer(struct call *c, const struct version *version) {
  call_used(c, version->name, version->id);
  bundle_write(c, version, NULL);
  return OK;
}

err_t deleted_recover(struct call *c) {
  AUTO(version) struct version *version = NULL;
  TRY(object_recover(c->vault, c->kind, c->name, &version));
  return answer(c, version);
}

err_t deleted_purge(struct call *c) {
  TRY(object_purge(c->vault, c->kind, c->name));
  c->x->res.status = 204;
  return OK;
}

err_t objects_backup(struct call *c) {
  AUTO_BUF blob = BUF_EMPTY;
  TRY(object_backup(c->vault, c->kind, c->name, &blob));
  TRY(buf_ok(&blob));
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_b64url(b, "value", buf_bytes(&blob));
  write_close(b, '}');
  return OK;
}

err_t objects_restore(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF blob = BUF_EMPTY;
  AUTO(version) struct version *version = NULL;
  struct bytes text = { 0 };
  char host[300];
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "value", &text, NULL));
  err_t e = buf_put_b64url_decoded(&blob, text);
  if (e != OK)
    return e == ERR_NOMEM ? e : ERR_BACKUP_BLOB;
  TRY(bytes_to_cstr(call_host(c), host, sizeof host));
  TRY(object_restore(c->vault, c->kind, buf_bytes(&blob), host, &version));
  return answer(c, version);
}
