/*
 * The system's log, for a program that the kernel starts and whose stderr nobody reads: /dev/log
 * where somebody listens, else the kernel's own log. Opened before there is a sandbox, which lets
 * nothing connect. Texts are for administrators: what a crashed
 * program chose is shown without its control characters. One thread.
 */
#ifndef CLI_CORE_SYSTEM_LOG_H
#define CLI_CORE_SYSTEM_LOG_H

#include <syslog.h>

void system_log_open(void);
/* level as in syslog(3): LOG_ERR, LOG_WARNING, LOG_NOTICE. */
void system_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
