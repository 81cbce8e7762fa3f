/*
 * What a process that holds keys owes them: no core dumps, no ptrace by the same user, locked
 * memory, no new privileges; and a sandbox for its steady state. Failure to protect is an error,
 * not a warning, except where the system has no such thing.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/err.h"

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
