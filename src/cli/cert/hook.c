#include "cli/cert/hook.h"

#include "base/bytes.h"
#include "base/file.h"
#include "cli/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOOK_SECONDS 60

err_t hook_check(const char *program) {
  struct stat s;
  if (stat(program, &s) != 0)
    FAIL(ERR_USAGE, "--hook: cannot run %s: %s", program, strerror(errno));
  if (!S_ISREG(s.st_mode) || access(program, X_OK) != 0)
    FAIL(ERR_USAGE, "--hook: %s is not a program that may be run (a path; no arguments)", program);
  return OK;
}

/* System calls only: the process is a copy of one that holds secrets until it is another. */
static void run_child(const char *program, char **envp) {
  char *const argv[] = { (char *)program, NULL };
  sigset_t none;
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
    execve(program, argv, envp);
  _exit(127);
}

static err_t wait_for(pid_t pid, const char *program) {
  AUTO_FD fd = pidfd_open(pid, 0);
  struct pollfd wait = { fd, POLLIN, 0 };
  int status, ready = -1;
  while (fd >= 0 && (ready = poll(&wait, 1, HOOK_SECONDS * 1000)) < 0 && errno == EINTR)
    ;
  if (ready == 0)
    kill(pid, SIGKILL);
  if (waitpid(pid, &status, 0) != pid)
    FAIL(ERR_INTERNAL, "the hook %s was lost: %s", program, strerror(errno));
  if (ready == 0)
    FAIL(ERR_INTERNAL, "the hook %s did not end within %d s and was killed", program, HOOK_SECONDS);
  if (WIFSIGNALED(status))
    FAIL(ERR_INTERNAL, "the hook %s was ended by signal %d", program, WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    FAIL(ERR_INTERNAL, "the hook %s ended with status %d", program, WEXITSTATUS(status));
  return OK;
}

err_t hook_run(const char *program, const char *dir, const char *name) {
  AUTO_BUF dir_text = BUF_EMPTY, name_text = BUF_EMPTY;
  AUTO_FREE char **envp = NULL;
  size_t count;
  char *absolute = realpath(dir, NULL);
  buf_printf(&dir_text, "STRONGROOM_CERT_DIR=%s", absolute ? absolute : dir);
  free(absolute);
  buf_printf(&name_text, "STRONGROOM_CERT_NAME=%s", name);
  if (!buf_cstr(&dir_text) || !buf_cstr(&name_text))
    return ERR_NOMEM;
  TRY(environment_copy(2, &envp, &count));
  envp[count++] = (char *)dir_text.data;
  envp[count] = (char *)name_text.data;
  pid_t pid = fork();
  if (pid < 0)
    FAIL(ERR_INTERNAL, "cannot start the hook %s: %s", program, strerror(errno));
  if (pid == 0)
    run_child(program, envp);
  return wait_for(pid, program);
}
