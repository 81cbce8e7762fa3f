/*
 * What a process that holds keys owes them: no core dumps, no ptrace by the same user, locked
 * memory, no new privileges; and a sandbox for its steady state. Failure to protect is an error,
 * not a warning, except where the system has no such thing.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/err.h"

#include <signal.h>

/* First thing in main(): descriptors 0 to 2 are open, umask 077, no core files, not dumpable, no
 * new privileges, as many open files as are allowed, SIGPIPE ignored. */
err_t process_harden(void);

/* How many CPUs this process may run on. */
unsigned process_cores(void);
/* How many files may be open at once. */
unsigned process_file_limit(void);
/* How many bytes may be locked: the soft limit is raised to the hard one; SIZE_MAX without a limit.
 */
size_t process_lock_limit(void);

/*
 * For a service that has to wait before it serves. From begin to end SIGTERM and SIGINT end the
 * process at once with status 0, as they do later when they are asked for, also where they are
 * blocked: whatever this thread waits for. What is done in between may be cut off anywhere, and all
 * other threads block these signals. Those that are ignored stay so.
 */
struct process_stoppable {
  struct sigaction before[2];
  sigset_t mask;
};
void process_stoppable_begin(struct process_stoppable *s);
void process_stoppable_end(struct process_stoppable *s);
#define PROCESS_STOPPABLE \
  __attribute__((cleanup(process_stoppable_end), unused)) struct process_stoppable stoppable_; \
  process_stoppable_begin(&stoppable_)

/*
 * From now on: files beneath dirs only (Landlock; paths that do not exist are skipped) and the
 * system calls that a server needs (seccomp: others fail with EPERM, dangerous ones end the
 * process). *landlock false where the kernel has none.
 */
enum process_access { PROCESS_WRITE, PROCESS_READ, PROCESS_REMOVE /* files, and nothing else */ };
struct process_dir {
  const char *path;
  enum process_access access;
};
enum process_reach {
  PROCESS_LISTENS, /* it connects to nobody */
  PROCESS_DIALS,   /* it may, over TCP and UDP */
  PROCESS_RESOLVES /* and to Unix sockets, asks the system's resolver for names, and may splice */
};
err_t process_sandbox(const struct process_dir *dirs, size_t count, enum process_reach reach,
                      bool *landlock);

#endif
