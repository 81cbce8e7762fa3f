#include "cli/log/log.h"

#include "base/clock.h"

#include <stdio.h>

static void format_time(int64_t ns, char out[static 28]) {
  clock_format(ns / 1000, out);
}

err_t log_print_raw(void *ctx, const struct log_line *line) {
  struct log_print *p = ctx;
  char when[28];
  if (line->first && p->unended)
    putchar('\n');
  if (line->first && p->times) {
    format_time(line->ns, when);
    fputs(when, stdout);
    putchar(' ');
  }
  if (line->text.size)
    fwrite(line->text.data, 1, line->text.size, stdout);
  if (line->last && !line->unended)
    putchar('\n');
  p->unended = line->last && line->unended;
  return OK;
}

/* --- JSON --- */

/* A text, or, where it is none, its bytes as numbers, as the journal's own JSON has it. */
static json_t *text_json(struct bytes text) {
  json_t *v = json_stringn(text.size ? (const char *)text.data : "", text.size);
  if (v)
    return v;
  v = json_array();
  for (size_t i = 0; v && i < text.size; i++)
    if (json_array_append_new(v, json_integer(text.data[i])) != 0) {
      json_decref(v);
      return NULL;
    }
  return v;
}

static bool is_list(const json_t *v) {
  return json_is_array(v) && !json_is_integer(json_array_get(v, 0));
}

/* The second value of a name makes a list of them. Takes v over. */
static int add_value(json_t *fields, const char *name, json_t *v) {
  json_t *there = json_object_get(fields, name);
  if (is_list(there))
    return json_array_append_new(there, v);
  if (!there)
    return json_object_set_new(fields, name, v);
  AUTO_JSON *list = json_array();
  if (!list || json_array_append(list, there) != 0) {
    json_decref(v);
    return -1;
  }
  if (json_array_append_new(list, v) != 0)
    return -1;
  return json_object_set(fields, name, list);
}

/* Takes "NAME=text LF" or "NAME LF size data LF" off an entry; false where it is neither. */
static bool take_field(struct bytes *entry, struct bytes *name, struct bytes *value) {
  uint64_t size = 0;
  struct bytes line, rest = bytes_split(*entry, '\n', &line);
  *value = bytes_split(line, '=', name);
  if (value->data || line.size == 0) {
    *entry = rest;
    return value->data;
  }
  if (rest.size < 8)
    return false;
  for (unsigned i = 0; i < 8; i++)
    size |= (uint64_t)rest.data[i] << (8 * i);
  if (size > rest.size - 8)
    return false;
  *value = bytes_of(rest.data + 8, (size_t)size);
  size_t used = 8 + (size_t)size + (8 + size < rest.size);
  *entry = bytes_of(rest.data + used, rest.size - used);
  return true;
}

static err_t fields_json(struct bytes entry, json_t **out) {
  AUTO_JSON *fields = json_object();
  struct bytes name, value;
  char key[256];
  while (fields && entry.size) {
    bool good = take_field(&entry, &name, &value) && bytes_to_cstr(name, key, sizeof key) == OK;
    if (!good)
      return ERR_BAD_PARAMETER;
    json_t *v = text_json(value);
    if (!v || add_value(fields, key, v) != 0)
      return ERR_BAD_PARAMETER;
  }
  *out = TAKE(fields);
  return *out ? OK : ERR_NOMEM;
}

err_t log_print_json(void *ctx, const struct log_line *line) {
  AUTO_JSON *o = json_object();
  json_t *fields = NULL;
  char when[28];
  (void)ctx;
  format_time(line->ns, when);
  bool made = line->segment->format == LOG_JOURNAL && fields_json(line->text, &fields) == OK;
  if (json_object_set_new(o, "time", json_string(when)) != 0 ||
      json_object_set_new(o, "segment", json_integer((json_int_t)line->segment->number)) != 0 ||
      json_object_set_new(o, "record", json_integer((json_int_t)line->record)) != 0 ||
      json_object_set_new(o, made ? "fields" : "line", made ? fields : text_json(line->text)) != 0)
    return ERR_NOMEM;
  json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
  putchar('\n');
  return OK;
}

void log_print_setup(const struct args *a, struct log_print *p, struct log_sorter *s) {
  p->times = args_flag(a, "times");
  s->ctx = p;
  if (args_flag(a, "json"))
    s->whole = log_print_json;
  else
    s->part = log_print_raw;
}
