#include "cli/key/key.h"

#include "base/write.h"

#include <stdio.h>

/* What follows the last '/' of text, which is cut off there. */
static struct bytes cut_last(struct bytes *text) {
  size_t i = text->size;
  while (i && text->data[i - 1] != '/')
    i--;
  struct bytes last = bytes_of(text->data + i, text->size - i);
  text->size = i ? i - 1 : 0;
  return last;
}

static bool is_collection(struct bytes text) {
  return bytes_equal_str(text, "keys") || bytes_equal_str(text, "deletedkeys");
}

void key_split_id(struct bytes id, struct bytes *name, struct bytes *version) {
  struct bytes last = cut_last(&id), before = cut_last(&id);
  bool versioned = !is_collection(before);
  *name = versioned ? before : last;
  *version = versioned ? last : bytes_str("");
}

struct bytes key_id_of(json_t *bundle) {
  return field_text(json_object_get(bundle, "key"), "kid");
}

void key_put_tags(struct buf *b, json_t *tags) {
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

static void put_strings(struct buf *b, json_t *list) {
  json_t *item;
  size_t i;
  json_array_foreach(list, i, item) {
    if (i)
      buf_put_str(b, ", ");
    if (json_is_string(item))
      buf_put(b, json_string_value(item), json_string_length(item));
  }
}

/* "RSA 2048", "EC P-256", "oct". */
static void put_type(struct buf *b, json_t *key) {
  buf_put_bytes(b, field_text(key, "kty"));
  buf_put_char(b, ' ');
  buf_put_bytes(b, field_text(key, "crv"));
  struct bytes n = field_text(key, "n");
  if (n.size)
    buf_put_u64(b, n.size * 6 / 8 * 8);
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

err_t key_print(const struct args *a, json_t *bundle) {
  if (args_flag(a, "json")) {
    out_json(bundle);
    return OK;
  }
  AUTO_BUF type = BUF_EMPTY, ops = BUF_EMPTY, tags = BUF_EMPTY;
  json_t *key = field_object(bundle, "key");
  struct bytes id = field_text(key, "kid"), name, version;
  key_split_id(id, &name, &version);
  put_type(&type, key);
  put_strings(&ops, json_object_get(key, "key_ops"));
  key_put_tags(&tags, field_object(bundle, "tags"));
  TRY(buf_ok(&type));
  TRY(buf_ok(&ops));
  TRY(buf_ok(&tags));
  out_field("Name", name);
  out_field("Version", version);
  out_field("Type", bytes_trim(buf_bytes(&type)));
  out_field("Operations", buf_bytes(&ops));
  print_attributes(field_object(bundle, "attributes"));
  print_time("Deleted", bundle, "deletedDate");
  print_time("Purged on", bundle, "scheduledPurgeDate");
  out_field("Tags", buf_bytes(&tags));
  out_field("Id", id);
  return OK;
}

/* Each name once: the second would be lost or refused, by the reader's choice. */
static err_t check_tags(const struct args *a) {
  size_t at = 0;
  const char *tag, *other;
  while ((tag = args_next(a, "tag", &at))) {
    size_t n = strcspn(tag, "=") + 1, next = at;
    while ((other = args_next(a, "tag", &next)))
      if (strncmp(tag, other, n) == 0)
        FAIL(ERR_USAGE, "--tag %.*s was given twice", (int)n - 1, tag);
  }
  return OK;
}

static err_t write_tags(const struct args *a, struct buf *b) {
  size_t at = 0;
  const char *tag;
  write_open(b, "tags", '{');
  while ((tag = args_next(a, "tag", &at))) {
    struct bytes name, value = bytes_split(bytes_str(tag), '=', &name);
    if (!value.data || name.size == 0)
      FAIL(ERR_USAGE, "--tag takes NAME=VALUE, not '%s'", tag);
    write_text(b, NULL, name);
    buf_put_char(b, ':');
    write_text(b, NULL, value);
  }
  write_close(b, '}');
  return OK;
}

static err_t write_time(const struct args *a, const char *option, const char *field,
                        struct buf *b) {
  int64_t seconds;
  const char *text = args_value(a, option);
  if (!text)
    return OK;
  TRY(when_parse(option, text, &seconds));
  write_i64(b, field, seconds);
  return OK;
}

err_t key_write_attributes(const struct args *a, struct buf *b) {
  bool disabled = args_flag(a, "disabled");
  if (disabled && args_flag(a, "enabled"))
    FAIL(ERR_USAGE, "--enabled and --disabled exclude each other");
  write_open(b, "attributes", '{');
  if (disabled || args_flag(a, "enabled"))
    write_bool(b, "enabled", !disabled);
  TRY(write_time(a, "not-before", "nbf", b));
  TRY(write_time(a, "expires", "exp", b));
  write_close(b, '}');
  TRY(check_tags(a));
  return args_flag(a, "tag") ? write_tags(a, b) : OK;
}

void key_write_ops(const struct args *a, struct buf *b) {
  const char *ops = args_value(a, "ops");
  struct bytes rest = ops ? bytes_str(ops) : (struct bytes){ 0 }, op;
  if (!ops)
    return;
  write_open(b, "key_ops", '[');
  while (rest.data) {
    rest = bytes_split(rest, ',', &op);
    if (op.size)
      write_text(b, NULL, op);
  }
  write_close(b, ']');
}
