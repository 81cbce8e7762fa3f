/* Linked so that fsync() comes here first. */
#include "base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static unsigned synced_files, synced_dirs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  (*(S_ISDIR(st.st_mode) ? &synced_dirs : &synced_files))++;
  return __real_fsync(fd);
}

static char dir[] = "/tmp/test-file-XXXXXX", path[64];

static unsigned count_files(void) {
  unsigned n = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));)
    n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static void assert_content(const char *text) {
  AUTO_BUF b = BUF_EMPTY;
  assert_int_equal(file_read(path, 100, &b), OK);
  assert_true(bytes_equal_str(buf_bytes(&b), text));
}

static void test_replaces(void **state) {
  struct stat st;
  (void)state;
  assert_int_equal(file_write_private(path, bytes_str("one")), OK);
  assert_content("one");
  assert_int_equal(file_write_private(path, bytes_str("two")), OK);
  assert_content("two");
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(synced_files, 2);
  assert_int_equal(synced_dirs, 2);
  assert_int_equal(count_files(), 1);
}

/* A process of the same number was killed while it wrote: in a container they all have that. */
static void test_what_another_left(void **state) {
  char left[96];
  (void)state;
  snprintf(left, sizeof left, "%s.%ld.tmp", path, (long)getpid());
  FILE *f = fopen(left, "w");
  assert_non_null(f);
  fclose(f);
  assert_int_equal(file_write_private(path, bytes_str("three")), OK);
  assert_content("three");
  remove(left);
}

static void test_failure(void **state) {
  (void)state;
  assert_int_equal(file_write_private("/tmp/no/such/place", bytes_str("x")), ERR_CONFIG);
  remove(path);
  assert_int_equal(mkdir(path, 0700), 0); /* cannot be replaced */
  assert_int_equal(file_write_private(path, bytes_str("x")), ERR_CONFIG);
  assert_int_equal(count_files(), 1);
}

static int start(void **state) {
  (void)state;
  if (!mkdtemp(dir))
    return -1;
  snprintf(path, sizeof path, "%s/file", dir);
  return 0;
}

static int stop(void **state) {
  (void)state;
  rmdir(path);
  return rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_replaces),
    cmocka_unit_test(test_what_another_left),
    cmocka_unit_test(test_failure),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
