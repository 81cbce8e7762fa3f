/* strongroom identity list */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

static void put_row(struct table *t, json_t *item) {
  char text[WHEN_SIZE];
  table_cell(t, field_text(item, "displayName"));
  table_cell_str(t, field_yes_no(item, "enabled"));
  table_cell(t, field_text(item, "appId"));
  table_cell_str(t, field_time(item, "created", text));
}

static const char *const headings[] = { "NAME", "ENABLED", "CLIENT ID", "CREATED" };
static const struct list rows = { 4, headings, put_row };

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "identities", NULL);
  return ask_list(a, &path, &rows);
}

const struct verb verb_identity_list = {
  .noun = "identity",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List identities",
  .examples = "strongroom identity list",
  .run = run,
};
