#include "lib/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static sigset_t only_pipe(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

struct quiet quiet_begin(void) {
  struct quiet q;
  sigset_t pipe = only_pipe(), pending;
  q.pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, &q.before);
  return q;
}

void quiet_end(struct quiet *q) {
  int error = errno;
  sigset_t pipe = only_pipe();
  const struct timespec now = { 0, 0 };
  if (!q->pending)
    while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
      continue;
  pthread_sigmask(SIG_SETMASK, &q->before, NULL);
  errno = error;
}
