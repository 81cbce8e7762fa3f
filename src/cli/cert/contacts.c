/* strongroom cert contacts */
#include "base/write.h"
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

err_t contact_list_print(const struct args *a, json_t *body) {
  static const char *const headings[] = { "E-MAIL", "NAME", "PHONE" };
  AUTO_TABLE t = { 0 };
  json_t *item;
  size_t i;
  if (args_flag(a, "json")) {
    out_json(body);
    return OK;
  }
  table_start(&t, 3, headings);
  json_array_foreach(json_object_get(body, "contacts"), i, item) {
    table_cell(&t, field_text(item, "email"));
    table_cell(&t, field_text(item, "name"));
    table_cell(&t, field_text(item, "phone"));
  }
  return table_print(&t);
}

static void copy_field(struct buf *b, json_t *contact, const char *field) {
  struct bytes text = field_text(contact, field);
  if (text.size)
    write_text(b, field, text);
}

err_t contact_list_others(struct client *c, const char *email, struct buf *b, bool *found) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", "contacts", NULL);
  json_t *item;
  size_t i;
  *found = false;
  err_t e = client_call(c, HTTP_GET, &path, NULL, &answer);
  if (e != OK && e != ERR_NOT_FOUND)
    return e;
  write_open(b, NULL, '{');
  write_open(b, "contacts", '[');
  json_array_foreach(json_object_get(answer.body, "contacts"), i, item) {
    if (bytes_equal_nocase(field_text(item, "email"), email)) {
      *found = true;
      continue;
    }
    write_open(b, NULL, '{');
    copy_field(b, item, "email");
    copy_field(b, item, "name");
    copy_field(b, item, "phone");
    write_close(b, '}');
  }
  return buf_ok(b);
}

err_t contact_list_put(struct client *c, struct buf *b, struct client_answer *out) {
  AUTO_BUF path = client_path("certificates", "contacts", NULL);
  bool none = b->data[b->size - 1] == '[';
  write_close(b, ']');
  write_close(b, '}');
  TRY(client_call(c, none ? HTTP_DELETE : HTTP_PUT, &path, none ? NULL : b, out));
  if (none && out->body) /* it is the list as it was */
    json_object_del(out->body, "contacts");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", "contacts", NULL);
  TRY(ask(a, HTTP_GET, &path, NULL, &answer));
  return contact_list_print(a, answer.body);
}

const struct verb verb_cert_contacts = {
  .noun = "cert",
  .name = "contacts",
  .words = "",
  .client = true,
  .summary = "List who is responsible for the vault's certificates",
  .details = "The list is kept for people and programs that ask; the vault sends no mail.",
  .examples = "strongroom cert contacts",
  .run = run,
};
