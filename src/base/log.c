#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int level_now = LOG_LEVEL_INFO;
static const char *const level_names[] = { "error", "warn", "info", "debug" };

void log_set_level(enum log_level level) {
  atomic_store(&level_now, (int)level);
}

bool log_level_parse(const char *text, enum log_level *out) {
  for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++)
    if (strcmp(text, level_names[i]) == 0) {
      *out = (enum log_level)i;
      return true;
    }
  return false;
}

void log_line(enum log_level level, const char *area, const char *fmt, ...) {
  if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
    return;
  char line[1024], now[28];
  clock_format(clock_now_us(), now);
  int n = snprintf(line, sizeof line - 1, "%s %s %s: ", now, level_names[level], area);
  va_list ap;
  va_start(ap, fmt);
  int m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, ap);
  va_end(ap);
  size_t size = m < 0 ? (size_t)n : (size_t)n + (size_t)m;
  if (size > sizeof line - 2)
    size = sizeof line - 2;
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)line[i] < 0x20)
      line[i] = ' ';
  line[size++] = '\n';
  ssize_t w = write(STDERR_FILENO, line, size);
  (void)w; /* there is nowhere left to report it */
}

bool log_seldom(_Atomic uint64_t *last_us) {
  uint64_t now = clock_mono_us(), last = atomic_load(last_us);
  return (last == 0 || now - last >= 1000000) &&
         atomic_compare_exchange_strong(last_us, &last, now);
}

void log_err(const char *area, err_t e, const char *doing) {
  const struct err_last *l = err_last();
  if (l->code != e) {
    log_error(area, "%s: %s", doing, err_info(e)->name);
    return;
  }
  const char *file = strstr(l->file, "src/");
  log_error(area, "%s: %s: %s (%s:%d)", doing, err_info(e)->name, l->why[0] ? l->why : l->say,
            file ? file : l->file, l->line);
}
