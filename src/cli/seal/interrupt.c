#include "cli/seal/interrupt.h"

#include "cli/seal/output.h"
#include "cli/verb.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

struct watch {
  sigset_t set;
  struct progress progress; /* a copy: it outlives the job */
};

static void *wait_for_signal(void *ctx) {
  struct watch *w = ctx;
  int number;
  while (sigwait(&w->set, &number) != 0)
    ;
  bool kept = outputs_abandon();
  err_t e = err_fail(ERR_INTERRUPTED, __FILE__, __LINE__, "%s",
                     kept ? "interrupted: the same with --resume goes on with what was done"
                          : "interrupted: nothing that is not complete was left");
  progress_interrupted(&w->progress, e);
  _exit(exit_code_of(e));
}

err_t interrupt_catch(const struct progress *p) {
  static struct watch w; /* for a thread that never ends */
  pthread_t thread;
  w.progress = *p;
  sigemptyset(&w.set);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction now;
    if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
      sigaddset(&w.set, signals[i]);
  }
  if (pthread_sigmask(SIG_BLOCK, &w.set, NULL) != 0 ||
      pthread_create(&thread, NULL, wait_for_signal, &w) != 0)
    FAIL(ERR_INTERNAL, "cannot wait for signals");
  pthread_detach(thread);
  return OK;
}
