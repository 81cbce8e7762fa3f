/*
 * One service as `up` runs it: a child process of this same program, which writes one JSON line to
 * a descriptor when it serves. A service that ends without having been told to is started again,
 * later each time; too often in a minute is too often.
 *
 * A child gets the signal SIGTERM when its parent dies, an environment without anybody's secrets,
 * and no stdin. One thread.
 */
#ifndef CLI_UP_SERVICE_H
#define CLI_UP_SERVICE_H

#include "base/json.h"

#include <sys/types.h>

enum service_state {
  SERVICE_WAITING,  /* not running: to be started at start_at */
  SERVICE_STARTING, /* running, not ready yet */
  SERVICE_READY,
  SERVICE_ENDED /* not running, and not to be started */
};

#define DEATHS_MAX 5 /* in DEATHS_SECONDS */
#define DEATHS_SECONDS 60

struct service {
  const char *name;
  const char *const *words; /* its verb; ends with NULL */
  enum service_state state;
  pid_t pid;
  int ready_fd;          /* while starting */
  struct buf ready_text; /* what came from it */
  json_t *ready;         /* the last ready line */
  int64_t since;         /* Unix seconds: ready */
  uint64_t start_at;     /* monotonic microseconds */
  uint64_t deaths[DEATHS_MAX];
  unsigned death_count; /* in all */
};
void service_free(struct service *s);

struct launch {
  char *const *options; /* passed on to every service */
  size_t option_count;
  int passphrase_fd; /* -1: none; read by the first start only */
};
err_t service_start(struct service *s, const struct launch *l);

/* Reads what the ready descriptor has; the state is SERVICE_READY once the line is whole. */
err_t service_hear(struct service *s);

/* The process has ended with this wait status. It is put off to be started again; *give_up is true
 * instead when that happened too often. */
void service_died(struct service *s, int status, bool *give_up);

#endif
