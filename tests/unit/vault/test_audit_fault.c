/*
 * The disk and the memory fail: what was promised is there, what failed is said to have failed, and
 * the log goes on where it can. Linked so that the calls below come here first.
 */
#include "test_audit.h"

#include "fault/oom.h"

#include <errno.h>
#include <sys/resource.h>

enum call { CALL_NONE, CALL_PWRITE, CALL_FDATASYNC, CALL_FSYNC, CALL_FTRUNCATE, CALL_RENAMEAT };

/* Calls of this kind fail with this error from now on; pwrite writes half first. */
static _Atomic int failing, failing_errno;

static void break_call(enum call c, int error) {
  failing_errno = error;
  failing = c;
}

static bool fails(enum call c) {
  if (failing != (int)c)
    return false;
  errno = failing_errno;
  return true;
}

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_ftruncate64(int fd, off_t size);
int __real_renameat(int a, const char *from, int b, const char *to);

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at) {
  if (failing != CALL_PWRITE)
    return __real_pwrite64(fd, p, n, at);
  static _Thread_local bool half;
  half = !half;
  if (half && n > 1)
    return __real_pwrite64(fd, p, n / 2, at);
  half = false;
  errno = failing_errno;
  return -1;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd) {
  return fails(CALL_FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
  return fails(CALL_FSYNC) ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size) {
  return fails(CALL_FTRUNCATE) ? -1 : __real_ftruncate64(fd, size);
}

int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to) {
  return fails(CALL_RENAMEAT) ? -1 : __real_renameat(a, from, b, to);
}

static void append_good(struct audit *a, unsigned count) {
  uint64_t ticket;
  struct audit_event e = event("good");
  for (unsigned i = 0; i < count; i++) {
    assert_ok(audit_append(a, &e, &ticket));
    assert_ok(audit_wait(a, ticket));
  }
}

/* Appends one that must fail. */
static void append_bad(struct audit *a, struct sink *sink) {
  uint64_t ticket, before = sink->failures;
  struct audit_event e = event("bad");
  assert_ok(audit_append(a, &e, &ticket));
  assert_err(audit_wait(a, ticket), ERR_AUDIT);
  while (sink->failures == before)
    usleep(100);
  assert_int_equal(sink->failed_to, ticket);
  assert_err(audit_append(a, &e, &ticket), ERR_AUDIT);
}

static void wait_until_it_goes_on(struct audit *a) {
  uint64_t ticket;
  struct audit_event e = event("again");
  while (audit_append(a, &e, &ticket) != OK)
    usleep(5000);
  assert_ok(audit_wait(a, ticket));
}

/* --- no room: passes --- */

static void no_room(enum call c, int error) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  conf.sync = true;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_good(a, 3);
  break_call(c, error);
  append_bad(a, &sink);
  break_call(CALL_NONE, 0);
  struct audit_report r = verify(dir);
  assert_string_equal(r.why, "");
  assert_int_equal(r.last, 3);
  wait_until_it_goes_on(a);
  append_good(a, 3);
  audit_close(a);
  r = verify(dir);
  assert_string_equal(r.why, "");
  assert_int_equal(r.signed_to, r.last);
  struct seen s = { 0 };
  assert_ok(audit_read(dir, seal_key(), 1, 100, see, &s));
  assert_false(text_has(&s, "\"bad\""));
  assert_true(gaps_of(&s) >= 1);
  assert_int_equal(s.count - gaps_of(&s), 3 + 1 + 3);
  buf_free(&s.text);
}

static void no_room_passes(void **state) {
  no_room(CALL_PWRITE, ENOSPC);
  no_room(CALL_PWRITE, EDQUOT);
  no_room(CALL_FDATASYNC, ENOSPC);
}

