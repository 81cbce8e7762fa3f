/* strongroom acme list-keys */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static void put_row(struct table *t, json_t *item) {
  char text[WHEN_SIZE], count[24];
  snprintf(count, sizeof count, "%lld",
           (long long)json_integer_value(json_object_get(item, "accounts")));
  table_cell(t, field_text(item, "kid"));
  table_cell(t, field_text(item, "identity"));
  table_cell_str(t, count);
  table_cell_str(t, field_time(item, "created", text));
}

static const char *const headings[] = { "KEY ID", "IDENTITY", "ACCOUNTS", "CREATED" };
static const struct list rows = { 4, headings, put_row };

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "acme", "keys", NULL);
  return ask_list(a, &path, &rows);
}

const struct verb verb_acme_list_keys = {
  .noun = "acme",
  .name = "list-keys",
  .words = "",
  .client = true,
  .summary = "List the keys that bind ACME accounts to identities",
  .examples = "strongroom acme list-keys",
  .run = run,
};
