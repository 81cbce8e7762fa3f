/* strongroom vault list */
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static void put_row(struct table *t, json_t *item, const char *time_field) {
  char text[WHEN_SIZE];
  json_t *properties = field_object(item, "properties");
  table_cell(t, field_text(item, "name"));
  table_cell(t, field_text(properties, "vaultUri"));
  table_cell_str(t, field_yes_no(properties, "enablePurgeProtection"));
  table_cell_str(t, field_time(properties, time_field, text));
}

static void put_present(struct table *t, json_t *item) {
  put_row(t, item, "created");
}

static void put_deleted(struct table *t, json_t *item) {
  put_row(t, item, "scheduledPurgeDate");
}

static const char *const present_headings[] = { "NAME", "ADDRESS", "PROTECTED", "CREATED" };
static const char *const deleted_headings[] = { "NAME", "ADDRESS", "PROTECTED", "PURGED ON" };
static const struct list present_rows = { 4, present_headings, put_present };
static const struct list deleted_rows = { 4, deleted_headings, put_deleted };

static err_t run(const struct args *a) {
  bool deleted = args_flag(a, "deleted");
  AUTO_BUF path = client_path("hub", deleted ? "deletedvaults" : "vaults", NULL);
  return ask_list(a, &path, deleted ? &deleted_rows : &present_rows);
}

static const struct opt options[] = {
  { "deleted", OPT_FLAG, NULL, NULL, "vaults that are deleted and can be recovered" },
  OPT_END,
};

const struct verb verb_vault_list = {
  .noun = "vault",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List the hub's vaults beside its own",
  .options = options,
  .examples = "strongroom vault list\n"
              "strongroom vault list --deleted",
  .run = run,
};
