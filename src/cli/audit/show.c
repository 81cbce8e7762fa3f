/* strongroom audit show */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <unistd.h>

#define PAGE 500
#define READ_OPERATION "AuditRead"

struct follow {
  const struct args *args;
  struct client *client;
  uint64_t next, left; /* left: records still wanted */
};

static const char *number_text(json_t *o, const char *field, char text[static 24]) {
  snprintf(text, 24, "%lld", (long long)json_integer_value(json_object_get(o, field)));
  return text;
}

/* A line a record: it is followed as it grows, so its columns have fixed widths. */
static void print_line(const char *number, struct bytes time, struct bytes operation,
                       const char *status, struct bytes caller, struct bytes object) {
  AUTO_BUF line = BUF_EMPTY;
  buf_printf(&line, "%-8s %-23.*s %-22.*s %-6s %-36.*s ", number, (int)time.size,
             (const char *)time.data, (int)operation.size, (const char *)operation.data, status,
             (int)caller.size, (const char *)caller.data);
  buf_put_bytes(&line, object);
  out_text(buf_bytes(&line));
}

static void print_fields(json_t *record) {
  char number[24], status[24];
  struct bytes time = field_text(record, "time");
  if (time.size > 23)
    time.size = 23; /* milliseconds are enough for people */
  print_line(number_text(record, "number", number), time, field_text(record, "operationName"),
             number_text(record, "httpStatusCode", status),
             field_text(field_object(record, "identity"), "appid"),
             field_text(field_object(record, "properties"), "id"));
}

/* Whoever follows reads once a second, and is not told so each time. */
static void print_record(const struct args *a, json_t *record) {
  if (args_flag(a, "follow") &&
      bytes_equal_str(field_text(record, "operationName"), READ_OPERATION) &&
      json_integer_value(json_object_get(record, "httpStatusCode")) == 200)
    return;
  if (!args_flag(a, "json")) {
    print_fields(record);
    return;
  }
  json_dumpf(record, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
  putchar('\n');
}

/* One page; *got is how many records it had. */
static err_t fetch(struct follow *f, size_t *got) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "audit", NULL);
  int64_t next = (int64_t)f->next;
  json_t *list = NULL, *record;
  size_t i;
  buf_printf(&path, "?from=%llu&count=%llu", (unsigned long long)f->next,
             (unsigned long long)(f->left < PAGE ? f->left : PAGE));
  TRY(client_call(f->client, HTTP_GET, &path, NULL, &answer));
  TRY(json_get_array(answer.body, "value", &list));
  TRY(json_get_i64(answer.body, "next", &next, NULL));
  json_array_foreach(list, i, record) {
    print_record(f->args, record);
  }
  *got = json_array_size(list);
  f->next = (uint64_t)next;
  f->left -= *got < f->left ? *got : f->left;
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  bool follow = args_flag(a, "follow");
  struct follow f = { .args = a, .next = 1, .left = UINT64_MAX };
  size_t got = 0;
  TRY(args_uint(a, "from", 1, INT64_MAX, &f.next));
  TRY(args_uint(a, "count", 1, INT64_MAX, &f.left));
  TRY(ask_open(a, &c));
  f.client = c;
  if (!args_flag(a, "json"))
    print_line("NUMBER", bytes_str("TIME"), bytes_str("OPERATION"), "STATUS", bytes_str("CALLER"),
               bytes_str("OBJECT"));
  /* Reading is recorded, too: the log's end is a page that is not full, not one that is empty. */
  while (f.left > 0) {
    TRY(fetch(&f, &got));
    if (fflush(stdout) != 0 || (got < PAGE && !follow))
      break;
    if (got < PAGE)
      sleep(1);
  }
  return OK;
}

static const struct opt options[] = {
  { "from", OPT_VALUE, "NUMBER", NULL, "the first record (default 1, the oldest)" },
  { "count", OPT_VALUE, "N", NULL, "at most so many (default: all)" },
  { "follow", OPT_FLAG, NULL, NULL,
    "wait for more and show them as they come, without readings of the log" },
  OPT_END,
};

const struct verb verb_audit_show = {
  .noun = "audit",
  .name = "show",
  .words = "",
  .client = true,
  .summary = "Show the audit log: every operation, allowed or not",
  .details = "With --json each record is one line of JSON, with all its fields.",
  .options = options,
  .examples = "strongroom audit show --from 1000 --count 50\n"
              "strongroom audit show --json | jq 'select(.httpStatusCode == 403)'\n"
              "strongroom audit show --follow",
  .run = run,
};
