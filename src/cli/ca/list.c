/* strongroom ca list */
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static const char *state(json_t *item) {
  if (json_object_get(item, "revokedAt"))
    return "revoked";
  return json_integer_value(json_object_get(item, "notAfter")) < clock_real() ? "expired" : "good";
}

static void put_row(struct table *t, json_t *item) {
  char text[WHEN_SIZE], names[224];
  json_t *list = json_object_get(item, "names");
  const char *first = json_string_value(json_array_get(list, 0));
  size_t count = json_array_size(list);
  if (count > 1)
    snprintf(names, sizeof names, "%.180s +%zu", first ? first : "", count - 1);
  else
    snprintf(names, sizeof names, "%.180s", first ? first : "");
  table_cell(t, field_text(item, "serial"));
  table_cell_str(t, names);
  table_cell(t, field_text(item, "profile"));
  table_cell(t, field_text(item, "via"));
  table_cell_str(t, field_time(item, "notAfter", text));
  table_cell_str(t, state(item));
}

static const char *const headings[] = { "SERIAL", "NAMES", "PROFILE", "VIA", "ENDS", "STATE" };
static const struct list rows = { 6, headings, put_row };

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "ca", "certificates", NULL);
  const char *name = args_value(a, "name");
  if (name) {
    buf_put_str(&path, "?name=");
    client_put_escaped(&path, bytes_str(name));
  }
  return ask_list(a, &path, &rows);
}

static const struct opt options[] = {
  { "name", OPT_VALUE, "NAME", NULL, "only those for this name" },
  OPT_END,
};

const struct verb verb_ca_list = {
  .noun = "ca",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List the certificates that were issued, the newest first",
  .options = options,
  .examples = "strongroom ca list --name web.example",
  .run = run,
};
