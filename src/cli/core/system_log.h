/*
 * The system's log, for a program that the kernel starts and whose stderr nobody reads: syslog(3)
 * where somebody listens, else the kernel's own log. Texts are for administrators: what a crashed
 * program chose is shown without its control characters. One thread.
 */
#ifndef CLI_CORE_SYSTEM_LOG_H
#define CLI_CORE_SYSTEM_LOG_H

/* level as in syslog(3): LOG_ERR, LOG_WARNING, LOG_NOTICE. */
void system_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
