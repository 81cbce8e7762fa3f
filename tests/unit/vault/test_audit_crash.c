/*
 * Opening a log after a crash: what nobody was told of may be gone, everything else is there or the
 * log is not opened.
 */
#include "test_audit.h"

#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define FILE_ONE "0000000000000001.log"

/* Writes of these sizes, the head after the first one, then the machine stops. */
static void make_log(const char *dir, const unsigned *writes, unsigned count) {
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  for (unsigned i = 0; i < count; i++) {
    w.signed_at = clock_mono_us() + 3600000000; /* no head but the one asked for */
    assert_ok(write_batch(&w, writes[i]));
    if (i == 0)
      assert_ok(audit_writer_heads(&w, true));
  }
  audit_writer_close(&w);
}

static uint64_t last_of(const char *dir) {
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 0);
  return r.last;
}

/* Opens, appends one more and closes; the number of the last record then. */
static uint64_t go_on(const char *dir) {
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  uint64_t ticket;
  struct audit_event e = event("after");
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_ok(audit_append(a, &e, &ticket));
  assert_ok(audit_wait(a, ticket));
  audit_close(a);
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 0);
  assert_int_equal(r.signed_to, r.last);
  return r.last;
}

static void refuses(const char *dir, const char *why) {
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  assert_err(audit_open(&conf, seal_key(), signer, &a), ERR_CORRUPT);
  if (!says(why))
    print_error("%s\n", err_last()->why);
  assert_true(says(why));
}

static void overwrite(const char *dir, size_t offset, size_t size) {
  struct buf b = load(dir, FILE_ONE);
  assert_true(offset + size <= b.size);
  memset(b.data + offset, 0, size);
  save(dir, FILE_ONE, buf_bytes(&b));
  buf_free(&b);
}

static void truncate_to(const char *dir, size_t size) {
  char path[256];
  path_of(path, dir, FILE_ONE);
  assert_int_equal(truncate(path, (off_t)size), 0);
}

static void a_write_cut_anywhere_is_cut_off(void **state) {
  const char *made = new_dir();
  make_log(made, (unsigned[]){ 5, 3 }, 2);
  struct spot sixth = find_record(made, 6), eighth = find_record(made, 8);
  size_t end = eighth.offset + eighth.size;
  for (size_t size = sixth.offset; size <= end; size += 13) {
    const char *dir = new_dir();
    copy_dir(made, dir);
    truncate_to(dir, size);
    uint64_t whole = last_of(dir); /* a verifier does not mind */
    assert_in_range(whole, 5, 7);
    assert_int_equal(go_on(dir), whole + 1);
  }
}

/* The disk may have any of a write's pages and not the others. */
static void a_write_with_holes_is_cut_off(void **state) {
  const char *made = new_dir();
  make_log(made, (unsigned[]){ 5, 2, 8 }, 3);
  for (uint64_t hole = 8; hole <= 15; hole++) {
    const char *dir = new_dir();
    copy_dir(made, dir);
    struct spot at = find_record(dir, hole);
    overwrite(dir, at.offset, at.size - 5);
    assert_int_equal(go_on(dir), hole);
  }
}

static void damage_before_the_last_write_is_not(void **state) {
  const char *made = new_dir();
  make_log(made, (unsigned[]){ 5, 2, 8 }, 3);
  for (uint64_t hole = 1; hole <= 7; hole++) {
    char why[64];
    const char *dir = new_dir();
    copy_dir(made, dir);
    struct spot at = find_record(dir, hole);
    overwrite(dir, at.offset, at.size - 5);
    snprintf(why, sizeof why, FILE_ONE ": ");
    refuses(dir, why);
    assert_true(says("no crash does this"));
    struct audit_report r = verify(dir);
    assert_int_equal(r.broken, hole);
  }
  /* Nor is a length that reaches past the end, with records after it that were synced later. */
  const char *dir = new_dir();
  copy_dir(made, dir);
  struct spot at = find_record(dir, 6);
  struct buf b = load(dir, FILE_ONE);
  b.data[at.offset + 2] ^= 0x0c;
  save(dir, FILE_ONE, buf_bytes(&b));
  buf_free(&b);
  refuses(dir, "the file ends within record 6");
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 6);
}

static void a_cut_before_the_head_is_not(void **state) {
  const char *dir = new_dir();
  make_log(dir, (unsigned[]){ 5 }, 1);
  truncate_to(dir, find_record(dir, 4).offset);
  refuses(dir, "records up to 5 were signed, the log ends at 3: records are missing");
}

