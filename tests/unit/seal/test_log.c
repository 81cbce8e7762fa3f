/* Logs: what was written comes back, across segments, crashes and writers. */
#include "log_fixture.h"

#include "seal/log_follow.h"

static struct buf text;

static void is_text(const char *expected) {
  err_t e = log_lines(&text);
  if (e != OK)
    fail_msg("%s: %s", err_info(e)->name, err_last()->why);
  assert_string_equal(buf_cstr(&text), expected);
}

static void what_was_written_comes_back(void **state) {
  struct log_walk_result r;
  log_start();
  log_put("one");
  log_put("");
  log_put("three");
  is_text("one\n\nthree\n");
  log_stop();
  is_text("one\n\nthree\n");
  assert_ok(log_verify(&(struct log_walk_options){ .from_start = true }, &r));
  assert_int_equal(r.first, 1);
  assert_int_equal(r.segments, 1);
  assert_int_equal(r.entries, 3);
  assert_int_equal(r.records, 5);
  assert_false(r.open);
  assert_int_equal(r.end.segment, 1);
  assert_int_equal(r.end.record, 5);
}

static void segments_follow_each_other(void **state) {
  struct log_walk_result r;
  log_make_three();
  key_cache_free(t.keys);
  t.keys = fake_keys(&t.vault); /* that of another program */
  is_text("line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\n");
  assert_ok(log_verify(NULL, &r));
  assert_int_equal(r.segments, 3);
  assert_int_equal(r.entries, 7);
  assert_int_equal(t.vault.asked, 1); /* one data key for all of them, unwrapped once */
}

