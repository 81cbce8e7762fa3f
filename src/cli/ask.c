#include "cli/ask.h"

#include <stdio.h>

err_t ask_open(const struct args *a, struct client **out) {
  return client_new(args_value(a, "data"), out);
}

err_t ask(const struct args *a, enum http_method method, const struct buf *path,
          const struct buf *body, struct client_answer *out) {
  AUTO(client) struct client *c = NULL;
  TRY(ask_open(a, &c));
  TRY(client_call(c, method, path, body, out));
  if (!out->body && out->status != 204)
    FAIL(ERR_INTERNAL, "the server's answer has no body");
  return OK;
}

struct listing {
  const struct list *list;
  struct table table;
  bool json, begun;
};
static void listing_free(struct listing *l) {
  table_free(&l->table);
}

static err_t put_row(void *ctx, json_t *item) {
  struct listing *l = ctx;
  l->list->row(&l->table, item);
  return buf_ok(&l->table.cells);
}

static err_t put_json(void *ctx, json_t *item) {
  struct listing *l = ctx;
  fputs(l->begun ? ",\n" : "\n", stdout);
  l->begun = true;
  json_dumpf(item, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
  return OK;
}

err_t ask_list(const struct args *a, const struct buf *path, const struct list *list) {
  __attribute__((cleanup(listing_free))) struct listing l = { .list = list };
  AUTO(client) struct client *c = NULL;
  TRY(ask_open(a, &c));
  if (!args_flag(a, "json")) {
    table_start(&l.table, list->columns, list->headings);
    TRY(client_list(c, path, put_row, &l));
    return table_print(&l.table);
  }
  fputs("{\"value\": [", stdout);
  TRY(client_list(c, path, put_json, &l));
  fputs(l.begun ? "\n]}\n" : "]}\n", stdout);
  return OK;
}

struct bytes field_text(json_t *o, const char *name) {
  struct bytes text = bytes_str("");
  IGNORE(json_get_str(o, name, &text, NULL));
  return text;
}

json_t *field_object(json_t *o, const char *name) {
  json_t *v = json_object_get(o, name);
  return json_is_object(v) ? v : NULL;
}

const char *field_time(json_t *o, const char *name, char text[static WHEN_SIZE]) {
  json_t *v = json_object_get(o, name);
  text[0] = '\0';
  if (json_is_integer(v))
    when_format(json_integer_value(v), text);
  return text;
}

const char *field_yes_no(json_t *o, const char *name) {
  json_t *v = json_object_get(o, name);
  return json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "";
}
