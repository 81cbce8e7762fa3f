/* The services of `up` together: brought up, watched, told to stop. */
#ifndef CLI_UP_SUPERVISE_H
#define CLI_UP_SUPERVISE_H

#include "cli/up/service.h"

struct supervisor {
  struct service *services;
  size_t count;
  struct launch launch;
  int signals; /* a signalfd */
  bool stopping;
  uint64_t kill_at; /* while stopping: monotonic microseconds */
  int exit_code;
};
/* SIGINT, SIGTERM, SIGHUP and SIGCHLD come by the descriptor from now on. */
err_t supervisor_init(struct supervisor *s);
void supervisor_free(struct supervisor *s); /* ends what still runs */

/* Until all services are ready, or one has ended (exit_code is its status then), or a signal said
 * to stop. ERR_TIMEOUT (FAILed) after ten seconds. */
err_t supervisor_bring_up(struct supervisor *s);
/* Until a signal said to stop and all have ended, or one ended too often. */
err_t supervisor_watch(struct supervisor *s);

#endif