static void no_room_at_rotation_passes(void **state) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  conf.sync = true;
  conf.rotate_bytes = 1; /* each write begins a file */
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_good(a, 3);
  break_call(CALL_RENAMEAT, ENOSPC);
  append_bad(a, &sink);
  break_call(CALL_NONE, 0);
  wait_until_it_goes_on(a);
  break_call(CALL_FSYNC, ENOSPC);
  append_bad(a, &sink);
  break_call(CALL_NONE, 0);
  wait_until_it_goes_on(a);
  audit_close(a);
  struct audit_report r = verify(dir);
  assert_string_equal(r.why, "");
  assert_int_equal(r.signed_to, r.last);
  struct seen s = { 0 };
  assert_ok(audit_read(dir, seal_key(), 1, 100, see, &s));
  assert_true(gaps_of(&s) >= 2);
  assert_int_equal(s.count - gaps_of(&s), 3 + 1 + 1);
  buf_free(&s.text);
}

/* Connections have taken the last descriptor: the head's file cannot be made. */
static void no_descriptor_passes(void **state) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  struct rlimit before, none;
  conf.rotate_bytes = 1;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_good(a, 3);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = (struct rlimit){ 0, before.rlim_max };
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  append_bad(a, &sink);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  wait_until_it_goes_on(a);
  audit_close(a);
  struct audit_report r = verify(dir);
  assert_string_equal(r.why, "");
  assert_int_equal(r.signed_to, r.last);
}

static void closing_while_there_is_no_room(void **state) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_good(a, 3);
  break_call(CALL_PWRITE, ENOSPC);
  append_bad(a, &sink);
  audit_close(a);
  break_call(CALL_NONE, 0);
  assert_int_equal(verify(dir).last, 3);
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  audit_close(a);
}

/* --- a broken disk: for good --- */

static void broken_disk(enum call c, int error) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  conf.sync = true;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_good(a, 3);
  break_call(c, error);
  append_bad(a, &sink);
  break_call(CALL_NONE, 0);
  usleep(1200000); /* longer than it takes to try again */
  uint64_t ticket;
  struct audit_event e = event("x");
  assert_err(audit_append(a, &e, &ticket), ERR_AUDIT);
  audit_close(a);
  /* Opened again, it goes on; what was acknowledged is there. */
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  audit_close(a);
  struct audit_report r = verify(dir);
  assert_string_equal(r.why, "");
  assert_in_range(r.last, 3, 4);
}

static void a_broken_disk_does_not(void **state) {
  broken_disk(CALL_PWRITE, EIO);
  broken_disk(CALL_FDATASYNC, EIO);
}

static void what_cannot_be_undone_is_for_good(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  assert_ok(write_batch(&w, 3));
  struct audit_file f = w.state.file;
  break_call(CALL_FTRUNCATE, EIO);
  assert_err(audit_file_undo(&f), ERR_IO);
  break_call(CALL_NONE, 0);
  audit_writer_close(&w);
}

/* --- no memory --- */

/* OpenSSL does not always say that memory was what it lacked. */
static bool acceptable(err_t e) {
  bool yes = e == OK || e == ERR_NOMEM || e == ERR_CRYPTO;
  if (!yes)
    print_error("%s: %s\n", err_info(e)->name, err_last()->why);
  return yes;
}

/* A log's life in one thread: opened, written, rotated, signed. */
static err_t write_log(const char *dir, uint64_t *durable) {
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  conf.rotate_bytes = 600;
  err_t e = audit_writer_open(&w, &conf, seal_key(), signer);
  if (e == OK)
    e = write_batch(&w, 2);
  if (e == OK)
    e = write_batch(&w, 2);
  if (e == OK)
    e = audit_writer_heads(&w, true);
  if (w.state.tip.last)
    *durable = w.state.tip.last;
  audit_writer_close(&w);
  return e;
}

static void writing(enum oom kind) {
  const char *dir = new_dir();
  uint64_t durable = 0;
  unsigned long n = 1;
  for (bool failed = true; failed; n++) {
    oom_start(n, kind);
    err_t e = write_log(dir, &durable);
    failed = oom_stop();
    assert_true(acceptable(e));
    assert_true(failed || e == OK);
    if (durable) {
      struct audit_report r = verify(dir);
      assert_string_equal(r.why, "");
      assert_int_equal(r.last, durable);
    }
  }
  assert_true(n > 20);
}

