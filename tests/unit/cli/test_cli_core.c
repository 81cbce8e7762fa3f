/* What the kernel says of a crash, the record of it, the directory of sealed cores, and the
 * settings. */
#include "base/file.h"
#include "cli/core/config.h"
#include "cli/core/crash.h"
#include "cli/core/dir.h"
#include "cli/core/kernel.h"
#include "fault/oom.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static char work[] = "/tmp/strongroom-core.XXXXXX";
static char path[160];

static const char *in_work(const char *name) {
  snprintf(path, sizeof path, "%s/%s", work, name);
  return path;
}
static int start(void **state) {
  return mkdtemp(work) ? 0 : -1;
}
static int end(void **state) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", work);
  return system(command);
}

static void parses_the_kernels_words(void **state) {
  struct crash c;
  const char *const words[CRASH_WORDS] = {
    "4194304", "17", "0", "4294967295", "11", "1795680827", "18446744073709551615", "a b!\n-"
  };
  assert_int_equal(crash_parse(words, &c), OK);
  assert_int_equal(c.pid, 4194304);
  assert_int_equal(c.thread, 17);
  assert_int_equal(c.uid, 0);
  assert_int_equal(c.gid, 4294967295);
  assert_int_equal(c.signal, 11);
  assert_int_equal(c.time, 1795680827);
  assert_true(c.limit == UINT64_MAX);
  assert_string_equal(c.name, "a b!\n-");
  assert_string_equal(c.program, "");
}

static void refuses_other_words(void **state) {
  static const char *const bad[] = { "", "-1", "1 ", "0x1", "99999999999999999999", "%P" };
  for (size_t word = 0; word < CRASH_WORDS - 1; word++)
    for (size_t i = 0; i < COUNT(bad); i++) {
      struct crash c = { .pid = 5 };
      const char *words[CRASH_WORDS] = { "1", "1", "1", "1", "1", "1", "1", "name" };
      words[word] = bad[i];
      assert_int_equal(crash_parse(words, &c), ERR_BAD_PARAMETER);
      assert_int_equal(c.pid, 5);
    }
}

static void cuts_a_name_that_no_task_has(void **state) {
  char name[500];
  struct crash c;
  memset(name, 'x', sizeof name);
  name[sizeof name - 1] = '\0';
  const char *const words[CRASH_WORDS] = { "1", "1", "1", "1", "1", "1", "1", name };
  assert_int_equal(crash_parse(words, &c), OK);
  assert_int_equal(strlen(c.name), CRASH_NAME_MAX - 1);
}

static void finds_a_program(void **state) {
  char self[CRASH_PROGRAM_MAX] = "";
  struct crash c = { .pid = (uint64_t)getpid() };
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  crash_find_program(&c);
  assert_string_equal(c.program, self);
  c.pid = INT32_MAX;
  crash_find_program(&c);
  assert_string_equal(c.program, "");
}

static void a_record_comes_back(void **state) {
  AUTO_BUF record = BUF_EMPTY;
  struct crash back, c = { .pid = 1,
                           .thread = 2,
                           .uid = 3,
                           .gid = UINT32_MAX,
                           .signal = 6,
                           .time = 1795680827,
                           .size = 5000000000,
                           .truncated = true };
  snprintf(c.name, sizeof c.name, "%s", "\"../a\\ \t\x1b[2J\xff");
  snprintf(c.program, sizeof c.program, "%s", "/usr/bin/\xc3\xa4 b!c");
  crash_write(&c, &record);
  assert_int_equal(buf_ok(&record), OK);
  assert_int_equal(crash_read(buf_bytes(&record), &back), OK);
  assert_string_equal(back.name, "\"../a\\ \t\x1b[2J\xef\xbf\xbd");
  assert_string_equal(back.program, c.program);
  assert_int_equal(back.pid, 1);
  assert_int_equal(back.thread, 2);
  assert_int_equal(back.uid, 3);
  assert_int_equal(back.gid, UINT32_MAX);
  assert_int_equal(back.signal, 6);
  assert_int_equal(back.time, 1795680827);
  assert_true(back.size == 5000000000);
  assert_true(back.truncated);
}