/* Anybody can chain a record; only this vault can seal one. */
static void a_foreign_record_is_not(void **state) {
  const char *dir = new_dir();
  make_log(dir, (unsigned[]){ 5 }, 1);
  struct spot at = find_record(dir, 5);
  struct buf b = load(dir, FILE_ONE), out = BUF_EMPTY;
  struct audit_tip tip = { .last = 5 };
  uint8_t key[32] = { 0 };
  memcpy(tip.chain, b.data + at.offset + at.size - AUDIT_CHAIN, AUDIT_CHAIN);
  assert_ok(audit_record_put(bytes_of(key, sizeof key), 0, bytes_str("forged"), &tip, &out));
  buf_put_bytes(&b, buf_bytes(&out));
  save(dir, FILE_ONE, buf_bytes(&b));
  buf_free(&b);
  buf_free(&out);
  assert_int_equal(last_of(dir), 6); /* without the key it cannot be told, but it is not signed */
  refuses(dir, "record 6 was not written by this vault");
}

static void a_crash_while_a_file_is_begun(void **state) {
  const char *made = new_dir();
  make_log(made, (unsigned[]){ 5, 3 }, 2);
  /* a temporary file is left */
  const char *dir = new_dir();
  copy_dir(made, dir);
  save(dir, "0000000000000009.log.new", bytes_str("sraudit"));
  save(dir, "head.new", bytes_str("x"));
  assert_int_equal(go_on(dir), 9);
  /* the new file is there and empty */
  struct audit_conf conf;
  struct audit_writer w;
  dir = new_dir();
  copy_dir(made, dir);
  conf = conf_of(dir);
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  assert_ok(audit_writer_heads(&w, true));
  struct audit_file next;
  assert_ok(audit_file_create(w.dir, &w.state.tip, false, &next));
  close(next.fd);
  audit_writer_close(&w);
  assert_int_equal(last_of(dir), 8);
  assert_int_equal(go_on(dir), 9);
  assert_int_equal(find_record(dir, 9).file, 9);
  /* a new log: the head of nothing was signed, no file begun */
  dir = new_dir();
  conf = conf_of(dir);
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  audit_writer_close(&w);
  char path[256];
  path_of(path, dir, FILE_ONE);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(go_on(dir), 1);
}

static void only_the_signer_appends(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  make_log(dir, (unsigned[]){ 5 }, 1);
  struct key *other = new_signer();
  assert_err(audit_open(&conf, seal_key(), other, &a), ERR_CONFIG);
  assert_true(says("public.pem is not this signer's"));
  char path[256];
  path_of(path, dir, AUDIT_PUBLIC_FILE);
  assert_int_equal(unlink(path), 0);
  assert_err(audit_open(&conf, seal_key(), other, &a), ERR_CORRUPT); /* by the head's signature */
  assert_int_equal(unlink(path), 0);
  assert_int_equal(go_on(dir), 6); /* written again */
  key_free(other);
  struct key_spec spec = { .type = KEY_EC, .bits = 384, .curve = CURVE_P384 };
  assert_ok(key_generate(&spec, &other));
  assert_err(audit_open(&conf, seal_key(), other, &a), ERR_CONFIG);
  key_free(other);
}

static void one_process_appends(void **state) {
  struct audit_conf conf = conf_of(new_dir());
  struct audit *a, *b;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_err(audit_open(&conf, seal_key(), signer, &b), ERR_BUSY);
  audit_close(a);
  assert_ok(audit_open(&conf, seal_key(), signer, &b));
  audit_close(b);
}

static void a_bad_place_is_said(void **state) {
  struct audit_conf conf = conf_of("/nonexistent/audit");
  struct audit *a;
  assert_err(audit_open(&conf, seal_key(), signer, &a), ERR_IO);
  assert_true(says("/nonexistent/audit"));
  conf = conf_of("/dev/null");
  assert_err(audit_open(&conf, seal_key(), signer, &a), ERR_IO);
}

/* --- kill -9 --- */

/* Appends for ever; says what was acknowledged, as 32-bit numbers. */
static void child(const char *dir, uint32_t from, int out) {
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  uint64_t ticket[16];
  conf.rotate_bytes = 30000;
  if (audit_open(&conf, seal_key(), signer, &a) != OK)
    _exit(1);
  for (uint32_t n = from;; n += 16) {
    for (uint32_t i = 0; i < 16; i++) {
      char id[16];
      snprintf(id, sizeof id, "<%u>", n + i);
      struct audit_event e = event(id);
      if (audit_append(a, &e, &ticket[i]) != OK)
        _exit(1);
    }
    for (uint32_t i = 0; i < 16; i++) {
      uint32_t done = n + i;
      if (audit_wait(a, ticket[i]) != OK || write(out, &done, sizeof done) != sizeof done)
        _exit(1);
    }
  }
}

/* How many were acknowledged before it was killed. */
static uint32_t run_and_kill(const char *dir, uint32_t from, unsigned after_us) {
  int pipes[2], status;
  uint32_t last = from - 1, n;
  assert_int_equal(pipe(pipes), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    close(pipes[0]);
    child(dir, from, pipes[1]);
  }
  close(pipes[1]);
  if (read(pipes[0], &n, sizeof n) == sizeof n)
    last = n;
  usleep(after_us);
  kill(pid, SIGKILL);
  while (read(pipes[0], &n, sizeof n) == sizeof n)
    last = n;
  close(pipes[0]);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status)); /* it did not end on its own */
  return last;
}

