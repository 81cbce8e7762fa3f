#include "lib/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_blocked(void) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  return sigismember(&now, SIGPIPE) == 1;
}

static bool is_pending(void) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

static void write_to_nobody(void) {
  int ends[2];
  assert_int_equal(0, pipe(ends));
  close(ends[0]);
  assert_int_equal(-1, write(ends[1], "x", 1));
  assert_int_equal(EPIPE, errno);
  close(ends[1]);
}

/* The default action would end this program. */
static void is_taken_off(void **state) {
  signal(SIGPIPE, SIG_DFL);
  for (int i = 0; i < 2; i++) {
    struct quiet q = quiet_begin();
    assert_true(is_blocked());
    write_to_nobody();
    assert_true(is_pending());
    errno = 77;
    quiet_end(&q);
    assert_int_equal(77, errno);
    assert_false(is_blocked());
    assert_false(is_pending());
  }
  struct quiet q = quiet_begin();
  quiet_end(&q);
  assert_false(is_blocked());
}

/* A host that blocked it keeps it blocked, and has the one that was its own. */
static void of_the_host(void **state) {
  sigset_t pipe_only;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
  struct quiet q = quiet_begin();
  write_to_nobody();
  quiet_end(&q);
  assert_true(is_blocked());
  assert_false(is_pending());
  write_to_nobody();
  q = quiet_begin();
  write_to_nobody();
  quiet_end(&q);
  assert_true(is_pending());
  signal(SIGPIPE, SIG_IGN); /* discards it */
  assert_false(is_pending());
  q = quiet_begin();
  write_to_nobody();
  quiet_end(&q);
  pthread_sigmask(SIG_UNBLOCK, &pipe_only, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_taken_off),
    cmocka_unit_test(of_the_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
