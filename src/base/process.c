#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void raise_limit(int which) {
  struct rlimit l;
  if (getrlimit(which, &l) == 0 && l.rlim_cur != l.rlim_max) {
    l.rlim_cur = l.rlim_max;
    setrlimit(which, &l); /* as many as there may be; fewer is no error */
  }
}

/* What is opened next must not become one of these three: a program that the kernel starts has only
 * the first. What was closed stays unusable: nothing is read from it, and no output gets lost. */
static err_t open_standard(void) {
  static const int modes[] = { O_WRONLY, O_RDONLY, O_RDWR };
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
      FAIL(ERR_CONFIG, "cannot open /dev/null: %s", strerror(errno));
  return OK;
}

err_t process_harden(void) {
  const struct rlimit none = { 0, 0 };
  TRY(open_standard());
  umask(077);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file that becomes too large is an error like others */
  raise_limit(RLIMIT_NOFILE);
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    FAIL(ERR_CONFIG, "cannot protect the process's memory: %s", strerror(errno));
  return OK;
}

unsigned process_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

unsigned process_file_limit(void) {
  struct rlimit l;
  bool known = getrlimit(RLIMIT_NOFILE, &l) == 0;
  return known && l.rlim_cur < UINT_MAX ? (unsigned)l.rlim_cur : UINT_MAX;
}

size_t process_lock_limit(void) {
  struct rlimit l;
  raise_limit(RLIMIT_MEMLOCK);
  if (getrlimit(RLIMIT_MEMLOCK, &l) != 0)
    return 0;
  return l.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)l.rlim_cur;
}

/* --- waiting --- */

static const int stops[] = { SIGTERM, SIGINT };
#define STOPS (sizeof stops / sizeof *stops)

static void stop_at_once(int number) {
  (void)number;
  _exit(0);
}

void process_stoppable_begin(struct process_stoppable *s) {
  const struct sigaction stop = { .sa_handler = stop_at_once };
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < STOPS; i++) {
    sigaddset(&set, stops[i]);
    if (sigaction(stops[i], NULL, &s->before[i]) == 0 && s->before[i].sa_handler != SIG_IGN)
      sigaction(stops[i], &stop, NULL);
  }
  pthread_sigmask(SIG_UNBLOCK, &set, &s->mask);
}

void process_stoppable_end(struct process_stoppable *s) {
  pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
  for (size_t i = 0; i < STOPS; i++)
    sigaction(stops[i], &s->before[i], NULL);
}
