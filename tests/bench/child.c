#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(const char *const *argv, const char *log, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int err = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : STDERR_FILENO;
  if (err < 0 || (log && dup2(err, STDERR_FILENO) < 0))
    _exit(126);
  if (out == CHILD_OUT)
    fcntl(out, F_SETFD, 0);
  else if (dup2(out, CHILD_OUT) < 0)
    _exit(126);
  execv(argv[0], (char *const *)argv);
  _exit(127);
}

err_t child_start(const char *const *argv, const char *log, struct child *out) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    FAIL(ERR_IO, "pipe: %s", strerror(errno));
  pid_t pid = fork();
  if (pid == 0)
    become(argv, log, ends[1]);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    FAIL(ERR_IO, "fork: %s", strerror(errno));
  }
  *out = (struct child){ pid, ends[0] };
  return OK;
}

err_t child_line(struct child *c, unsigned timeout_ms, struct buf *line) {
  struct pollfd p = { .fd = c->out, .events = POLLIN };
  char ch = '\0';
  for (;;) {
    int n = poll(&p, 1, (int)timeout_ms);
    if (n == 0)
      FAIL(ERR_TIMEOUT, "the program said nothing for %u ms", timeout_ms);
    if (n < 0 || read(c->out, &ch, 1) != 1)
      FAIL(ERR_IO, "the program ended without a word");
    if (ch == '\n')
      return buf_ok(line);
    buf_put_char(line, ch);
  }
}

static void forget(struct child *c) {
  close(c->out);
  *c = (struct child){ 0 };
}

err_t child_stop(struct child *c, int sig) {
  int status;
  if (sig)
    kill(c->pid, sig);
  pid_t ended = waitpid(c->pid, &status, 0);
  forget(c);
  if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    FAIL(ERR_IO, "a program did not end as it should");
  return OK;
}

void child_kill(struct child *c) {
  if (c->pid == 0)
    return;
  kill(c->pid, SIGKILL);
  waitpid(c->pid, NULL, 0);
  forget(c);
}
