/* Pipes: what splice() may answer, and the stock. */
#include "../../asserts.h"

#include "transit/proxy/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What splice() answers: so many bytes, or -errno; then it is asked no more. */
static const int *answers;
static size_t asked; /* bytes, by the last call */

ssize_t __wrap_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                      unsigned flags);
ssize_t __real_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                      unsigned flags);
ssize_t __wrap_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                      unsigned flags) {
  if (!answers)
    return __real_splice(in, in_at, out, out_at, size, flags);
  asked = size;
  assert_true(flags & SPLICE_F_NONBLOCK);
  assert_false(flags & SPLICE_F_MORE); /* the kernel would wait for more before it makes a record */
  if (*answers < 0) {
    errno = -*answers++;
    return -1;
  }
  return *answers++;
}

static bool no_descriptors;
int __wrap_pipe2(int ends[2], int flags);
int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags) {
  errno = EMFILE;
  return no_descriptors ? -1 : __real_pipe2(ends, flags);
}

static void test_fill(void **state) {
  static const struct {
    int answer;
    ssize_t n;
    size_t waits;
  } cases[] = { { 1000, 1000, 1000 }, { 0, 0, 0 }, { -EAGAIN, -1, 0 }, { -ECONNRESET, -1, 0 } };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pipe p = { .open = true, .in = -1, .out = -1 };
    answers = &cases[i].answer;
    assert_int_equal(pipe_fill(&p, -1), cases[i].n);
    if (cases[i].n < 0)
      assert_int_equal(errno, -cases[i].answer);
    assert_int_equal(asked, PIPE_CONTENT);
    assert_int_equal(p.waits, cases[i].waits);
  }
}

static void test_send(void **state) {
  static const struct {
    int answers[4];
    int result;
    size_t waits;
  } cases[] = {
    { { 1000 }, 0, 0 },
    { { 300, 1, 699 }, 0, 0 },
    { { -EINTR, 1000 }, 0, 0 },
    { { -EAGAIN }, EAGAIN, 1000 },
    { { 400, -EAGAIN }, EAGAIN, 600 },
    { { 400, -EINTR, 500, -EPIPE }, EPIPE, 100 },
    { { 400, 0 }, EIO, 600 },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pipe p = { .open = true, .in = -1, .out = -1, .waits = 1000 };
    answers = cases[i].answers;
    assert_int_equal(pipe_send(&p, -1), cases[i].result);
    assert_int_equal(p.waits, cases[i].waits);
  }
  struct pipe empty = { .open = true, .in = -1, .out = -1 };
  answers = NULL; /* is not asked */
  assert_int_equal(pipe_send(&empty, -1), 0);
  assert_int_equal(pipe_send(&(struct pipe){ 0 }, -1), 0);
}

static void test_real(void **state) {
  int from[2], to[2];
  struct pipes stock = { 0 };
  struct pipe p = { 0 };
  char got[16];
  (void)state;
  answers = NULL;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, from), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, to), 0);
  assert_true(pipe_take(&stock, &p));
  assert_int_equal(pipe_fill(&p, from[1]), -1);
  assert_int_equal(errno, EAGAIN);
  assert_int_equal(send(from[0], "hello", 5, 0), 5);
  assert_int_equal(pipe_fill(&p, from[1]), 5);
  assert_int_equal(pipe_send(&p, to[0]), 0);
  assert_int_equal(recv(to[1], got, sizeof got, 0), 5);
  assert_memory_equal(got, "hello", 5);
  close(from[0]);
  assert_int_equal(pipe_fill(&p, from[1]), 0);
  pipe_give(&stock, &p);
  assert_int_equal(stock.count, 1);
  pipes_free(&stock);
  close(from[1]);
  close(to[0]);
  close(to[1]);
}

static void test_stock(void **state) {
  struct pipes stock = { 0 };
  struct pipe all[PIPE_SPARES + 1] = { 0 }, p = { 0 };
  (void)state;
  for (size_t i = 0; i <= PIPE_SPARES; i++)
    assert_true(pipe_take(&stock, &all[i]));
  int in = all[0].in, last = all[PIPE_SPARES].in, waiting = all[1].in;
  assert_true(pipe_take(&stock, &all[0])); /* it has one */
  assert_int_equal(all[0].in, in);
  all[1].waits = 1;
  pipe_give(&stock, &all[1]);
  assert_true(all[1].open);
  assert_int_equal(stock.count, 0);
  pipe_drop(&stock, &all[1]); /* nobody else gets what waits in it */
  assert_false(all[1].open);
  assert_int_equal(fcntl(waiting, F_GETFD), -1);
  assert_true(pipe_take(&stock, &all[1]));
  for (size_t i = 0; i <= PIPE_SPARES; i++) {
    pipe_give(&stock, &all[i]);
    assert_false(all[i].open);
  }
  assert_int_equal(stock.count, PIPE_SPARES);
  assert_int_equal(fcntl(last, F_GETFD), -1); /* one too many */
  no_descriptors = true;
  for (size_t i = 0; i < PIPE_SPARES; i++) {
    struct pipe spare = { 0 };
    assert_true(pipe_take(&stock, &spare));
    close(spare.in);
    close(spare.out);
  }
  assert_false(pipe_take(&stock, &p));
  assert_false(p.open);
  no_descriptors = false;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fill),
    cmocka_unit_test(test_send),
    cmocka_unit_test(test_real),
    cmocka_unit_test(test_stock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