/* A path that is no UTF-8 grows in the record. */
static void a_long_path_is_cut(void **state) {
  AUTO_BUF record = BUF_EMPTY;
  struct crash back, c = { .pid = 1 };
  memset(c.program, 0xff, sizeof c.program - 1);
  crash_write(&c, &record);
  assert_int_equal(crash_read(buf_bytes(&record), &back), OK);
  assert_int_equal(strlen(back.program), CRASH_PROGRAM_MAX - 1);
}

static void refuses_malformed_records(void **state) {
  static const char *const bad[] = {
    "",
    "{",
    "[]",
    "{}x",
    "{\"pid\":-1}",
    "{\"pid\":2147483648}",
    "{\"uid\":4294967296}",
    "{\"signal\":1025}",
    "{\"size\":-5}",
    "{\"time\":-1}",
    "{\"time\":1.5}",
    "{\"pid\":\"1\"}",
    "{\"program\":1}",
    "{\"name\":[]}",
    "{\"truncated\":1}",
    "{\"pid\":1,\"pid\":1}",
    "{\"name\":\"a\\u0000b\"}",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct crash c;
    if (crash_read(bytes_str(bad[i]), &c) == OK)
      fail_msg("taken: %s", bad[i]);
  }
}

static void names_signals(void **state) {
  char text[24];
  assert_string_equal(crash_signal(&(struct crash){ .signal = 11 }, text), "SIGSEGV");
  assert_string_equal(crash_signal(&(struct crash){ .signal = 60 }, text), "signal 60");
  assert_string_equal(crash_signal(&(struct crash){ .signal = 0 }, text), "signal 0");
}

static void says_what_is_a_number(void **state) {
  static const char *const bad[] = {
    "", "x", "-1", "1.core", "../1", "1 ", "99999999999999999999"
  };
  uint64_t n = 0;
  assert_int_equal(core_number_parse("000012", &n), OK);
  assert_int_equal(n, 12);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_int_equal(core_number_parse(bad[i], &n), ERR_USAGE);
}

static void put(struct core_dir *d, uint64_t number, uint64_t keep, size_t expected_removed) {
  AUTO_FD core = -1, info = -1;
  size_t removed = 99;
  char text[8192] = "core";
  assert_int_equal(core_dir_file(d, &core), OK);
  assert_int_equal(core_dir_file(d, &info), OK);
  assert_int_equal(file_write_fd(core, "core", bytes_of(text, sizeof text)), OK);
  assert_int_equal(file_write_fd(info, "info", bytes_str("info")), OK);
  assert_int_equal(core_dir_add(d, number, core, info, keep, &removed), OK);
  assert_int_equal(removed, expected_removed);
}

static size_t listed(struct core_dir *d, uint64_t *first, uint64_t *last) {
  AUTO_FREE struct core_entry *entries = NULL;
  size_t count = 0;
  assert_int_equal(core_dir_list(d, &entries, &count), OK);
  *first = count ? entries[0].number : 0;
  *last = count ? entries[count - 1].number : 0;
  return count;
}

static void keeps_cores(void **state) {
  AUTO(core_dir) struct core_dir *d = NULL;
  const char *dir = in_work("a/b/cores");
  uint64_t number = 0, first, last;
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_open(dir, &d), OK);
  assert_int_equal(listed(d, &first, &last), 0);
  for (uint64_t i = 1; i <= 3; i++) {
    assert_int_equal(core_dir_reserve(d, &number), OK);
    assert_int_equal(number, i);
    put(d, number, UINT64_MAX, 0);
  }
  assert_int_equal(listed(d, &first, &last), 3);
  assert_int_equal(first, 1);
  assert_int_equal(last, 3);
  AUTO_FD fd = -1;
  char text[8] = "";
  assert_int_equal(core_dir_part(d, 2, CORE_PART_INFO, &fd), OK);
  assert_int_equal(read(fd, text, 4), 4);
  assert_string_equal(text, "info");
  assert_int_equal(core_dir_remove(d, 2), OK);
  assert_int_equal(core_dir_remove(d, 2), ERR_NOT_FOUND);
  assert_int_equal(listed(d, &first, &last), 2);
  /* A number is not given again, even when its core was removed. */
  assert_int_equal(core_dir_remove(d, 3), OK);
  assert_int_equal(core_dir_reserve(d, &number), OK);
  assert_int_equal(number, 4);
}

