#include "cli/collection.h"

#include "base/codec.h"
#include "base/file.h"
#include "base/write.h"

#include <stdio.h>
#include <unistd.h>

#define BACKUP_MAX (32u * 1024 * 1024)

void id_split(struct bytes id, struct bytes *name, struct bytes *version) {
  struct bytes before;
  for (int i = 0; i < 4; i++) /* "https:", "", the host, the collection */
    id = bytes_split(id, '/', &before);
  id = bytes_split(id, '/', name);
  *version = id.data ? id : bytes_str("");
}

/* --- one object --- */

/* Secrets and certificates have an id; a key has it as "kid", inside "key" but in lists. */
static struct bytes id_of(json_t *o) {
  struct bytes id = field_text(o, "id");
  if (id.size == 0)
    id = field_text(o, "kid");
  return id.size ? id : field_text(field_object(o, "key"), "kid");
}

static void put_tags(struct buf *b, json_t *tags) {
  const char *name;
  json_t *value;
  size_t n = 0;
  json_object_foreach(tags, name, value) {
    if (n++)
      buf_put_str(b, ", ");
    buf_put_str(b, name);
    buf_put_char(b, '=');
    if (json_is_string(value))
      buf_put(b, json_string_value(value), json_string_length(value));
  }
}

static void print_time(const char *label, json_t *o, const char *field) {
  char text[WHEN_SIZE];
  out_field_str(label, field_time(o, field, text));
}

static void print_attributes(json_t *attributes) {
  out_field_str("Enabled", field_yes_no(attributes, "enabled"));
  print_time("Not before", attributes, "nbf");
  print_time("Expires", attributes, "exp");
  print_time("Created", attributes, "created");
  print_time("Updated", attributes, "updated");
  out_field_str("Exportable", field_yes_no(attributes, "exportable"));
  out_field("Recovery", field_text(attributes, "recoveryLevel"));
}

err_t collection_print(const struct args *a, const struct collection *c, json_t *bundle) {
  json_object_del(bundle, "value");
  if (args_flag(a, "json")) {
    out_json(bundle);
    return OK;
  }
  AUTO_BUF tags = BUF_EMPTY;
  struct bytes id = id_of(bundle), name, version;
  id_split(id, &name, &version);
  put_tags(&tags, field_object(bundle, "tags"));
  TRY(buf_ok(&tags));
  out_field("Name", name);
  out_field("Version", version);
  TRY(c->print(bundle));
  print_attributes(field_object(bundle, "attributes"));
  print_time("Deleted", bundle, "deletedDate");
  print_time("Purged on", bundle, "scheduledPurgeDate");
  out_field("Tags", buf_bytes(&tags));
  out_field("Id", id);
  return OK;
}

err_t collection_ask(const struct args *a, const struct collection *c, enum http_method method,
                     const struct buf *path, const struct buf *body) {
  AUTO_ANSWER answer = { 0 };
  TRY(ask(a, method, path, body, &answer));
  return collection_print(a, c, answer.body);
}

err_t collection_get(const struct args *a, const struct collection *c, struct client_answer *out) {
  bool deleted = args_flag(a, "deleted");
  AUTO_BUF path =
    client_path(deleted ? c->deleted : c->present, args_word(a, 0), args_word(a, 1), NULL);
  if (deleted && args_word(a, 1))
    FAIL(ERR_USAGE, "a deleted %s is shown with its latest version only", c->noun);
  return ask(a, HTTP_GET, &path, NULL, out);
}

/* --- lists --- */

enum rows { PRESENT, VERSIONS, DELETED };

static void put_row(struct table *t, json_t *item, enum rows rows) {
  char text[WHEN_SIZE];
  AUTO_BUF tags = BUF_EMPTY;
  struct bytes name, version;
  json_t *attributes = field_object(item, "attributes");
  id_split(id_of(item), &name, &version);
  put_tags(&tags, field_object(item, "tags"));
  table_cell(t, rows == VERSIONS ? version : name);
  table_cell_str(t, field_yes_no(attributes, "enabled"));
  table_cell_str(t, field_time(attributes, "exp", text));
  if (rows == DELETED)
    table_cell_str(t, field_time(item, "scheduledPurgeDate", text));
  else
    table_cell_str(t, field_time(attributes, "updated", text));
  table_cell(t, buf_bytes(&tags));
}

static void put_present(struct table *t, json_t *item) {
  put_row(t, item, PRESENT);
}

