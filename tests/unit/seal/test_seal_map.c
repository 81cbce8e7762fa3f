/* Files that are mapped while they are sealed: the same comes out, and what happens to the file
 * meanwhile is an error, not the end of the program. */
#include "fixture.h"

#include "seal/map.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static err_t seal_mapped(const struct payload *p, struct stream_options o, int in,
                         struct bytes *got) {
  int out = empty_file();
  o.views = &map_views;
  err_t e = stream_seal(p, &o, in, out);
  *got = file_bytes(out);
  close(out);
  return e;
}

static void mapped_files_are_sealed_alike(void **state) {
  static const size_t sizes[] = {
    0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 16 * BLOCK, 17 * BLOCK + 5,
  };
  for (int format = 0; format < FORMATS; format++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      AUTO(payload) struct payload *p = payload_of(format);
      struct bytes plain = pattern(3, sizes[i]), expected = sealed_of(p, plain), got;
      struct stream_options o = { .threads = 1 + i % 3 };
      int in = file_of(plain);
      assert_ok(seal_mapped(p, o, in, &got));
      assert_bytes(got, expected);
      assert_int_equal(lseek(in, 0, SEEK_CUR), sizes[i]);
      close(in);
    }
}

/* Larger than what is mapped at a time. */
static void a_large_file(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes plain = pattern(3, 270 * BLOCK + 77), got;
  struct stream_options o = { .threads = 2 };
  int in = file_of(plain);
  assert_ok(seal_mapped(p, o, in, &got));
  assert_bytes(got, sealed_of(p, plain));
  close(in);
}

static void from_anywhere_and_not_to_the_end(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes plain = pattern(3, 30 * BLOCK), got;
  int in = file_of(plain);
  static const size_t from[] = { 1, 4095, 4096, 100000, 5 * BLOCK };
  for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
    size_t size = 20 * BLOCK + 999 * i;
    struct stream_options o = { .threads = 2, .limit = size };
    lseek(in, (off_t)from[i], SEEK_SET);
    assert_ok(seal_mapped(p, o, in, &got));
    assert_bytes(got, sealed_of(p, bytes_of(plain.data + from[i], size)));
    o.ahead = bytes_of(plain.data + from[i], 100);
    lseek(in, (off_t)from[i] + 100, SEEK_SET);
    assert_ok(seal_mapped(p, o, in, &got));
    assert_bytes(got, sealed_of(p, bytes_of(plain.data + from[i], size)));
  }
  close(in);
}

static void with_holes(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  AUTO_BUF plain = BUF_EMPTY;
  size_t size = 40 * BLOCK, data = 4 * BLOCK + 100;
  struct bytes got, some = pattern(4, data);
  int in = empty_file();
  assert_true(buf_reserve(&plain, size));
  plain.size = size;
  memset(plain.data, 0, size);
  assert_int_equal(ftruncate(in, (off_t)size), 0);
  for (size_t at = 10 * BLOCK; at < size - data; at += 13 * BLOCK) {
    memcpy(plain.data + at, some.data, data);
    assert_int_equal(pwrite(in, some.data, data, (off_t)at), data);
  }
  struct stream_options o = { .threads = 2, .sparse_in = true };
  assert_ok(seal_mapped(p, o, in, &got));
  assert_bytes(got, sealed_of(p, buf_bytes(&plain)));
  close(in);
}

static void what_cannot_be_mapped_is_read(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 2 };
  struct bytes got;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "some text", 9), 9);
  close(ends[1]);
  assert_ok(seal_mapped(p, o, ends[0], &got));
  assert_bytes(got, sealed_of(p, bytes_str("some text")));
  close(ends[0]);
}

/* At each of its ends the file is mapped anew: not over what is looked at still. */
static void a_file_that_grows(void **state) {
  enum { VIEW = 65536 };
  struct bytes plain = pattern(3, VIEW);
  int in = empty_file();
  assert_int_equal(pwrite(in, plain.data, VIEW, 0), VIEW);
  assert_int_equal(ftruncate(in, 2 * VIEW), 0);
  void *map = map_views.open(in);
  const uint8_t *first = map_views.view(map, 0, VIEW);
  assert_non_null(first);
  assert_int_equal(ftruncate(in, 4 * VIEW), 0);
  assert_non_null(map_views.view(map, VIEW, VIEW));
  assert_int_equal(ftruncate(in, 8 * VIEW), 0);
  assert_null(map_views.view(map, 3 * VIEW, VIEW));
  assert_memory_equal(first, plain.data, VIEW);
  map_views.passed(map, 2 * VIEW);
  assert_non_null(map_views.view(map, 3 * VIEW, VIEW));
  map_views.close(map);
  close(in);
}

/* --- files that are cut off --- */

static err_t cut_off(void *ctx, const struct stream_progress *progress) {
  assert_int_equal(ftruncate(*(int *)ctx, 4096), 0);
  return OK;
}

static void a_file_that_is_cut_off(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  for (unsigned threads = 1; threads < 4; threads++) {
    struct bytes got, plain = pattern(3, 40 * BLOCK);
    int in = file_of(plain);
    struct stream_options o = { .threads = threads, .progress = cut_off, .ctx = &in };
    assert_err(seal_mapped(p, o, in, &got), ERR_INPUT);
    assert_non_null(strstr(err_last()->why, "cut off"));
    size_t blocks = got.size / (16 * 16400); /* whole ones, and of them no more than were there */
    assert_int_equal(got.size, blocks * 16 * 16400);
    assert_true(blocks >= 1 && blocks <= 1 + 2 * threads);
    assert_memory_equal(got.data, sealed_of(p, plain).data, 16 * 16400);
    close(in);
  }
}

/* --- other SIGBUSes --- */

static void touch_what_is_not_there(void) {
  int fd = empty_file();
  volatile uint8_t *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  _exit(page[0] + 1); /* not reached */
}

static void on_sigbus(int sig) {
  _exit(42);
}

/* Of a child that seals, and then has a SIGBUS of its own. */
static int status_with(void (*handler)(int)) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct bytes got;
    struct stream_options o = { .threads = 1 };
    signal(SIGBUS, handler);
    if (seal_mapped(payload_of(COBBLESTONE), o, file_of(pattern(1, 3 * BLOCK)), &got) == OK)
      touch_what_is_not_there();
    _exit(1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void go_where_they_went_before(void **state) {
  int status = status_with(on_sigbus);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 42);
  status = status_with(SIG_DFL);
#ifndef __SANITIZE_ADDRESS__ /* which has an end of its own for it */
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGBUS);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(go_where_they_went_before),
    cmocka_unit_test(mapped_files_are_sealed_alike),
    cmocka_unit_test(a_large_file),
    cmocka_unit_test(from_anywhere_and_not_to_the_end),
    cmocka_unit_test(with_holes),
    cmocka_unit_test(what_cannot_be_mapped_is_read),
    cmocka_unit_test(a_file_that_grows),
    cmocka_unit_test(a_file_that_is_cut_off),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
