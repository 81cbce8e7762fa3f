/* strongroom log verify DIR */
#include "base/codec.h"
#include "base/write.h"
#include "cli/log/log.h"
#include "cli/verbs.h"

#include <stdio.h>

struct verify {
  bool json;
  struct buf segments, problems; /* JSON */
  struct table table;
  err_t first; /* the first problem */
};
static void verify_free(struct verify *v) {
  buf_free(&v->segments);
  buf_free(&v->problems);
  table_free(&v->table);
}

static const char *end_text(const struct log_state *s) {
  return s->end == LOG_ROTATED ? "rotated" : s->end == LOG_STOPPED ? "stopped" : "not closed";
}

static void format_ns(int64_t ns, char out[static WHEN_SIZE]) {
  out[0] = '\0';
  if (ns)
    when_format(ns / 1000000000, out);
}

static void put_row(struct verify *v, const struct log_about *a, const struct log_state *s) {
  char first[WHEN_SIZE], last[WHEN_SIZE], text[32];
  format_ns(s->first_ns, first);
  format_ns(s->last_ns, last);
  table_cell_str(&v->table, a->name);
  snprintf(text, sizeof text, "%llu", (unsigned long long)s->last);
  table_cell_str(&v->table, text);
  snprintf(text, sizeof text, "%llu", (unsigned long long)s->entries);
  table_cell_str(&v->table, text);
  table_cell_str(&v->table, first);
  table_cell_str(&v->table, last);
  snprintf(text, sizeof text, "%llu", (unsigned long long)s->torn);
  table_cell_str(&v->table, s->torn ? text : "");
  table_cell_str(&v->table, end_text(s));
}

static void put_json(struct verify *v, const struct log_about *a, const struct log_state *s) {
  struct buf *b = &v->segments;
  char when[WHEN_SIZE];
  write_open(b, NULL, '{');
  write_i64(b, "number", (int64_t)a->number);
  write_text(b, "file", bytes_str(a->name));
  write_text(b, "key", bytes_str(a->key_id));
  write_i64(b, "records", (int64_t)s->last);
  write_i64(b, "entries", (int64_t)s->entries);
  format_ns(s->first_ns, when);
  write_str(b, "first", when);
  format_ns(s->last_ns, when);
  write_str(b, "last", when);
  write_str(b, "end", end_text(s));
  write_i64(b, "torn", (int64_t)s->torn);
  write_close(b, '}');
}

static err_t on_segment(void *ctx, const struct log_about *a, const struct log_state *s) {
  struct verify *v = ctx;
  if (v->json)
    put_json(v, a, s);
  else
    put_row(v, a, s);
  TRY(buf_ok(&v->segments));
  return buf_ok(&v->table.cells);
}

static err_t on_problem(void *ctx, err_t e) {
  struct verify *v = ctx;
  out_error(e);
  write_text(&v->problems, NULL, bytes_str(out_error_text(e)));
  if (v->first == OK)
    v->first = e;
  return buf_ok(&v->problems);
}

static err_t print_json(const struct verify *v, const struct log_walk_result *r) {
  AUTO_BUF b = BUF_EMPTY, id = BUF_EMPTY;
  char position[LOG_POSITION_TEXT];
  log_position_format(&r->end, position);
  buf_put_hex(&id, bytes_of(r->log_id, LOG_ID));
  write_open(&b, NULL, '{');
  write_text(&b, "logId", buf_bytes(&id));
  write_i64(&b, "beginsAt", (int64_t)r->first);
  write_i64(&b, "records", (int64_t)r->records);
  write_i64(&b, "entries", (int64_t)r->entries);
  write_str(&b, "position", position);
  write_bool(&b, "closed", !r->open);
  write_bool(&b, "intact", v->first == OK);
  buf_put_str(&b, ",\"segments\":[");
  buf_put_bytes(&b, buf_bytes(&v->segments));
  buf_put_str(&b, "],\"problems\":[");
  buf_put_bytes(&b, buf_bytes(&v->problems));
  buf_put_str(&b, "]");
  write_close(&b, '}');
  TRY(buf_ok(&id));
  TRY(buf_ok(&b));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
  return OK;
}

