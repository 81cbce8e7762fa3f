/* strongroom role list */
#include "cli/role/role.h"
#include "cli/verbs.h"

static void put_row(struct table *t, json_t *item) {
  AUTO_BUF brief = BUF_EMPTY;
  json_t *properties = field_object(item, "properties");
  role_put_short(&brief, field_text(properties, "roleName"));
  table_cell(t, buf_bytes(&brief));
  table_cell(t, field_text(properties, "roleName"));
  table_cell(t, field_text(item, "name"));
}

static const char *const headings[] = { "SHORT NAME", "ROLE", "ID" };
static const struct list rows = { 3, headings, put_row };

static err_t run(const struct args *a) {
  AUTO_BUF path = role_definition_path(NULL);
  return ask_list(a, &path, &rows);
}

const struct verb verb_role_list = {
  .noun = "role",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List roles, the built-in ones first",
  .examples = "strongroom role list",
  .run = run,
};
