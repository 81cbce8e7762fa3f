/* Certificate issuers and contacts. */
#include "vault/issuers.h"

#include "base/write.h"
#include "vault/api/api.h"

static void write_id(struct call *c, const char *rest, const char *name) {
  struct buf *b = call_body(c);
  write_open(b, "id", '"');
  call_put_id(c, b, "certificates", rest, name);
  buf_put_char(b, '"');
}

static err_t answer(struct call *c, const struct issuer *i) {
  struct buf *b = call_body(c);
  call_object(c, "certificates/issuers/%s", i->name);
  write_open(b, NULL, '{');
  write_id(c, "issuers/", i->name);
  buf_put_char(b, ',');
  buf_put_bytes(b, buf_bytes(&i->text));
  write_close(b, '}');
  return OK;
}

err_t issuers_show(struct call *c) {
  AUTO_ISSUER i = { 0 };
  TRY(issuers_get(c->vault, c->id, &i));
  return answer(c, &i);
}

err_t issuers_put(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_ISSUER i = { 0 };
  TRY(call_json(c, &body));
  TRY(issuers_set(c->vault, c->id, body, &i));
  return answer(c, &i);
}

err_t issuers_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_ISSUER i = { 0 };
  TRY(call_json(c, &body));
  TRY(issuers_update(c->vault, c->id, body, &i));
  return answer(c, &i);
}

err_t issuers_remove(struct call *c) {
  AUTO_ISSUER i = { 0 };
  TRY(issuers_delete(c->vault, c->id, &i));
  return answer(c, &i);
}

err_t issuers_list_get(struct call *c) {
  struct issuer page[PAGE_MAX];
  struct buf *b = call_body(c);
  struct page p;
  size_t count;
  bool more;
  TRY(page_read(c, &p));
  TRY(issuers_list(c->vault, p.marker, page, p.max, &count, &more));
  write_open(b, NULL, '{');
  write_open(b, "value", '[');
  for (size_t i = 0; i < count; i++) {
    write_open(b, NULL, '{');
    write_id(c, "issuers/", page[i].name);
    write_str(b, "provider", page[i].provider);
    write_close(b, '}');
  }
  write_close(b, ']');
  page_write_next(c, &p, more ? page[count - 1].name : NULL);
  write_close(b, '}');
  for (size_t i = 0; i < count; i++)
    issuer_free(&page[i]);
  return OK;
}

static err_t answer_contacts(struct call *c, const struct buf *list) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_id(c, "contacts", "");
  buf_put_str(b, ",\"contacts\":");
  buf_put_bytes(b, buf_bytes(list));
  write_close(b, '}');
  return OK;
}

err_t contacts_show(struct call *c) {
  AUTO_BUF list = BUF_EMPTY;
  TRY(contacts_get(c->vault, &list));
  return answer_contacts(c, &list);
}

err_t contacts_replace(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF list = BUF_EMPTY;
  TRY(call_json(c, &body));
  TRY(contacts_set(c->vault, body, &list));
  return answer_contacts(c, &list);
}

err_t contacts_remove(struct call *c) {
  AUTO_BUF list = BUF_EMPTY;
  TRY(contacts_delete(c->vault, &list));
  return answer_contacts(c, &list);
}
