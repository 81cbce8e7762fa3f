#include "cli/up/supervise.h"

#include "base/clock.h"
#include "cli/out.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_US 10000000u
#define SERVICES_MAX 8
#define STOP_US 15000000u /* a vault cuts its connections off after 5 seconds */

err_t supervisor_init(struct supervisor *s) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
      (s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
    FAIL(ERR_IO, "cannot listen to signals: %s", strerror(errno));
  return OK;
}

static void signal_all(const struct supervisor *s, int number) {
  for (size_t i = 0; i < s->count; i++)
    if (s->services[i].pid > 0)
      kill(s->services[i].pid, number);
}

void supervisor_free(struct supervisor *s) {
  signal_all(s, SIGTERM);
  for (size_t i = 0; i < s->count; i++) {
    if (s->services[i].pid > 0)
      waitpid(s->services[i].pid, NULL, 0);
    service_free(&s->services[i]);
  }
  if (s->signals >= 0)
    close(s->signals);
}

static void stop(struct supervisor *s) {
  signal_all(s, s->stopping ? SIGKILL : SIGTERM);
  s->stopping = true;
  s->kill_at = clock_mono_us() + STOP_US;
  for (size_t i = 0; i < s->count; i++)
    if (s->services[i].state == SERVICE_WAITING)
      s->services[i].state = SERVICE_ENDED;
}

static struct service *find(struct supervisor *s, pid_t pid) {
  for (size_t i = 0; i < s->count; i++)
    if (s->services[i].pid == pid)
      return &s->services[i];
  return NULL;
}

/* Before all are up, an end is final: what is wrong at the first start is wrong at the second. */
static void bury(struct supervisor *s, struct service *service, int status, bool first) {
  bool give_up = false;
  if (!s->stopping && !first) {
    service_died(service, status, &give_up);
    if (give_up)
      s->exit_code = 1;
  } else {
    service->pid = 0;
    service->state = SERVICE_ENDED;
    if (!s->stopping)
      s->exit_code = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
  }
  if (give_up || (first && !s->stopping))
    stop(s);
}

static void reap(struct supervisor *s, bool first) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    struct service *service = find(s, pid);
    if (service)
      bury(s, service, status, first);
  }
}

static void take_signals(struct supervisor *s, bool first) {
  struct signalfd_siginfo info;
  while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGCHLD)
      reap(s, first);
    else if (info.ssi_signo == SIGHUP)
      signal_all(s, SIGHUP);
    else
      stop(s);
  }
}

static err_t start_due(struct supervisor *s) {
  if (s->stopping && clock_mono_us() >= s->kill_at) {
    out_note("up: not everything stopped in %u seconds: it is ended now", STOP_US / 1000000);
    s->exit_code = 1;
    stop(s);
  }
  for (size_t i = 0; i < s->count; i++) {
    struct service *service = &s->services[i];
    if (service->state == SERVICE_WAITING && clock_mono_us() >= service->start_at)
      TRY(service_start(service, &s->launch));
  }
  return OK;
}

/* Milliseconds until something is due; -1: nothing is. */
static int next_due(const struct supervisor *s, uint64_t deadline) {
  uint64_t now = clock_mono_us(), due = deadline;
  if (s->stopping && s->kill_at < due)
    due = s->kill_at;
  for (size_t i = 0; i < s->count; i++)
    if (s->services[i].state == SERVICE_WAITING && s->services[i].start_at < due)
      due = s->services[i].start_at;
  if (due == UINT64_MAX)
    return -1;
  return due <= now ? 0 : (int)((due - now) / 1000 + 1);
}

/* Waits for one thing to happen and sees to it. */
static err_t step(struct supervisor *s, bool first, uint64_t deadline) {
  struct pollfd fds[SERVICES_MAX + 1] = { { s->signals, POLLIN, 0 } };
  for (size_t i = 0; i < s->count; i++)
    fds[i + 1] = (struct pollfd){ s->services[i].ready_fd, POLLIN, 0 };
  if (poll(fds, (nfds_t)s->count + 1, next_due(s, deadline)) < 0)
    return OK; /* interrupted */
  for (size_t i = 0; i < s->count; i++) {
    struct service *service = &s->services[i];
    if (!fds[i + 1].revents || service->ready_fd < 0)
      continue;
    TRY(service_hear(service));
    if (service->state == SERVICE_READY && !first)
      out_note("up: %s serves again", service->name);
  }
  if (fds[0].revents)
    take_signals(s, first);
  return start_due(s);
}

static bool all_in(const struct supervisor *s, enum service_state state) {
  for (size_t i = 0; i < s->count; i++)
    if (s->services[i].state != state)
      return false;
  return true;
}

err_t supervisor_bring_up(struct supervisor *s) {
  uint64_t deadline = clock_mono_us() + READY_US;
  TRY(start_due(s));
  s->launch.passphrase_fd = -1; /* it was for the first start */
  while (!s->stopping && !all_in(s, SERVICE_READY)) {
    if (clock_mono_us() >= deadline)
      FAIL(ERR_TIMEOUT, "the services were not ready in %u seconds", READY_US / 1000000);
    TRY(step(s, true, deadline));
  }
  return OK;
}

err_t supervisor_watch(struct supervisor *s) {
  while (!all_in(s, SERVICE_ENDED))
    TRY(step(s, false, UINT64_MAX));
  return OK;
}