static void makes_room(void **state) {
  AUTO(core_dir) struct core_dir *d = NULL;
  const char *dir = in_work("room");
  uint64_t first, last;
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_open(dir, &d), OK);
  for (uint64_t i = 1; i <= 4; i++)
    put(d, i, UINT64_MAX, 0);
  put(d, 5, 30000, 3); /* each takes at least 12 KiB on disk */
  assert_int_equal(listed(d, &first, &last), 2);
  assert_int_equal(first, 4);
  put(d, 6, 1, 2); /* never the newest */
  assert_int_equal(listed(d, &first, &last), 1);
  assert_int_equal(first, 6);
}

static void touch(const char *dir, const char *name) {
  char file[320];
  snprintf(file, sizeof file, "%s/%s", dir, name);
  AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
}

static void goes_on_after_a_crash(void **state) {
  static const char *const others[] = { "000009.info.sealed", "1.core.sealed",
                                        "000001.core",        "000001.core.sealed.tmp",
                                        "x.core.sealed",      ".core.sealed",
                                        "-00001.core.sealed", "0000001.core.sealed" };
  AUTO(core_dir) struct core_dir *d = NULL;
  char dir[160];
  struct stat s;
  uint64_t number, first, last;
  snprintf(dir, sizeof dir, "%s", in_work("crash"));
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_open(dir, &d), OK);
  for (size_t i = 0; i < COUNT(others); i++)
    touch(dir, others[i]);
  assert_int_equal(listed(d, &first, &last), 0);
  put(d, 7, UINT64_MAX, 0); /* what has no core goes, and nothing that is not ours */
  assert_int_equal(stat(in_work("crash/000009.info.sealed"), &s), -1);
  for (size_t i = 1; i < COUNT(others); i++) {
    char name[64];
    snprintf(name, sizeof name, "crash/%s", others[i]);
    assert_int_equal(stat(in_work(name), &s), 0);
  }
  /* The counter is gone or damaged: what is there counts. */
  touch(dir, "lock");
  assert_int_equal(truncate(in_work("crash/lock"), 0), 0);
  assert_int_equal(core_dir_reserve(d, &number), OK);
  assert_int_equal(number, 8);
  assert_int_equal(file_write_private(in_work("crash/lock"), bytes_str("nonsense")), OK);
  assert_int_equal(core_dir_reserve(d, &number), OK);
  assert_int_equal(number, 9);
}

static void has_places(void **state) {
  AUTO(core_dir) struct core_dir *a = NULL, *b = NULL;
  const char *dir = in_work("places");
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_open(dir, &a), OK);
  assert_int_equal(core_dir_open(dir, &b), OK);
  assert_int_equal(core_dir_enter(a, 1, 0), OK);
  assert_int_equal(core_dir_enter(b, 1, 0), ERR_BUSY);
  assert_int_equal(core_dir_enter(b, 2, 0), OK);
  core_dir_close(TAKE(a));
  core_dir_close(TAKE(b));
  assert_int_equal(core_dir_open(dir, &b), OK);
  assert_int_equal(core_dir_enter(b, 1, 0), OK);
}

