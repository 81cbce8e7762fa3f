#include "cli/core/crash.h"

#include "base/json.h"
#include "base/write.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

err_t crash_parse(const char *const words[static CRASH_WORDS], struct crash *out) {
  struct crash c = { 0 };
  uint64_t time = 0;
  const struct {
    const char *what;
    uint64_t max, *to;
  } numbers[] = {
    { "process", INT32_MAX, &c.pid },  { "thread", INT32_MAX, &c.thread },
    { "user", UINT32_MAX, &c.uid },    { "group", UINT32_MAX, &c.gid },
    { "signal", 1024, &c.signal },     { "time", INT64_MAX, &time },
    { "limit", UINT64_MAX, &c.limit },
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (bytes_to_u64(bytes_str(words[i]), numbers[i].max, numbers[i].to) != OK)
      FAIL(ERR_BAD_PARAMETER, "the kernel's word %zu is no %s: see core(5)", i + 1,
           numbers[i].what);
  c.time = (int64_t)time;
  /* A longer one is no task's: what it begins with is good enough. */
  snprintf(c.name, sizeof c.name, "%s", words[CRASH_WORDS - 1]);
  *out = c;
  return OK;
}

void crash_find_program(struct crash *c) {
  char path[48];
  snprintf(path, sizeof path, "/proc/%llu/exe", (unsigned long long)c->pid);
  ssize_t n = readlink(path, c->program, sizeof c->program - 1);
  c->program[n > 0 && (size_t)n < sizeof c->program - 1 ? n : 0] = '\0';
}

void crash_write_members(const struct crash *c, struct buf *out) {
  write_i64(out, "time", c->time);
  write_str(out, "program", c->program);
  write_str(out, "name", c->name);
  write_i64(out, "pid", (int64_t)c->pid);
  write_i64(out, "thread", (int64_t)c->thread);
  write_i64(out, "uid", (int64_t)c->uid);
  write_i64(out, "gid", (int64_t)c->gid);
  write_i64(out, "signal", (int64_t)c->signal);
  write_i64(out, "size", (int64_t)c->size);
  write_bool(out, "truncated", c->truncated);
}

void crash_write(const struct crash *c, struct buf *out) {
  write_open(out, NULL, '{');
  crash_write_members(c, out);
  write_close(out, '}');
}

/* What does not fit is cut off: a program may lie as long as its path is, which must not hide it.
 */
static err_t read_text(json_t *o, const char *field, char *out, size_t size) {
  struct bytes text = { 0 };
  TRY(json_get_str(o, field, &text, NULL));
  snprintf(out, size, BYTES_FMT, BYTES_ARG(text));
  return OK;
}

static err_t read_number(json_t *o, const char *field, int64_t max, uint64_t *out) {
  int64_t n = 0;
  TRY(json_get_i64(o, field, &n, NULL));
  if (n < 0 || n > max)
    FAIL(ERR_BAD_PARAMETER, "%s is out of range", field);
  *out = (uint64_t)n;
  return OK;
}

err_t crash_read(struct bytes record, struct crash *out) {
  AUTO_JSON *o = NULL;
  struct crash c = { .limit = UINT64_MAX };
  uint64_t time = 0;
  TRY(json_read(record, &o));
  TRY(read_number(o, "time", INT64_MAX, &time));
  TRY(read_text(o, "program", c.program, sizeof c.program));
  TRY(read_text(o, "name", c.name, sizeof c.name));
  TRY(read_number(o, "pid", INT32_MAX, &c.pid));
  TRY(read_number(o, "thread", INT32_MAX, &c.thread));
  TRY(read_number(o, "uid", UINT32_MAX, &c.uid));
  TRY(read_number(o, "gid", UINT32_MAX, &c.gid));
  TRY(read_number(o, "signal", 1024, &c.signal));
  TRY(read_number(o, "size", INT64_MAX, &c.size));
  TRY(json_get_bool(o, "truncated", &c.truncated, NULL));
  c.time = (int64_t)time;
  *out = c;
  return OK;
}

const char *crash_signal(const struct crash *c, char text[static 24]) {
  const char *name = c->signal <= INT32_MAX ? sigabbrev_np((int)c->signal) : NULL;
  if (name)
    snprintf(text, 24, "SIG%s", name);
  else
    snprintf(text, 24, "signal %llu", (unsigned long long)c->signal);
  return text;
}
