/*
 * The sandbox of a server in its steady state. What is not on the list of system calls fails with
 * EPERM; the few that only an attacker would make here end the process. File access is limited by
 * Landlock where the kernel has it.
 */
#include "base/process.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By what a multi-threaded TLS server with a SQLite store and a log does. */
static const int allowed[] = {
  /* sockets and waiting */
  SCMP_SYS(bind),
  SCMP_SYS(listen),
  SCMP_SYS(epoll_create1),
  SCMP_SYS(accept4),
  SCMP_SYS(recvfrom),
  SCMP_SYS(shutdown),
  SCMP_SYS(getsockname),
  SCMP_SYS(setsockopt),
  SCMP_SYS(getsockopt),
  SCMP_SYS(epoll_wait),
  SCMP_SYS(epoll_pwait),
  SCMP_SYS(epoll_ctl),
  SCMP_SYS(poll),
  SCMP_SYS(ppoll),
  SCMP_SYS(eventfd2),
  /* files */
  SCMP_SYS(read),
  SCMP_SYS(write),
  SCMP_SYS(readv),
  SCMP_SYS(writev),
  SCMP_SYS(pread64),
  SCMP_SYS(pwrite64),
  SCMP_SYS(pwritev),
  SCMP_SYS(openat),
  SCMP_SYS(open),
  SCMP_SYS(close),
  SCMP_SYS(lseek),
  SCMP_SYS(fsync),
  SCMP_SYS(fdatasync),
  SCMP_SYS(ftruncate),
  SCMP_SYS(fallocate),
  SCMP_SYS(stat),
  SCMP_SYS(lstat),
  SCMP_SYS(fstat),
  SCMP_SYS(newfstatat),
  SCMP_SYS(statx),
  SCMP_SYS(access),
  SCMP_SYS(faccessat),
  SCMP_SYS(faccessat2),
  SCMP_SYS(rename),
  SCMP_SYS(renameat),
  SCMP_SYS(renameat2),
  SCMP_SYS(link),
  SCMP_SYS(linkat),
  SCMP_SYS(unlink),
  SCMP_SYS(unlinkat),
  SCMP_SYS(mkdir),
  SCMP_SYS(mkdirat),
  SCMP_SYS(getdents64),
  SCMP_SYS(fchmod),
  SCMP_SYS(fchown),
  SCMP_SYS(fcntl),
  SCMP_SYS(flock),
  SCMP_SYS(getcwd),
  SCMP_SYS(readlink),
  SCMP_SYS(readlinkat),
  SCMP_SYS(pipe2),
  SCMP_SYS(dup),
  SCMP_SYS(dup3),
  SCMP_SYS(umask),
  /* memory */
  SCMP_SYS(munmap),
  SCMP_SYS(mremap),
  SCMP_SYS(madvise),
  SCMP_SYS(brk),
  SCMP_SYS(mlock),
  SCMP_SYS(mlock2),
  SCMP_SYS(munlock),
  /* threads, signals, time */
  SCMP_SYS(clone),
  SCMP_SYS(clone3),
  SCMP_SYS(futex),
  SCMP_SYS(set_robust_list),
  SCMP_SYS(rseq),
  SCMP_SYS(exit),
  SCMP_SYS(exit_group),
  SCMP_SYS(gettid),
  SCMP_SYS(getpid),
  SCMP_SYS(rt_sigaction),
  SCMP_SYS(rt_sigprocmask),
  SCMP_SYS(rt_sigreturn),
  SCMP_SYS(rt_sigtimedwait),
  SCMP_SYS(sigaltstack),
  SCMP_SYS(restart_syscall),
  SCMP_SYS(setpriority),
  SCMP_SYS(getpriority),
  SCMP_SYS(sched_yield),
  SCMP_SYS(sched_getaffinity),
  SCMP_SYS(clock_gettime),
  SCMP_SYS(clock_getres),
  SCMP_SYS(clock_nanosleep),
  SCMP_SYS(nanosleep),
  SCMP_SYS(gettimeofday),
  SCMP_SYS(time),
  SCMP_SYS(getrandom),
  SCMP_SYS(getuid),
  SCMP_SYS(geteuid),
  SCMP_SYS(getgid),
  SCMP_SYS(getegid),
  SCMP_SYS(getrusage),
  SCMP_SYS(uname),
  SCMP_SYS(sysinfo),
  SCMP_SYS(membarrier),
};

static const int deadly[] = {
  SCMP_SYS(execve),
  SCMP_SYS(execveat),
  SCMP_SYS(ptrace),
  SCMP_SYS(process_vm_readv),
  SCMP_SYS(process_vm_writev),
  SCMP_SYS(bpf),
  SCMP_SYS(init_module),
  SCMP_SYS(finit_module),
  SCMP_SYS(kexec_load),
  SCMP_SYS(mount),
  SCMP_SYS(userfaultfd),
};

/* Allowed when these arguments are so. Nothing sends to an address, which can connect (TCP fast
 * open); no new code; no signals to others; not dumpable again. */
struct rule {
  int call;
  unsigned count;
  struct scmp_arg_cmp when[3];
};

