/*
 * One crash: what the kernel says of it on the command line of 'core take', what was found out
 * besides, and the record in which it is kept. The names in it were chosen by the program that
 * crashed: they are data to show, never part of a path or of a command.
 */
#ifndef CLI_CORE_CRASH_H
#define CLI_CORE_CRASH_H

#include "base/bytes.h"

#define CRASH_NAME_MAX 64 /* a task's name has at most 15 bytes */
#define CRASH_PROGRAM_MAX 4096

/* kernel.core_pattern's fields (core(5)), in the order of crash_parse()'s words: PID and thread in
 * the first PID namespace, user, group, signal, Unix time, RLIMIT_CORE, the task's name. */
#define CRASH_PATTERN "%P %I %u %g %s %t %c %e"
#define CRASH_WORDS 8

struct crash {
  uint64_t pid, thread, uid, gid, signal;
  int64_t time;                    /* Unix seconds */
  uint64_t limit;                  /* UINT64_MAX: none */
  char name[CRASH_NAME_MAX];       /* may be empty */
  char program[CRASH_PROGRAM_MAX]; /* the executable's path; "" when not known */
  uint64_t size;                   /* bytes of the core that were kept */
  bool truncated;                  /* it had more */
};
/* ERR_BAD_PARAMETER (FAILed) for what the kernel never writes. */
err_t crash_parse(const char *const words[static CRASH_WORDS], struct crash *out);
/* The path of the executable, while the kernel still holds the process for us. */
void crash_find_program(struct crash *c);

/* The record: a JSON document, appended; and read again: ERR_BAD_PARAMETER. */
void crash_write(const struct crash *c, struct buf *out);
void crash_write_members(const struct crash *c, struct buf *out); /* into an open object */
err_t crash_read(struct bytes record, struct crash *out);

/* "SIGSEGV", or "signal 77". */
const char *crash_signal(const struct crash *c, char text[static 24]);

#endif
