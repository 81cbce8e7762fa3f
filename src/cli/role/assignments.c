/* strongroom role assignments */
#include "cli/role/role.h"
#include "cli/verbs.h"

/* What ids stand for, fetched once: people read names. */
struct names {
  struct client_answer roles, identities;
};
static void names_free(struct names *n) {
  client_answer_free(&n->roles);
  client_answer_free(&n->identities);
}

struct rows {
  struct table table;
  struct names names;
};
static void rows_free(struct rows *r) {
  table_free(&r->table);
  names_free(&r->names);
}

static struct bytes last_segment(struct bytes id) {
  size_t i = id.size;
  while (i && id.data[i - 1] != '/')
    i--;
  return bytes_of(id.data + i, id.size - i);
}

/* The item of a list whose field has that value; NULL when there is none. */
static json_t *find(json_t *document, const char *field, struct bytes value) {
  json_t *item;
  size_t i;
  json_array_foreach(json_object_get(document, "value"), i, item) {
    if (value.size && bytes_equal(field_text(item, field), value))
      return item;
  }
  return NULL;
}

static err_t put_row(void *ctx, json_t *item) {
  struct rows *r = ctx;
  AUTO_BUF brief = BUF_EMPTY;
  json_t *properties = field_object(item, "properties");
  struct bytes role = last_segment(field_text(properties, "roleDefinitionId"));
  struct bytes principal = field_text(properties, "principalId");
  json_t *definition = find(r->names.roles.body, "name", role);
  json_t *identity = find(r->names.identities.body, "objectId", principal);
  role_put_short(&brief, definition ? field_text(field_object(definition, "properties"), "roleName")
                                    : role);
  table_cell(&r->table, buf_bytes(&brief));
  table_cell(&r->table, identity ? field_text(identity, "displayName") : principal);
  table_cell(&r->table, field_text(properties, "scope"));
  table_cell(&r->table, field_text(item, "name"));
  TRY(buf_ok(&brief));
  return buf_ok(&r->table.cells);
}

/* Who may see assignments need not see identities: ids are shown then. */
static err_t fetch_names(struct client *c, struct names *out) {
  AUTO_BUF path = client_path("hub", "identities", NULL);
  TRY(role_definitions(c, &out->roles));
  err_t e = client_call(c, HTTP_GET, &path, NULL, &out->identities);
  return e == ERR_FORBIDDEN ? OK : e;
}

static err_t put_filter(const struct args *a, struct client *c, struct buf *path) {
  const char *of = args_value(a, "of");
  char oid[GUID_SIZE + 1];
  if (!of)
    return OK;
  TRY(role_principal(c, of, oid));
  buf_printf(path, "?$filter=principalId%%20eq%%20'%s'", oid);
  return OK;
}

static err_t run(const struct args *a) {
  static const char *const headings[] = { "ROLE", "IDENTITY", "SCOPE", "ASSIGNMENT" };
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  __attribute__((cleanup(rows_free))) struct rows rows = { 0 };
  const char *scope = args_value(a, "scope");
  AUTO_BUF path = role_assignment_path(scope ? scope : "/", NULL);
  TRY(ask_open(a, &c));
  TRY(put_filter(a, c, &path));
  if (args_flag(a, "json")) {
    TRY(client_call(c, HTTP_GET, &path, NULL, &answer));
    out_json(answer.body);
    return OK;
  }
  TRY(fetch_names(c, &rows.names));
  table_start(&rows.table, 4, headings);
  TRY(client_list(c, &path, put_row, &rows));
  return table_print(&rows.table);
}

static const struct opt options[] = {
  { "of", OPT_VALUE, "IDENTITY", NULL, "those of one identity" },
  { "scope", OPT_VALUE, "SCOPE", NULL, "at this scope and below it (default /: all)" },
  OPT_END,
};

const struct verb verb_role_assignments = {
  .noun = "role",
  .name = "assignments",
  .words = "",
  .client = true,
  .summary = "List who has which role where",
  .options = options,
  .examples = "strongroom role assignments\n"
              "strongroom role assignments --of billing",
  .run = run,
};