static int add_rules(scmp_filter_ctx f) {
  const scmp_datum_t self = (scmp_datum_t)getpid(), tcp = SOCK_STREAM, type = 0xf;
  const struct rule rules[] = {
    { SCMP_SYS(socket),
      3,
      { SCMP_A0(SCMP_CMP_EQ, AF_INET, 0), SCMP_A1(SCMP_CMP_MASKED_EQ, type, tcp),
        SCMP_A2(SCMP_CMP_EQ, 0, 0) } },
    { SCMP_SYS(socket),
      3,
      { SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0), SCMP_A1(SCMP_CMP_MASKED_EQ, type, tcp),
        SCMP_A2(SCMP_CMP_EQ, 0, 0) } },
    { SCMP_SYS(sendto), 1, { SCMP_A4(SCMP_CMP_EQ, 0, 0) } },
    { SCMP_SYS(mmap), 1, { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) } },
    { SCMP_SYS(mprotect), 1, { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) } },
    { SCMP_SYS(kill), 1, { SCMP_A0(SCMP_CMP_EQ, self, 0) } },
    { SCMP_SYS(tgkill), 1, { SCMP_A0(SCMP_CMP_EQ, self, 0) } },
    { SCMP_SYS(prlimit64), 1, { SCMP_A0(SCMP_CMP_EQ, 0, 0) } },
    { SCMP_SYS(prctl), 1, { SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0) } },
  };
  int bad = 0;
  for (size_t i = 0; bad == 0 && i < sizeof rules / sizeof *rules; i++)
    bad = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, rules[i].call, rules[i].count, rules[i].when);
  return bad;
}

/* Whoever proves that a name is its holder's has to be asked: by TCP, and by UDP for the name. */
static int add_dialling(scmp_filter_ctx f) {
  static const int families[] = { AF_INET, AF_INET6 };
  int bad = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
  for (size_t i = 0; bad == 0 && i < sizeof families / sizeof *families; i++)
    bad = seccomp_rule_add(
      f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM), SCMP_A2(SCMP_CMP_EQ, 0, 0));
  return bad;
}

/* The C library's resolver sends both of its questions with one call; OpenSSL has what is not
 * content sent by the kernel's TLS with sendmsg(), and content comes there with splice(). */
static int add_resolving(scmp_filter_ctx f) {
  static const int calls[] = { SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(splice) };
  int bad = 0;
  for (size_t i = 0; bad == 0 && i < sizeof calls / sizeof *calls; i++)
    bad = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
  if (bad == 0)
    bad =
      seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
                       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM), SCMP_A2(SCMP_CMP_EQ, 0, 0));
  return bad;
}

static void release_filter(scmp_filter_ctx *f) {
  if (*f)
    seccomp_release(*f);
}

static err_t limit_calls(enum process_reach reach) {
  __attribute__((cleanup(release_filter))) scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  int bad = f ? 0 : -ENOMEM;
  for (size_t i = 0; bad == 0 && i < sizeof allowed / sizeof *allowed; i++)
    bad = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
  if (bad == 0)
    bad = add_rules(f);
  if (bad == 0 && reach >= PROCESS_DIALS)
    bad = add_dialling(f);
  if (bad == 0 && reach >= PROCESS_RESOLVES)
    bad = add_resolving(f);
  for (size_t i = 0; bad == 0 && i < sizeof deadly / sizeof *deadly; i++)
    bad = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
  if (bad == 0)
    bad = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
  if (bad == 0)
    bad = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (bad == 0)
    bad = seccomp_load(f);
  if (bad != 0)
    FAIL(ERR_CONFIG, "cannot limit the system calls: %s", strerror(-bad));
  return OK;
}

#define READ_ACCESS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_ACCESS \
  (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
   LANDLOCK_ACCESS_FS_MAKE_DIR)
#define EVERY_ACCESS \
  (READ_ACCESS | WRITE_ACCESS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
   LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
   LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static err_t allow_path(int ruleset, const struct process_dir *d) {
  static const uint64_t access[] = {
    [PROCESS_WRITE] = READ_ACCESS | WRITE_ACCESS,
    [PROCESS_READ] = READ_ACCESS,
    [PROCESS_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
  };
  int fd = open(d->path, O_PATH | O_CLOEXEC);
  if (fd < 0)
    return OK;
  struct landlock_path_beneath_attr rule = { .allowed_access = access[d->access], .parent_fd = fd };
  long bad = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  if (bad != 0) { /* a file takes no directory rights */
    rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    bad = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  close(fd);
  if (bad != 0)
    FAIL(ERR_CONFIG, "cannot limit file access to %s: %s", d->path, strerror(errno));
  return OK;
}

static err_t limit_files(const struct process_dir *dirs, size_t count, bool *landlock) {
  struct landlock_ruleset_attr attr = { .handled_access_fs = EVERY_ACCESS };
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  *landlock = ruleset >= 0;
  if (ruleset < 0)
    return OK;
  err_t e = OK;
  for (size_t i = 0; e == OK && i < count; i++)
    e = allow_path(ruleset, &dirs[i]);
  if (e == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
    e = err_fail(ERR_CONFIG, __FILE__, __LINE__, "cannot limit file access: %s", strerror(errno));
  close(ruleset);
  return e;
}

err_t process_sandbox(const struct process_dir *dirs, size_t count, enum process_reach reach,
                      bool *landlock) {
#ifdef LEAK_CHECKED /* see meson.build */
  log_warn("sandbox", "this build is for a leak checker: it has no sandbox");
  *landlock = true;
  return OK;
#endif
  TRY(limit_files(dirs, count, landlock));
  return limit_calls(reach);
}