#define ROUNDS 50

static void kill_9(void **state) {
  const char *dir = new_dir();
  struct seen s = { 0 };
  uint32_t from[ROUNDS], acknowledged[ROUNDS];
  srand(1);
  for (unsigned i = 0; i < ROUNDS; i++) {
    from[i] = i ? acknowledged[i - 1] + 1000 : 1;
    acknowledged[i] = run_and_kill(dir, from[i], (unsigned)rand() % 3000);
    assert_true(acknowledged[i] >= from[i]);
    struct audit_report r = verify(dir);
    assert_string_equal(r.why, "");
    assert_true(r.last >= acknowledged[i] - from[i] + 1);
  }
  go_on(dir);
  assert_ok(audit_read(dir, seal_key(), 1, UINT64_MAX, see, &s));
  /* In order, so one pass finds them all. */
  const uint8_t *at = s.text.data, *end = s.text.data + s.text.size;
  for (unsigned i = 0; i < ROUNDS; i++)
    for (uint32_t n = from[i]; n <= acknowledged[i]; n++) {
      char id[24];
      snprintf(id, sizeof id, "\"<%u>\"", n);
      at = memmem(at, (size_t)(end - at), id, strlen(id));
      assert_non_null(at);
    }
  buf_free(&s.text);
}

/* --- no room --- */

static void limit_files(rlim_t size) {
  struct rlimit l;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
  l.rlim_cur = size;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* The sum over all gaps. */
static uint64_t not_recorded_in(const struct seen *s) {
  static const char name[] = "\"notRecorded\":";
  uint64_t sum = 0;
  const uint8_t *p = s->text.data, *end = p + s->text.size;
  while ((p = memmem(p, (size_t)(end - p), name, sizeof name - 1))) {
    p += sizeof name - 1;
    sum += strtoull((const char *)p, NULL, 10);
  }
  return sum;
}

static void goes_on_when_there_is_room_again(void **state) {
  const char *dir = new_dir();
  struct sink sink = { 0 };
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  uint64_t ticket = 0, good = 0;
  struct audit_event e = event("x");
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  limit_files(10000);
  while (audit_append(a, &e, &ticket) == OK && audit_wait(a, ticket) == OK)
    good = ticket;
  assert_int_equal(ticket, good + 1);
  while (sink.failures == 0)
    usleep(100);
  assert_int_equal(sink.durable, good);
  assert_int_equal(sink.failures, 1);
  assert_int_equal(sink.failed_from, good + 1);
  assert_int_equal(sink.failed_to, good + 1);
  assert_err(audit_append(a, &e, &ticket), ERR_AUDIT);
  assert_err(audit_append(a, &e, &ticket), ERR_AUDIT);
  assert_int_equal(last_of(dir), good); /* what was half written is cut off */
  limit_files(RLIM_INFINITY);
  uint64_t refused = 3;
  while (audit_append(a, &e, &ticket) != OK) {
    refused++;
    usleep(10000);
  }
  assert_int_equal(ticket, good + 2);
  assert_ok(audit_wait(a, ticket));
  assert_err(audit_wait(a, good + 1), ERR_AUDIT); /* still known */
  assert_ok(audit_wait(a, good));
  audit_close(a);
  /* Numbers are contiguous, and the gap is recorded. */
  struct seen s = { 0 };
  assert_ok(audit_read(dir, seal_key(), good + 1, 10, see, &s));
  assert_int_equal(s.first, good + 1);
  assert_true(gaps_of(&s) >= 1);
  assert_int_equal(s.count, gaps_of(&s) + 1);
  assert_int_equal(last_of(dir), good + s.count);
  assert_int_equal(not_recorded_in(&s), refused);
  buf_free(&s.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_write_cut_anywhere_is_cut_off),
    cmocka_unit_test(a_write_with_holes_is_cut_off),
    cmocka_unit_test(damage_before_the_last_write_is_not),
    cmocka_unit_test(a_cut_before_the_head_is_not),
    cmocka_unit_test(a_foreign_record_is_not),
    cmocka_unit_test(a_crash_while_a_file_is_begun),
    cmocka_unit_test(only_the_signer_appends),
    cmocka_unit_test(one_process_appends),
    cmocka_unit_test(a_bad_place_is_said),
    cmocka_unit_test(kill_9),
    cmocka_unit_test(goes_on_when_there_is_room_again),
  };
  signal(SIGXFSZ, SIG_IGN);
  log_set_level(LOG_LEVEL_ERROR);
  return cmocka_run_group_tests_name("audit crash", tests, start, stop);
}
