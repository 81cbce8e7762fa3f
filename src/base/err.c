#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_info table[ERR_COUNT] = { [OK] = { "OK", 200, "OK", NULL, "" },
#define X(name, status, code, inner, text) [name] = { #name, status, code, inner, text },
                                                  ERR_TABLE(X)
#undef X
};

static _Thread_local struct err_last last;

const struct err_info *err_info(err_t e) {
  return &table[(unsigned)e < ERR_COUNT ? e : ERR_INTERNAL];
}

const struct err_last *err_last(void) {
  return &last;
}

void err_note_answer(int status, const char *code, size_t size) {
  last.status = status;
  size_t n = size < sizeof last.answer ? size : sizeof last.answer - 1;
  if (n)
    memcpy(last.answer, code, n);
  last.answer[n] = '\0';
}

void err_restore(const struct err_last *e) {
  last = *e;
}

void err_reset(void) {
  last = (struct err_last){ 0 };
}

const char *err_text(err_t e) {
  return last.code == e && last.say[0] != '\0' ? last.say : err_info(e)->text;
}

const char *err_reason(err_t e) {
  bool ours = last.code == e;
  return ours && *last.say ? last.say : ours && *last.why ? last.why : err_info(e)->text;
}

static void remember(err_t e, const char *file, int line) {
  last.code = e;
  last.file = file;
  last.line = line;
  last.why[0] = last.say[0] = last.answer[0] = '\0';
  last.status = 0;
}

err_t err_fail(err_t e, const char *file, int line, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  remember(e, file, line);
  vsnprintf(last.why, sizeof last.why, fmt, ap);
  va_end(ap);
  return e;
}

err_t err_refuse(err_t e, const char *file, int line, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  remember(e, file, line);
  vsnprintf(last.say, sizeof last.say, fmt, ap);
  va_end(ap);
  return e;
}