static void files_are_private(void **state) {
  struct stat st;
  umask(077);
  log_make_three();
  assert_int_equal(stat(log_path(1), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  struct bytes raw = log_load(1);
  assert_null(memmem(raw.data, raw.size, "line", 4));
}

static void a_directory_is_made(void **state) {
  char below[80];
  struct log_writer *w = NULL;
  struct stat st;
  snprintf(below, sizeof below, "%s/below", t.dir);
  umask(077);
  assert_ok(log_writer_open(below, LOG_LINES, &w));
  assert_int_equal(stat(below, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  log_writer_free(w);
  strcat(below, "/.lock");
  assert_int_equal(unlink(below), 0);
  below[strlen(below) - 6] = '\0';
  assert_int_equal(rmdir(below), 0);
}

static void one_writer_at_a_time(void **state) {
  struct log_writer *second = NULL;
  log_start();
  assert_err(log_writer_open(t.dir, LOG_LINES, &second), ERR_CONFLICT);
  assert_true(log_is_written(t.dir));
  log_stop();
  assert_false(log_is_written(t.dir));
  log_start();
  log_stop();
}

/* Whatever a crash leaves of the last record, it is left out, and all before it is there. */
static void a_torn_record_is_left_out(void **state) {
  struct log_walk_result r;
  log_start();
  log_put("kept");
  uint64_t from = log_offset(1, 3);
  log_put("torn");
  log_crash();
  struct bytes whole = log_load(1);
  for (size_t size = from; size < whole.size; size++) {
    log_store(1, bytes_of(whole.data, size));
    is_text("kept\n");
    assert_ok(log_verify(NULL, &r));
    assert_true(r.open);
    log_start();
    log_put("next");
    log_stop();
    is_text("kept\nnext\n");
    assert_ok(log_verify(NULL, NULL));
    assert_int_equal(unlink(log_path(2)), 0);
  }
}

/* The same where the file had grown, and its bytes were not there. */
static void zeros_are_a_torn_record(void **state) {
  log_start();
  log_put("kept");
  uint64_t from = log_offset(1, 3);
  log_put("torn");
  log_crash();
  struct bytes whole = log_load(1);
  memset((uint8_t *)whole.data + from, 0, whole.size - from);
  log_store(1, whole);
  is_text("kept\n");
  log_start();
  log_stop();
  is_text("kept\n");
}

/* A last record of the right length that is not authentic: a writer takes it for a torn one, and
 * says so; a reader who knows no more does not. */
static void a_scrambled_last_record(void **state) {
  log_start();
  log_put("kept");
  log_put("scrambled");
  log_crash();
  struct bytes whole = log_load(1);
  ((uint8_t *)whole.data)[whole.size - 1] ^= 1;
  log_store(1, whole);
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "record 3");
  log_start();
  assert_int_equal(log_writer_before(t.writer)->last, 2);
  log_stop();
  is_text("kept\n");
}

/* A disk that fails leaves a record that nobody knows of: the next segment says where it ends. */
static void what_follows_the_last_record_does_not_count(void **state) {
  log_start();
  log_put("counts");
  log_crash();
  struct bytes before = log_load(1);
  log_start();
  log_put("next");
  log_stop();
  struct bytes next = log_load(2);
  size_t record = (size_t)(log_offset(2, 2) - log_offset(2, 1));
  int unlinked = unlink(log_path(2));
  assert_int_equal(unlinked, 0);
  log_store(1, before);
  /* The same segment with one record more, as the first one that the writer of 2 did not see. */
  AUTO_BUF longer = BUF_EMPTY;
  buf_put_bytes(&longer, before);
  buf_put_bytes(&longer, bytes_of(next.data + LOG_START, record));
  log_store(1, buf_bytes(&longer));
  log_start();
  log_stop();
  is_text("counts\n");
}

static void a_writer_without_the_key_goes_on(void **state) {
  log_start();
  log_put_many(1, 2);
  log_crash();
  key_cache_free(t.keys);
  t.keys = fake_keys(&t.vault);
  t.vault.answer = ERR_FORBIDDEN;
  assert_ok(log_writer_open(t.dir, LOG_LINES, &t.writer));
  assert_ok(log_writer_recover(t.writer, t.keys));
  assert_true(log_writer_before(t.writer)->unchecked);
  assert_int_equal(log_writer_before(t.writer)->last, 3);
  t.vault.answer = OK;
  assert_ok(log_begin_segment());
  log_put_many(3, 3);
  log_stop();
  is_text("line 1\nline 2\nline 3\n");
}

static void a_vault_that_is_away_is_an_error_that_passes(void **state) {
  log_start();
  log_put_many(1, 2);
  log_crash();
  key_cache_free(t.keys);
  t.keys = fake_keys(&t.vault);
  t.vault.answer = ERR_AWAY;
  assert_ok(log_writer_open(t.dir, LOG_LINES, &t.writer));
  err_t e = log_writer_recover(t.writer, t.keys);
  assert_true(log_may_pass(e));
  assert_err(log_begin_segment(), ERR_AWAY);
  t.vault.answer = OK;
  assert_ok(log_writer_recover(t.writer, t.keys));
  assert_ok(log_begin_segment());
  log_stop();
  is_text("line 1\nline 2\n");
}

/* What of the key's end a reader is told. */
static void the_vaults_refusal_is_passed_on(void **state) {
  log_make_three();
  key_cache_free(t.keys);
  t.keys = fake_keys(&t.vault);
  t.vault.answer = ERR_NOT_FOUND;
  assert_named(log_verify(NULL, NULL), ERR_NOT_FOUND, "00000001-");
  t.vault.answer = ERR_FORBIDDEN;
  assert_named(log_verify(NULL, NULL), ERR_FORBIDDEN, "00000001-");
}

static void files_that_are_none_are_not_looked_at(void **state) {
  static const char *const names[] = { "00000009.srlog", "notes.txt", "9-20261126T081500Z.srlog",
                                       "00000000-x.srlog", "00000009-x.srlog.old" };
  char path[128];
  log_make_three();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", t.dir, names[i]);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  assert_ok(log_verify(NULL, NULL));
}

/* A newest file that can't be read hinders no writer; verifying names it. */
static void a_writer_goes_on_behind_a_ruined_segment(void **state) {
  log_make_three();
  log_store(3, bytes_str("this is no segment"));
  log_start();
  log_put_many(8, 8);
  log_stop();
  assert_named(log_verify(NULL, NULL), ERR_NOT_SEALED, "00000003-");
  assert_int_equal(log_load(4).size > 0, 1);
}

static void the_first_segments_may_go(void **state) {
  struct log_walk_options from_start = { .from_start = true };
  struct log_walk_result r;
  log_make_three();
  assert_int_equal(unlink(log_path(1)), 0);
  assert_ok(log_verify(NULL, &r));
  assert_int_equal(r.first, 2);
  assert_named(log_verify(&from_start, NULL), ERR_TRUNCATED, "segment 1 is missing");
  is_text("line 4\nline 5\nline 6\nline 7\n");
}

static void positions_are_remembered(void **state) {
  struct log_walk_result r;
  struct log_position p;
  char shown[LOG_POSITION_TEXT];
  log_start();
  log_put_many(1, 3);
  assert_ok(log_verify(NULL, &r));
  log_position_format(&r.end, shown);
  assert_true(log_position_parse(shown, &p));
  struct log_walk_options o = { .least = &p };
  assert_ok(log_verify(&o, NULL));
  uint64_t cut = log_offset(1, 4);
  log_crash();
  assert_ok(log_verify(&o, NULL));

  /* Cut off at the end of a record, which nothing else shows. */
  struct bytes whole = log_load(1);
  log_store(1, bytes_of(whole.data, cut));
  assert_ok(log_verify(NULL, NULL));
  assert_named(log_verify(&o, NULL), ERR_TRUNCATED, "record 4 had been there");
  /* and not either when a writer went on from there. */
  log_start();
  log_put_many(4, 9);
  log_stop();
  assert_ok(log_verify(NULL, NULL));
  assert_named(log_verify(&o, NULL), ERR_TRUNCATED, "00000001-");

  /* Another log with more in it is not the one that is remembered. */
  assert_int_equal(unlink(log_path(1)) + unlink(log_path(2)), 0);
  log_start();
  log_put_many(1, 3);
  log_stop();
  assert_named(log_verify(&o, NULL), ERR_DAMAGED, "record 4");
  p.has_chain = false;
  assert_ok(log_verify(&o, NULL));
  p.segment = 2;
  assert_named(log_verify(&o, NULL), ERR_TRUNCATED, "had reached 2:4");
}

static void positions_have_a_form(void **state) {
  static const char *const bad[] = {
    "",     "1",       "1:",     ":1",   "0:1",  "1:0",    "1:x",
    "1:2:", "1:2:abc", "1:2:zz", "-1:2", "1:2 ", "1:2:00", "18446744073709551616:1"
  };
  struct log_position p;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(log_position_parse(bad[i], &p));
  assert_true(log_position_parse("12:345", &p));
  assert_int_equal(p.segment, 12);
  assert_int_equal(p.record, 345);
  assert_false(p.has_chain);
}

/* Entries of which times are asked for: no segment is opened that can't have any. */
static void old_segments_are_not_opened(void **state) {
  struct log_walk_result r;
  log_start();
  log_put_many(1, 3);
  usleep(2000);
  int64_t then = log_now_ns();
  assert_ok(log_begin_segment());
  log_put_many(4, 5);
  assert_ok(log_begin_segment());
  log_put_many(6, 7);
  log_stop();
  assert_ok(log_verify(&(struct log_walk_options){ .since_ns = then }, &r));
  assert_int_equal(r.segments, 2);
  assert_ok(log_verify(&(struct log_walk_options){ .since_ns = 1 }, &r));
  assert_int_equal(r.segments, 3);
  assert_ok(log_verify(&(struct log_walk_options){ .until_ns = 1 }, &r));
  assert_int_equal(r.segments, 1);
}

static void an_empty_directory_is_no_log(void **state) {
  assert_err(log_verify(NULL, NULL), ERR_NOT_SEALED);
  assert_int_equal(rmdir(t.dir), 0);
  assert_err(log_verify(NULL, NULL), ERR_INPUT);
  assert_int_equal(mkdir(t.dir, 0700), 0);
}

/* --- following --- */

static uint64_t follow_all(struct log_follower *f, uint64_t skip) {
  const struct log_about *about;
  struct log_record r;
  bool more;
  uint64_t count = 0;
  buf_clear(&text);
  for (;;) {
    assert_ok(log_follower_next(f, &about, &r, &more));
    if (!more)
      break;
    struct log_entries it = { .rest = r.entries, .ns = r.first_ns };
    for (struct log_entry e; log_entries_next(&it, &e);)
      if (skip)
        skip--;
      else {
        buf_put_bytes(&text, e.text);
        buf_put_char(&text, '\n');
        count++;
      }
  }
  return count;
}

static void a_log_is_followed(void **state) {
  struct log_follower *f AUTO(log_follower) = NULL;
  uint64_t skip;
  assert_ok(log_follower_open(t.dir, t.keys, 10, &f, &skip));
  assert_int_equal(follow_all(f, skip), 0);
  log_start();
  assert_int_equal(follow_all(f, 0), 0);
  log_put_many(1, 2);
  assert_int_equal(follow_all(f, 0), 2);
  log_put_many(3, 3);
  assert_ok(log_begin_segment());
  log_put_many(4, 4);
  assert_int_equal(follow_all(f, 0), 2);
  assert_string_equal(buf_cstr(&text), "line 3\nline 4\n");
  log_crash();
  log_start();
  log_put_many(5, 5);
  log_stop();
  assert_int_equal(follow_all(f, 0), 1);
  assert_string_equal(buf_cstr(&text), "line 5\n");
}

static void following_begins_with_the_last_lines(void **state) {
  static const struct {
    uint64_t wanted;
    const char *first;
  } cases[] = { { 1, "line 7\n" }, { 2, "line 6\n" }, { 3, "line 5\n" },
                { 5, "line 3\n" }, { 7, "line 1\n" }, { 9, "line 1\n" } };
  log_make_three();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct log_follower *f AUTO(log_follower) = NULL;
    uint64_t skip, expected = cases[i].wanted < 7 ? cases[i].wanted : 7;
    assert_ok(log_follower_open(t.dir, t.keys, cases[i].wanted, &f, &skip));
    assert_int_equal(follow_all(f, skip), expected);
    assert_int_equal(strncmp(buf_cstr(&text), cases[i].first, 7), 0);
  }
  struct log_follower *f AUTO(log_follower) = NULL;
  uint64_t skip;
  assert_ok(log_follower_open(t.dir, t.keys, 0, &f, &skip));
  assert_int_equal(follow_all(f, skip), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_setup, log_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(what_was_written_comes_back),
    TEST(segments_follow_each_other),
    TEST(files_are_private),
    TEST(a_directory_is_made),
    TEST(one_writer_at_a_time),
    TEST(a_torn_record_is_left_out),
    TEST(zeros_are_a_torn_record),
    TEST(a_scrambled_last_record),
    TEST(what_follows_the_last_record_does_not_count),
    TEST(a_writer_without_the_key_goes_on),
    TEST(a_vault_that_is_away_is_an_error_that_passes),
    TEST(the_vaults_refusal_is_passed_on),
    TEST(files_that_are_none_are_not_looked_at),
    TEST(a_writer_goes_on_behind_a_ruined_segment),
    TEST(the_first_segments_may_go),
    TEST(positions_are_remembered),
    TEST(positions_have_a_form),
    TEST(old_segments_are_not_opened),
    TEST(an_empty_directory_is_no_log),
    TEST(a_log_is_followed),
    TEST(following_begins_with_the_last_lines),
  };
  int failed = cmocka_run_group_tests(tests, start, NULL);
  buf_free(&text);
  return failed;
}