static void print_number(const char *label, uint64_t n) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  out_field_str(label, text);
}

static err_t print_text(struct verify *v, const struct log_walk_result *r, const char *dir) {
  char position[LOG_POSITION_TEXT];
  AUTO_BUF id = BUF_EMPTY;
  buf_put_hex(&id, bytes_of(r->log_id, LOG_ID));
  TRY(buf_ok(&id));
  TRY(table_print(&v->table));
  out_line("%s", "");
  out_field("Log", buf_bytes(&id));
  print_number("Begins at", r->first);
  print_number("Segments", r->segments);
  print_number("Entries", r->entries);
  log_position_format(&r->end, position);
  out_field_str("Position", position);
  out_field_str("End", !r->open              ? "closed"
                       : log_is_written(dir) ? "being written"
                                             : "not closed: cut off by a crash, or by somebody");
  out_field_str("Result", v->first == OK ? "no gap, nothing changed" : "NOT INTACT");
  return OK;
}

static err_t parse_position(const struct args *a, struct log_position *p,
                            struct log_walk_options *o) {
  const char *text = args_value(a, "expect-at-least");
  if (!text)
    return OK;
  if (!log_position_parse(text, p))
    FAIL(ERR_USAGE,
         "--expect-at-least takes SEGMENT:RECORD or a position as 'log verify' prints it");
  o->least = p;
  return OK;
}

static err_t run(const struct args *a) {
  static const char *const headings[] = { "SEGMENT", "RECORDS", "ENTRIES", "FIRST",
                                          "LAST",    "TORN",    "END" };
  struct verify v __attribute__((cleanup(verify_free))) = { .json = args_flag(a, "json") };
  AUTO_LOG_KEYS keys = { 0 };
  const char *dir = args_word(a, 0);
  struct log_position least;
  struct log_walk_options o = { .from_start = args_flag(a, "from-start") };
  struct log_visitor visitor = { .ctx = &v, .segment = on_segment, .problem = on_problem };
  struct log_walk_result result;
  TRY(parse_position(a, &least, &o));
  TRY(log_keys_open(a, &keys));
  table_start(&v.table, sizeof headings / sizeof *headings, headings);
  TRY(log_walk(dir, keys.cache, &o, &visitor, &result));
  TRY(v.json ? print_json(&v, &result) : print_text(&v, &result, dir));
  if (v.first != OK)
    FAIL(v.first, "the log is not intact");
  return OK;
}

static const struct opt options[] = {
  { "from-start", OPT_FLAG, NULL, NULL, "no segment may have been deleted, not even the oldest" },
  { "expect-at-least", OPT_VALUE, "POSITION", NULL,
    "SEGMENT:RECORD[:DIGEST], which must be there" },
  OPT_END,
};

const struct verb verb_log_verify = {
  .noun = "log",
  .name = "verify",
  .words = "DIR",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Check that nothing of a sealed log was changed or is missing",
  .details =
    "Opens all of it, which needs the key. Between the first segment and the last record nothing\n"
    "can be missing, changed, renamed or in another order without an error that names it (exit\n"
    "code 7). A segment that is not closed ended with a crash; what is torn at its end is at most\n"
    "one write that was not acknowledged. Segments older than the first one may have been "
    "deleted:\n"
    "see 'Begins at'.\n"
    "What the files cannot prove is that the newest segment was not cut off at its end, or one "
    "that\n"
    "is not closed before the next was begun: that looks like a crash; nor that this is not "
    "another\n"
    "log of the same key. Keep the printed position elsewhere and give it the next time with\n"
    "--expect-at-least: its digest is of this log and no other.",
  .options = options,
  .examples = "strongroom log verify /var/log/my-service --from-start\n"
              "strongroom log verify /var/log/my-service --expect-at-least 12:345",
  .run = run,
};
