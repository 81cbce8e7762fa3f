#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

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

void err_restore(const struct err_last *e) {
  last = *e;
}

void err_reset(void) {
  last = (struct err_last){ 0 };
}

const char *err_text(err_t e) {
  return last.code == e && last.say[0] != '\0' ? last.say : err_info(e)->text;
}

static void remember(err_t e, const char *file, int line) {
  last.code = e;
  last.file = file;
  last.line = line;
  last.status = 0;
  last.api_code[0] = last.why[0] = last.say[0] = '\0';
}

void err_answered(int status, const char *api_code, size_t size) {
  last.status = status;
  if (size >= sizeof last.api_code)
    size = sizeof last.api_code - 1;
  for (size_t i = 0; i < size; i++)
    last.api_code[i] = (char)(api_code[i] > ' ' && api_code[i] < 0x7f ? api_code[i] : '?');
  last.api_code[size] = '\0';
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