static void memory_fails_while_writing(void **state) {
  writing(OOM_ONE);
  writing(OOM_ALL);
}

static err_t ignore(void *ctx, uint64_t number, struct bytes json) {
  ++*(uint64_t *)ctx;
  return OK;
}

/* No memory is an error; it is never taken for damage, nor for the end of the log. */
static void memory_fails_while_reading(void **state) {
  const char *dir = new_dir();
  uint64_t durable = 0;
  assert_ok(write_log(dir, &durable));
  for (unsigned long n = 1;; n++) {
    uint64_t count = 0;
    oom_start(n, OOM_ONE);
    err_t e = audit_read(dir, seal_key(), 1, UINT64_MAX, ignore, &count);
    bool failed = oom_stop();
    assert_true(acceptable(e));
    assert_true(e != OK || count == durable);
    if (!failed)
      break;
  }
  for (unsigned long n = 1;; n++) {
    struct audit_report r;
    oom_start(n, OOM_ONE);
    err_t e = audit_verify(dir, (struct bytes){ 0 }, (struct bytes){ 0 }, &r);
    bool failed = oom_stop();
    /* OpenSSL may not be able to read the public key and not say why. */
    assert_true(e == ERR_CONFIG || acceptable(e));
    if (e == OK) {
      assert_string_equal(r.why, "");
      assert_int_equal(r.signed_to, durable);
    }
    if (!failed)
      break;
  }
}

static void memory_fails_while_appending(void **state) {
  sem_t go;
  const char *dir = new_dir();
  struct sink sink = { .stall = &go };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  uint64_t ticket, accepted = 1;
  struct audit_event e = event("x");
  sem_init(&go, 0, 0);
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_ok(audit_append(a, &e, &ticket));
  while (sink.durable < ticket)
    usleep(100); /* now nothing is taken away */
  oom_start(1, OOM_ALL);
  err_t err;
  while ((err = audit_append(a, &e, &ticket)) == OK)
    accepted++;
  assert_true(oom_stop());
  assert_int_equal(err, ERR_NOMEM);
  assert_ok(audit_append(a, &e, &ticket));
  accepted++;
  assert_int_equal(ticket, accepted);
  for (unsigned i = 0; i < 100; i++)
    sem_post(&go);
  assert_ok(audit_wait(a, ticket));
  audit_close(a);
  sem_destroy(&go);
  struct seen s = { 0 };
  assert_ok(audit_read(dir, seal_key(), 1, UINT64_MAX, see, &s));
  assert_int_equal(s.count, accepted + 1);
  assert_true(text_has(&s, "\"notRecorded\":1,"));
  buf_free(&s.text);
}

static void memory_fails_while_opening(void **state) {
  const char *dir = new_dir();
  for (unsigned long n = 1;; n++) {
    struct audit_conf conf = conf_of(dir);
    struct audit *a;
    oom_start(n, OOM_ONE);
    err_t e = audit_open(&conf, seal_key(), signer, &a);
    bool failed = oom_stop();
    assert_true(acceptable(e));
    if (e == OK)
      audit_close(a);
    if (!failed)
      break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_room_passes),
    cmocka_unit_test(no_room_at_rotation_passes),
    cmocka_unit_test(no_descriptor_passes),
    cmocka_unit_test(closing_while_there_is_no_room),
    cmocka_unit_test(a_broken_disk_does_not),
    cmocka_unit_test(what_cannot_be_undone_is_for_good),
    cmocka_unit_test(memory_fails_while_writing),
    cmocka_unit_test(memory_fails_while_reading),
    cmocka_unit_test(memory_fails_while_appending),
    cmocka_unit_test(memory_fails_while_opening),
  };
  return cmocka_run_group_tests_name("audit fault", tests, start, stop);
}
