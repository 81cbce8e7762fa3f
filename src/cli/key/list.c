/* strongroom key list */
#include "cli/key/key.h"
#include "cli/verbs.h"

static void put_state(struct table *t, json_t *item, const char *last) {
  char text[WHEN_SIZE];
  AUTO_BUF tags = BUF_EMPTY;
  json_t *attributes = field_object(item, "attributes");
  table_cell_str(t, field_yes_no(attributes, "enabled"));
  table_cell_str(t, field_time(attributes, "exp", text));
  if (last)
    table_cell_str(t, field_time(item, last, text));
  else
    table_cell_str(t, field_time(attributes, "updated", text));
  key_put_tags(&tags, field_object(item, "tags"));
  table_cell(t, buf_bytes(&tags));
}

static void put_key(struct table *t, json_t *item) {
  struct bytes name, version;
  key_split_id(field_text(item, "kid"), &name, &version);
  table_cell(t, name);
  put_state(t, item, NULL);
}

static void put_version(struct table *t, json_t *item) {
  struct bytes name, version;
  key_split_id(field_text(item, "kid"), &name, &version);
  table_cell(t, version);
  put_state(t, item, NULL);
}

static void put_deleted(struct table *t, json_t *item) {
  struct bytes name, version;
  key_split_id(field_text(item, "kid"), &name, &version);
  table_cell(t, name);
  put_state(t, item, "scheduledPurgeDate");
}

static const char *const key_headings[] = { "NAME", "ENABLED", "EXPIRES", "UPDATED", "TAGS" };
static const char *const version_headings[] = { "VERSION", "ENABLED", "EXPIRES", "UPDATED",
                                                "TAGS" };
static const char *const deleted_headings[] = { "NAME", "ENABLED", "EXPIRES", "PURGED ON", "TAGS" };
static const struct list key_rows = { 5, key_headings, put_key };
static const struct list version_rows = { 5, version_headings, put_version };
static const struct list deleted_rows = { 5, deleted_headings, put_deleted };

static err_t run(const struct args *a) {
  const char *name = args_value(a, "versions");
  if (name && args_flag(a, "deleted"))
    FAIL(ERR_USAGE, "--versions and --deleted exclude each other");
  if (name) {
    AUTO_BUF path = client_path("keys", name, "versions", NULL);
    return ask_list(a, &path, &version_rows);
  }
  bool deleted = args_flag(a, "deleted");
  AUTO_BUF path = client_path(deleted ? "deletedkeys" : "keys", NULL);
  return ask_list(a, &path, deleted ? &deleted_rows : &key_rows);
}

static const struct opt options[] = {
  { "versions", OPT_VALUE, "NAME", NULL, "the versions of one key" },
  { "deleted", OPT_FLAG, NULL, NULL, "keys that are deleted and can be recovered" },
  OPT_END,
};

const struct verb verb_key_list = {
  .noun = "key",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List keys",
  .options = options,
  .examples = "strongroom key list\n"
              "strongroom key list --versions app\n"
              "strongroom key list --deleted --json",
  .run = run,
};