static void put_version(struct table *t, json_t *item) {
  put_row(t, item, VERSIONS);
}

static void put_deleted(struct table *t, json_t *item) {
  put_row(t, item, DELETED);
}

static const char *const present_headings[] = { "NAME", "ENABLED", "EXPIRES", "UPDATED", "TAGS" };
static const char *const version_headings[] = { "VERSION", "ENABLED", "EXPIRES", "UPDATED",
                                                "TAGS" };
static const char *const deleted_headings[] = { "NAME", "ENABLED", "EXPIRES", "PURGED ON", "TAGS" };
static const struct list present_rows = { 5, present_headings, put_present };
static const struct list version_rows = { 5, version_headings, put_version };
static const struct list deleted_rows = { 5, deleted_headings, put_deleted };

err_t collection_list(const struct args *a, const struct collection *c, const char *query) {
  const char *name = args_value(a, "versions");
  bool deleted = args_flag(a, "deleted");
  if (name && deleted)
    FAIL(ERR_USAGE, "--versions and --deleted exclude each other");
  AUTO_BUF path = name ? client_path(c->present, name, "versions", NULL)
                       : client_path(deleted ? c->deleted : c->present, NULL);
  if (!name && !deleted)
    buf_put_str(&path, query);
  return ask_list(a, &path, name ? &version_rows : deleted ? &deleted_rows : &present_rows);
}

/* --- deletion --- */

err_t collection_delete(const struct args *a, const struct collection *c) {
  AUTO_BUF path = client_path(c->present, args_word(a, 0), NULL);
  return collection_ask(a, c, HTTP_DELETE, &path, NULL);
}

err_t collection_recover(const struct args *a, const struct collection *c) {
  AUTO_BUF path = client_path(c->deleted, args_word(a, 0), "recover", NULL);
  return collection_ask(a, c, HTTP_POST, &path, NULL);
}

/* A person types the name once more; a script says --yes. */
err_t collection_confirm(const struct args *a, const struct collection *c) {
  char line[256];
  const char *name = args_word(a, 0);
  if (args_flag(a, "yes"))
    return OK;
  if (!isatty(STDIN_FILENO))
    FAIL(ERR_USAGE, "purging can't be undone: confirm it with --yes");
  fprintf(stderr, "Purging '%s': %s, for good.\nType the %s's name to purge it: ", name, c->loss,
          c->noun);
  if (!fgets(line, sizeof line, stdin) ||
      !bytes_equal_str(bytes_of(line, strcspn(line, "\n")), name))
    FAIL(ERR_USAGE, "nothing was purged");
  return OK;
}

err_t collection_purge(const struct args *a, const struct collection *c) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path(c->deleted, args_word(a, 0), NULL);
  TRY(collection_confirm(a, c));
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

/* --- backups --- */

err_t collection_backup(const struct args *a, const struct collection *c) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path(c->present, args_word(a, 0), "backup", NULL), text = BUF_EMPTY;
  const char *file = args_value(a, "out");
  TRY(ask(a, HTTP_POST, &path, NULL, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  buf_put_bytes(&text, field_text(answer.body, "value"));
  buf_put_char(&text, '\n');
  TRY(buf_ok(&text));
  return file ? file_write_private(file, buf_bytes(&text))
              : file_write_fd(STDOUT_FILENO, "stdout", buf_bytes(&text));
}

err_t collection_restore(const struct args *a, const struct collection *c) {
  AUTO_BUF path = client_path(c->present, "restore", NULL);
  AUTO_BUF text = BUF_EMPTY, decoded = BUF_EMPTY, body = BUF_EMPTY;
  const char *file = args_word(a, 0);
  TRY(file ? file_read(file, BACKUP_MAX, &text)
           : file_read_fd(STDIN_FILENO, "stdin", BACKUP_MAX, &text));
  struct bytes blob = buf_bytes(&text);
  while (blob.size && (blob.data[blob.size - 1] == '\n' || blob.data[blob.size - 1] == '\r'))
    blob.size--;
  if (blob.size == 0 || buf_put_b64url_decoded(&decoded, blob) != OK)
    FAIL(ERR_BACKUP_BLOB, "%s is not a backup of a %s", file ? file : "what came on stdin",
         c->noun);
  write_open(&body, NULL, '{');
  write_text(&body, "value", blob);
  write_close(&body, '}');
  return collection_ask(a, c, HTTP_POST, &path, &body);
}
