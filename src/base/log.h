/*
 * The log: one line an event on stderr, "time level area: text". It holds no names of keys, no
 * values, no secrets: what was asked of the vault is in the audit log. Any thread; a line is one
 * write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level); /* LOG_LEVEL_INFO at the start */
bool log_level_parse(const char *text, enum log_level *out);

void log_line(enum log_level level, const char *area, const char *fmt, ...)
  __attribute__((format(printf, 3, 4)));
/* True once a second for each *last_us, which is 0 at the start: for lines that clients could make
 * the log print without end. */
bool log_seldom(_Atomic uint64_t *last_us);
/* The details of this thread's last error, with what was being done. */
void log_err(const char *area, err_t e, const char *doing);

#define log_error(area, ...) log_line(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...) log_line(LOG_LEVEL_WARN, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_line(LOG_LEVEL_DEBUG, area, __VA_ARGS__)

#endif
