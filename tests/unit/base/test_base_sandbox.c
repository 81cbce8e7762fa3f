/* What can be done inside the sandbox and what cannot: each thing in a child of its own. */
#include "base/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static pid_t parent;
static int pair[2]; /* sockets, made outside */
static int tcp, udp;
static const struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = 9 };

static bool connects(void) {
  return connect(tcp, (const struct sockaddr *)&nobody, sizeof nobody) == 0 || errno != EPERM;
}
static bool opens_fast(void) {
  return sendto(tcp, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&nobody, sizeof nobody) >= 0 ||
         errno != EPERM;
}
static bool sends_to(void) {
  return sendto(udp, "x", 1, 0, (const struct sockaddr *)&nobody, sizeof nobody) >= 0 ||
         errno != EPERM;
}
static bool sends_message(void) {
  struct msghdr m = { .msg_name = (void *)&nobody, .msg_namelen = sizeof nobody };
  return sendmsg(udp, &m, 0) >= 0 || errno != EPERM;
}
static bool sends_many(void) {
  struct mmsghdr m = { 0 };
  return sendmmsg(pair[0], &m, 1, MSG_NOSIGNAL) == 1 || errno != EPERM;
}
static bool splices(void) {
  int ends[2];
  return pipe2(ends, O_NONBLOCK) != 0 || splice(pair[0], NULL, ends[1], NULL, 1, 0) >= 0 ||
         errno != EPERM;
}
static bool makes_udp(void) {
  return socket(AF_INET, SOCK_DGRAM, 0) >= 0;
}
static bool makes_raw_tcp(void) {
  return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP) >= 0 || errno != EPERM;
}
static bool makes_unix(void) {
  return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}
static bool makes_netlink(void) {
  return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}