static void is_not_for_others(void **state) {
  struct core_dir *d = NULL;
  const char *dir = in_work("open");
  assert_int_equal(mkdir(dir, 0700), 0);
  assert_int_equal(chmod(dir, 0750), 0);
  assert_int_equal(core_dir_open(dir, &d), ERR_CONFIG);
  assert_int_equal(core_dir_open(in_work("missing"), &d), ERR_CONFIG);
  assert_int_equal(core_dir_make("relative"), ERR_USAGE);
}

static void keeps_settings(void **state) {
  AUTO(conf) struct conf *c = NULL, *back = NULL;
  const char *file = in_work("core.conf");
  assert_int_equal(core_config_new(&c), OK);
  assert_int_equal(core_config_set(c, "max_size", "512M"), OK);
  assert_int_equal(core_config_set(c, "max_size", "4095"), ERR_CONFIG);
  assert_int_equal(core_config_set(c, "before.pattern", "|/usr/lib/x %P %e # = y"), OK);
  assert_int_equal(core_config_set(c, "before.pipe_limit", "16"), OK);
  assert_int_equal(core_config_set(c, "key", "a\nb"), ERR_CONFIG);
  assert_int_equal(core_config_write(c, file), OK);
  assert_int_equal(core_config_read(file, &back), OK);
  assert_int_equal(conf_uint(back, "max_size"), 512 * 1024 * 1024);
  assert_true(conf_uint(back, "keep_total") == 10ull << 30);
  assert_string_equal(conf_str(back, "dir"), CORE_DIR);
  assert_string_equal(conf_str(back, "before.pattern"), "|/usr/lib/x %P %e # = y");
  assert_int_equal(conf_uint(back, "before.pipe_limit"), 16);
  struct conf *none = NULL;
  assert_int_equal(chmod(file, 0620), 0);
  assert_int_equal(core_config_read(file, &none), ERR_CONFIG);
  assert_int_equal(core_config_read(in_work("no.conf"), &none), ERR_CONFIG);
}

static void knows_its_pattern(void **state) {
  assert_true(kernel_pattern_is_ours("|/usr/bin/strongroom core take -- %P"));
  assert_false(kernel_pattern_is_ours("|/lib/systemd/systemd-coredump %P"));
  assert_false(kernel_pattern_is_ours("/var/core take /x"));
  assert_false(kernel_pattern_is_ours("core"));
  assert_false(kernel_pattern_is_ours(""));
}

static void runs_out_of_memory(void **state) {
  AUTO(core_dir) struct core_dir *d = NULL;
  const char *dir = in_work("memory");
  assert_int_equal(core_dir_make(dir), OK);
  assert_int_equal(core_dir_open(dir, &d), OK);
  for (uint64_t i = 1; i <= 40; i++)
    put(d, i, UINT64_MAX, 0);
  for (unsigned long n = 1;; n++) {
    AUTO_FREE struct core_entry *entries = NULL;
    size_t count = 0;
    oom_start(n, OOM_ONE);
    err_t e = core_dir_list(d, &entries, &count);
    if (!oom_stop())
      break;
    /* fdopendir() allocates, too. */
    assert_true(e == ERR_NOMEM || e == ERR_INPUT);
    assert_null(entries);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parses_the_kernels_words),
    cmocka_unit_test(refuses_other_words),
    cmocka_unit_test(cuts_a_name_that_no_task_has),
    cmocka_unit_test(finds_a_program),
    cmocka_unit_test(a_record_comes_back),
    cmocka_unit_test(a_long_path_is_cut),
    cmocka_unit_test(refuses_malformed_records),
    cmocka_unit_test(names_signals),
    cmocka_unit_test(says_what_is_a_number),
    cmocka_unit_test(keeps_cores),
    cmocka_unit_test(makes_room),
    cmocka_unit_test(goes_on_after_a_crash),
    cmocka_unit_test(has_places),
    cmocka_unit_test(is_not_for_others),
    cmocka_unit_test(keeps_settings),
    cmocka_unit_test(knows_its_pattern),
    cmocka_unit_test(runs_out_of_memory),
  };
  return cmocka_run_group_tests(tests, start, end);
}
