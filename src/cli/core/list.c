/* strongroom core list */
#include "base/write.h"
#include "cli/core/config.h"
#include "cli/core/reader.h"
#include "cli/verbs.h"

#include <stdio.h>

struct rows {
  struct core_reader reader;
  struct table table;
  struct buf json;
  bool as_json;
  err_t first; /* what went wrong with the first core that can't be opened */
};

static void put_size(struct table *t, uint64_t size, bool truncated) {
  static const char units[] = " KMGT";
  char text[32];
  double n = (double)size;
  size_t u = 0;
  while (n >= 1024 && u < sizeof units - 2) {
    n /= 1024;
    u++;
  }
  snprintf(text, sizeof text, u ? "%.1f%c%s" : "%.0f%c%s", n, units[u], truncated ? ", cut" : "");
  table_cell_str(t, text);
}

static void put_row(struct table *t, const struct core_entry *e, const struct crash *c) {
  char number[24], when[WHEN_SIZE], pid[24], uid[24], signal[24];
  snprintf(number, sizeof number, "%llu", (unsigned long long)e->number);
  snprintf(pid, sizeof pid, "%llu", (unsigned long long)c->pid);
  snprintf(uid, sizeof uid, "%llu", (unsigned long long)c->uid);
  when_format(c->time, when);
  table_cell_str(t, number);
  table_cell_str(t, when);
  table_cell_str(t, pid);
  table_cell_str(t, uid);
  table_cell_str(t, crash_signal(c, signal));
  put_size(t, c->size, c->truncated);
  table_cell_str(t, *c->program ? c->program : c->name);
}

/* What is known without opening it. */
static void put_closed_row(struct table *t, const struct core_entry *e, const char *why) {
  char number[24], when[WHEN_SIZE];
  snprintf(number, sizeof number, "%llu", (unsigned long long)e->number);
  when_format(e->time, when);
  table_cell_str(t, number);
  table_cell_str(t, when);
  for (int i = 0; i < 3; i++)
    table_cell_str(t, "?");
  put_size(t, e->size, false);
  table_cell_str(t, why);
}

static void put_json(struct buf *b, const struct core_entry *e, const struct crash *c,
                     const char *why) {
  write_open(b, NULL, '{');
  write_i64(b, "number", (int64_t)e->number);
  write_i64(b, "sealedSize", (int64_t)e->size);
  write_i64(b, "sealedTime", e->time);
  if (c)
    crash_write_members(c, b);
  else
    write_str(b, "error", why);
  write_close(b, '}');
}

static void add(struct rows *r, const struct core_entry *entry) {
  struct crash *c = mem_zalloc(sizeof *c);
  err_t e = c ? core_reader_info(&r->reader, entry->number, c) : ERR_NOMEM;
  const char *why = e == OK ? NULL : out_error_text(e);
  if (r->first == OK)
    r->first = e;
  if (r->as_json)
    put_json(&r->json, entry, e == OK ? c : NULL, why);
  else if (e == OK)
    put_row(&r->table, entry, c);
  else
    put_closed_row(&r->table, entry, why);
  mem_free(c);
}

static err_t print(struct rows *r) {
  AUTO_JSON *document = NULL;
  if (!r->as_json)
    return table_print(&r->table);
  TRY(json_read_answer(buf_bytes(&r->json), &document));
  out_json(document);
  return OK;
}

static void rows_free(struct rows *r) {
  core_reader_close(&r->reader);
  table_free(&r->table);
  buf_free(&r->json);
}

static err_t run(const struct args *a) {
  static const char *const headings[] = {
    "ID", "TIME", "PID", "USER", "SIGNAL", "SIZE", "PROGRAM"
  };
  __attribute__((cleanup(rows_free))) struct rows r = { .as_json = args_flag(a, "json") };
  AUTO_FREE struct core_entry *entries = NULL;
  size_t count = 0;
  TRY(core_reader_open(a, &r.reader));
  TRY(core_dir_list(r.reader.dir, &entries, &count));
  table_start(&r.table, sizeof headings / sizeof *headings, headings);
  write_open(&r.json, NULL, '{');
  write_open(&r.json, "value", '[');
  for (size_t i = 0; i < count; i++)
    add(&r, &entries[i]);
  write_close(&r.json, ']');
  write_close(&r.json, '}');
  TRY(buf_ok(&r.json));
  TRY(print(&r));
  if (r.first != OK)
    FAIL(r.first, "not every record of a core can be opened");
  return OK;
}

static const struct opt options[] = {
  CORE_DIR_OPTIONS,
  OPT_END,
};

const struct verb verb_core_list = {
  .noun = "core",
  .name = "list",
  .words = "",
  .client = true,
  .summary = "List the sealed cores: when, which program, which signal",
  .details = "What is known of a crash is sealed, too: listing takes the right to unwrap.",
  .options = options,
  .examples = "strongroom core list\n"
              "strongroom core list --json | jq '.value[] | select(.uid == 0)'",
  .run = run,
};
