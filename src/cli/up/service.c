#include "cli/up/service.h"

#include "base/clock.h"
#include "cli/environment.h"
#include "cli/out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_AGAIN 75 /* it asked to be started again: the vault was told to seal itself */
#define FIRST_DELAY_US 250000u

void service_free(struct service *s) {
  if (s->ready_fd >= 0)
    close(s->ready_fd);
  buf_free(&s->ready_text);
  json_decref(s->ready);
}

/* What the child is started with: made before the fork, because a child makes system calls only. */
struct start {
  char **argv, **envp;
  char ready_text[16], passphrase_text[16];
  int ready[2], passphrase;
};

static void start_free(struct start *s) {
  mem_free(s->argv);
  mem_free(s->envp);
  if (s->ready[0] >= 0)
    close(s->ready[0]);
  if (s->ready[1] >= 0)
    close(s->ready[1]);
}

static err_t make_words(const struct service *s, const struct launch *l, struct start *out) {
  size_t n = 0, words = 0;
  while (s->words[words])
    words++;
  if (!(out->argv = mem_zalloc((words + l->option_count + 7) * sizeof *out->argv)))
    return ERR_NOMEM;
  out->argv[n++] = "strongroom";
  for (size_t i = 0; i < words; i++)
    out->argv[n++] = (char *)s->words[i];
  snprintf(out->ready_text, sizeof out->ready_text, "%d", out->ready[1]);
  out->argv[n++] = "--init";
  out->argv[n++] = "--ready-fd";
  out->argv[n++] = out->ready_text;
  if (l->passphrase_fd >= 0) {
    snprintf(out->passphrase_text, sizeof out->passphrase_text, "%d", l->passphrase_fd);
    out->argv[n++] = "--passphrase-fd";
    out->argv[n++] = out->passphrase_text;
  }
  for (size_t i = 0; i < l->option_count; i++)
    out->argv[n++] = l->options[i];
  return OK;
}

static void keep_over_exec(int fd) {
  if (fd >= 0)
    fcntl(fd, F_SETFD, 0);
}

static void run_child(const struct start *s, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent ||
      dup2(nothing, STDIN_FILENO) < 0)
    _exit(1);
  keep_over_exec(s->ready[1]);
  keep_over_exec(s->passphrase);
  execve("/proc/self/exe", s->argv, s->envp);
  _exit(1);
}

err_t service_start(struct service *s, const struct launch *l) {
  __attribute__((cleanup(start_free))) struct start start = { .ready = { -1, -1 },
                                                              .passphrase = l->passphrase_fd };
  pid_t parent = getpid();
  if (pipe2(start.ready, O_CLOEXEC) != 0)
    FAIL(ERR_IO, "cannot make a pipe: %s", strerror(errno));
  TRY(environment_copy(0, &start.envp, NULL));
  TRY(make_words(s, l, &start));
  pid_t pid = fork();
  if (pid < 0)
    FAIL(ERR_IO, "cannot start %s: %s", s->name, strerror(errno));
  if (pid == 0)
    run_child(&start, parent);
  buf_clear(&s->ready_text);
  s->pid = pid;
  s->state = SERVICE_STARTING;
  s->ready_fd = start.ready[0];
  start.ready[0] = -1;
  return OK;
}

static void hang_up(struct service *s) {
  if (s->ready_fd >= 0)
    close(s->ready_fd);
  s->ready_fd = -1;
}

err_t service_hear(struct service *s) {
  if (!buf_reserve(&s->ready_text, 1024))
    return ERR_NOMEM;
  ssize_t n = read(s->ready_fd, s->ready_text.data + s->ready_text.size, 1024);
  if (n < 0 && errno == EINTR)
    return OK;
  if (n > 0)
    s->ready_text.size += (size_t)n;
  bool whole = n > 0 && s->ready_text.data[s->ready_text.size - 1] == '\n';
  if (n <= 0 || whole)
    hang_up(s); /* without a line, its end tells the rest */
  if (!whole)
    return OK;
  json_decref(TAKE(s->ready));
  TRY(json_read(buf_bytes(&s->ready_text), &s->ready));
  s->state = SERVICE_READY;
  s->since = clock_now();
  return OK;
}

static void tell_end(const struct service *s, int status) {
  if (WIFSIGNALED(status))
    out_note("up: %s was ended by signal %d", s->name, WTERMSIG(status));
  else
    out_note("up: %s ended with status %d", s->name, WEXITSTATUS(status));
}

void service_died(struct service *s, int status, bool *give_up) {
  uint64_t now = clock_mono_us();
  hang_up(s);
  s->pid = 0;
  s->state = SERVICE_WAITING;
  s->start_at = now;
  *give_up = false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AGAIN)
    return;
  tell_end(s, status);
  uint64_t *oldest = &s->deaths[s->death_count % DEATHS_MAX];
  if (s->death_count >= DEATHS_MAX && now - *oldest < DEATHS_SECONDS * 1000000ull) {
    out_note("up: that was too often; giving up");
    s->state = SERVICE_ENDED;
    *give_up = true;
    return;
  }
  *oldest = now;
  unsigned recent = 0;
  for (unsigned i = 0; i < DEATHS_MAX && i < s->death_count; i++)
    recent += now - s->deaths[i] < DEATHS_SECONDS * 1000000ull && &s->deaths[i] != oldest;
  s->death_count++;
  s->start_at = now + ((uint64_t)FIRST_DELAY_US << recent);
}