static bool maps_code(void) {
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static bool makes_code(void) {
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool is_dumpable_again(void) {
  return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}
static bool kills(void) {
  return kill(parent, 0) == 0;
}
static bool limits(void) {
  return prlimit(parent, RLIMIT_NOFILE, NULL, NULL) == 0 || errno != EPERM;
}
static bool reads_passwords(void) {
  return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool listens(void) {
  struct sockaddr_in any = { .sin_family = AF_INET };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 1) == 0;
}
static bool makes_tcp6(void) {
  return socket(AF_INET6, SOCK_STREAM, 0) >= 0 || errno != EPERM;
}
static bool sends(void) {
  return send(pair[0], "x", 1, MSG_NOSIGNAL) == 1;
}
static bool kills_itself(void) {
  return kill(getpid(), 0) == 0;
}
static void *named(void *arg) {
  return pthread_setname_np(pthread_self(), "named") == 0 ? arg : NULL;
}
static bool has_threads(void) {
  pthread_t t;
  void *yes = NULL;
  return pthread_create(&t, NULL, named, &parent) == 0 && pthread_join(t, &yes) == 0 && yes != NULL;
}
static bool has_memory(void) {
  void *p = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED && mprotect(p, 1 << 20, PROT_READ | PROT_WRITE) == 0;
}

static bool works_inside(bool (*thing)(void), enum process_reach reach) {
  const struct process_dir dirs[] = { { "/dev/null", PROCESS_WRITE } };
  int status;
  pid_t child = fork();
  if (child == 0) {
    bool landlock;
    if (process_harden() != OK || process_sandbox(dirs, 1, reach, &landlock) != OK)
      _exit(2);
    _exit(thing() ? 1 : 0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_in_range(WEXITSTATUS(status), 0, 1);
  return WEXITSTATUS(status) == 1;
}

#define THING(name) \
  { #name, name }
struct thing {
  const char *name;
  bool (*works)(void);
};

static void test_denied(void **state) {
  static const struct thing things[] = {
    THING(connects),  THING(opens_fast),      THING(sends_to),          THING(sends_message),
    THING(makes_udp), THING(makes_unix),      THING(makes_netlink),     THING(makes_raw_tcp),
    THING(maps_code), THING(makes_code),      THING(is_dumpable_again), THING(kills),
    THING(limits),    THING(reads_passwords), THING(splices),
  };
  (void)state;
  for (size_t i = 0; i < sizeof things / sizeof *things; i++)
    if (works_inside(things[i].works, PROCESS_LISTENS))
      fail_msg("inside the sandbox, it %s", things[i].name);
}

static void test_allowed(void **state) {
  static const struct thing things[] = {
    THING(listens),      THING(makes_tcp6),  THING(sends),
    THING(kills_itself), THING(has_threads), THING(has_memory),
  };
  (void)state;
  for (size_t i = 0; i < sizeof things / sizeof *things; i++)
    if (!works_inside(things[i].works, PROCESS_LISTENS))
      fail_msg("inside the sandbox, nothing %s", things[i].name);
}

/* One that dials: that, and nothing else. */
static void test_dialling(void **state) {
  static const struct thing allowed[] = { THING(connects), THING(makes_udp), THING(listens) };
  static const struct thing denied[] = {
    THING(opens_fast),    THING(sends_to),      THING(sends_message), THING(makes_unix),
    THING(makes_netlink), THING(makes_raw_tcp), THING(maps_code),     THING(reads_passwords),
  };
  (void)state;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (!works_inside(allowed[i].works, PROCESS_DIALS))
      fail_msg("inside a sandbox that dials, nothing %s", allowed[i].name);
  for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
    if (works_inside(denied[i].works, PROCESS_DIALS))
      fail_msg("inside a sandbox that dials, it %s", denied[i].name);
}

/* One that asks for names, and connects to services of this machine. */
static void test_resolving(void **state) {
  static const struct thing allowed[] = { THING(connects),      THING(makes_udp),
                                          THING(makes_unix),    THING(sends_many),
                                          THING(sends_message), THING(splices) };
  static const struct thing denied[] = {
    THING(opens_fast), THING(sends_to),        THING(makes_netlink),
    THING(maps_code),  THING(reads_passwords),
  };
  (void)state;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (!works_inside(allowed[i].works, PROCESS_RESOLVES))
      fail_msg("inside a sandbox that resolves, nothing %s", allowed[i].name);
  for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
    if (works_inside(denied[i].works, PROCESS_RESOLVES))
      fail_msg("inside a sandbox that resolves, it %s", denied[i].name);
}

/* A socket's file can be removed where nothing else can be done. */
static char removable[] = "/tmp/strongroom-test.XXXXXX";
static bool removes_only(void) {
  return unlink(removable) == 0 && open(removable, O_CREAT | O_WRONLY, 0600) < 0;
}
static void test_removing(void **state) {
  const struct process_dir dirs[] = { { "/tmp", PROCESS_REMOVE } };
  int status, fd = mkstemp(removable);
  (void)state;
  assert_true(fd >= 0);
  close(fd);
  pid_t child = fork();
  if (child == 0) {
    bool landlock = false;
    if (process_sandbox(dirs, 1, PROCESS_LISTENS, &landlock) != OK)
      _exit(2);
    _exit(removes_only() || !landlock ? 1 : 0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

static int start(void **state) {
  (void)state;
  parent = getpid();
  tcp = socket(AF_INET, SOCK_STREAM, 0);
  udp = socket(AF_INET, SOCK_DGRAM, 0);
  return tcp < 0 || udp < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0;
}

int main(void) {
#ifdef LEAK_CHECKED
  print_message("a build for a leak checker has no sandbox\n");
  return 77;
#endif
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_denied), cmocka_unit_test(test_allowed),
                                      cmocka_unit_test(test_dialling),
                                      cmocka_unit_test(test_resolving),
                                      cmocka_unit_test(test_removing) };
  return cmocka_run_group_tests(tests, start, NULL);
}
