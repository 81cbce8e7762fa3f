/* strongroom acme accounts */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static void put_row(struct table *t, json_t *item) {
  char text[WHEN_SIZE], count[24];
  snprintf(count, sizeof count, "%lld",
           (long long)json_integer_value(json_object_get(item, "orders")));
  table_cell(t, field_text(item, "id"));
  table_cell(t, field_text(item, "identity"));
  table_cell(t, field_text(item, "status"));
  table_cell_str(t, count);
  table_cell_str(t, field_time(item, "created", text));
}

static const char *const headings[] = { "ACCOUNT", "IDENTITY", "STATUS", "ORDERS", "CREATED" };
static const struct list rows = { 5, headings, put_row };

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "acme", "accounts", NULL);
  return ask_list(a, &path, &rows);
}

const struct verb verb_acme_accounts = {
  .noun = "acme",
  .name = "accounts",
  .words = "",
  .client = true,
  .summary = "List ACME accounts",
  .examples = "strongroom acme accounts",
  .run = run,
};
