#include "transit/vpn/charon.h"

#include "base/clock.h"
#include "base/file.h"
#include "transit/vpn/guard.h"
#include "transit/vpn/vici.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/sbin/charon-systemd"
#define READY_US 10000000u
#define STOP_MS 10000

void charon_socket(const struct site *s, char out[static 108]) {
  snprintf(out, 108, "%s/vici", s->state);
}

static void conf_path(const struct site *s, char out[static 128]) {
  snprintf(out, 128, "%s/strongswan.conf", s->state);
}

void charon_put_conf(const struct site *s, bool user, struct buf *out) {
  char socket[108];
  charon_socket(s, socket);
  buf_printf(out,
             "# Written by 'strongroom vpn up' at each start.\n"
             "charon-systemd {\n"
             "  load_modular = no\n"
             "  load = pem kdf hmac sha1 sha2 aes gcm pkcs1 pkcs8 x509 pubkey openssl random "
             "nonce %skernel-netlink socket-default vici revocation constraints\n"
             "  make_before_break = yes\n"
             "  close_ike_on_child_failure = yes\n"
             "  routing_table = %d\n"
             "  routing_table_prio = %d\n"
             "  retransmit_tries = 4\n"
             "  retransmit_timeout = 2.0\n"
             "  retransmit_base = 1.6\n",
             user ? "kernel-libipsec " : "", GUARD_TUNNEL_TABLE, GUARD_TUNNEL_RANK);
  buf_printf(out,
             "  journal {\n"
             "    default = -1\n"
             "  }\n"
             "  filelog {\n"
             "    stderr {\n"
             "      default = %u\n"
             "      cfg = %u\n" /* why a certificate is not taken */
             "      ike_name = yes\n"
             "      flush_line = yes\n"
             "    }\n"
             "  }\n"
             "  plugins {\n"
             "    vici {\n"
             "      socket = unix://%s\n"
             "    }\n"
             "    revocation {\n"
             "      enable_ocsp = no\n"
             "    }\n"
             "  }\n"
             "}\n",
             s->log_level, s->log_level ? s->log_level : 1, socket);
}

static err_t write_conf(const struct site *s, bool user) {
  AUTO_BUF text = BUF_EMPTY;
  char path[128];
  conf_path(s, path);
  charon_put_conf(s, user, &text);
  TRY(buf_ok(&text));
  return file_write_private(path, buf_bytes(&text));
}

/* System calls only. It leads a process group of its own: Ctrl-C is for us. */
static void run_child(char *const envp[], pid_t parent) {
  char *const argv[] = { PROGRAM, NULL };
  sigset_t none;
  signal(SIGPIPE, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && setpgid(0, 0) == 0 &&
      nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
    execve(PROGRAM, argv, envp);
  _exit(127);
}

err_t charon_start(const struct site *s, bool user, pid_t *pid) {
  char conf[128], variable[160], socket[108];
  char *const envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", variable, NULL };
  pid_t parent = getpid();
  TRY(write_conf(s, user));
  conf_path(s, conf);
  snprintf(variable, sizeof variable, "STRONGSWAN_CONF=%s", conf);
  charon_socket(s, socket);
  unlink(socket); /* of one that was killed */
  pid_t child = fork();
  if (child < 0)
    FAIL(ERR_IO, "cannot start strongSwan: %s", strerror(errno));
  if (child == 0)
    run_child(envp, parent);
  *pid = child;
  return OK;
}

static bool has_ended(pid_t pid) {
  siginfo_t info = { 0 };
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

err_t charon_wait(const struct site *s, pid_t pid) {
  uint64_t deadline = clock_mono_us() + READY_US;
  char path[108];
  charon_socket(s, path);
  for (;;) {
    AUTO(vici) struct vici *v = NULL;
    if (vici_open(path, &v) == OK && vici_call(v, "version", NULL, NULL) == OK)
      return OK;
    if (has_ended(pid))
      FAIL(ERR_CONFLICT, "strongSwan ended at its start: its log says why");
    if (clock_mono_us() >= deadline)
      FAIL(ERR_TIMEOUT, "strongSwan was not ready in %u seconds", READY_US / 1000000);
    poll(NULL, 0, 20);
  }
}

bool charon_ended(pid_t pid, int wait_ms, int *status) {
  AUTO_FD fd = pidfd_open(pid, 0);
  struct pollfd wait = { fd, POLLIN, 0 };
  while (poll(&wait, 1, wait_ms) < 0 && errno == EINTR)
    ;
  return waitpid(pid, status, WNOHANG) == pid;
}

void charon_stop(pid_t pid) {
  int status;
  kill(pid, SIGTERM);
  if (charon_ended(pid, STOP_MS, &status))
    return;
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}
