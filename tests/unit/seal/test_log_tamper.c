/* Whatever is done to a log's files without its key shows, and the segment is named. */
#include "log_fixture.h"

static void remove_segment(uint64_t n) {
  assert_int_equal(unlink(log_path(n)), 0);
}

static void each_byte_counts(void **state) {
  log_make_three();
  for (uint64_t n = 1; n <= 3; n++) {
    struct bytes whole = log_load(n);
    uint8_t *data = (uint8_t *)whole.data;
    char name[16];
    snprintf(name, sizeof name, "%08u-", (unsigned)n);
    for (size_t i = HEADER_SIZE; i < whole.size; i++) {
      data[i] ^= 0x40;
      log_store(n, whole);
      err_t e = log_verify(NULL, NULL);
      data[i] ^= 0x40;
      /* A length in the last segment may look as if a crash had cut off its end. */
      if (n == 3 && e == OK) {
        assert_true(i >= log_offset(3, 2));
        continue;
      }
      assert_true(e == ERR_DAMAGED || e == ERR_TRUNCATED);
      if (!strstr(err_last()->why, name))
        fail_msg("byte %zu of segment %s: %s", i, name, err_last()->why);
    }
    log_store(n, whole);
  }
  assert_ok(log_verify(NULL, NULL));
}

/* A record's length is changed while no writer runs: the next one takes what it can read for all
 * there was. */
static void damage_before_a_restart_shows(void **state) {
  static const uint8_t lengths[][4] = { { 0xff, 0xff, 0xff, 0xff },
                                        { 0, 0, 0, 1 },
                                        { 0, 0, 0, 60 } };
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    assert_int_equal(log_teardown(NULL), 0);
    assert_int_equal(log_setup(NULL), 0);
    log_start();
    log_put_many(1, 6);
    log_crash();
    struct bytes whole = log_load(1);
    memcpy((uint8_t *)whole.data + log_offset(1, 4), lengths[i], 4);
    log_store(1, whole);
    log_start();
    log_put("after it");
    log_stop();
    assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "00000001-");
  }
}

/* One slot of the header may be lost: the other one is the same. */
static void a_header_survives_half(void **state) {
  log_make_three();
  struct bytes whole = log_load(2);
  memset((uint8_t *)whole.data, 0, HEADER_SLOT);
  log_store(2, whole);
  assert_ok(log_verify(NULL, NULL));
  memset((uint8_t *)whole.data + HEADER_SLOT, 1, HEADER_SLOT);
  log_store(2, whole);
  assert_named(log_verify(NULL, NULL), ERR_NOT_SEALED, "00000002-");
}

static void a_segment_of_any_shorter_size_shows(void **state) {
  log_make_three();
  for (uint64_t n = 1; n <= 2; n++) {
    struct bytes whole = log_load(n);
    char name[16];
    snprintf(name, sizeof name, "%08u-", (unsigned)n);
    for (size_t size = 0; size < whole.size; size += size < LOG_START ? 97 : 1) {
      log_store(n, bytes_of(whole.data, size));
      err_t e = log_verify(NULL, NULL);
      assert_true(e == ERR_TRUNCATED || e == ERR_NOT_SEALED || e == ERR_DAMAGED);
      assert_non_null(strstr(err_last()->why, name));
    }
    log_store(n, whole);
  }
}

static void a_missing_segment_shows(void **state) {
  log_make_three();
  remove_segment(2);
  assert_named(log_verify(NULL, NULL), ERR_TRUNCATED, "segment 2 is missing");
  log_start();
  log_stop();
  log_start();
  log_stop();
  remove_segment(4);
  remove_segment(3);
  assert_named(log_verify(NULL, NULL), ERR_TRUNCATED, "segments 2 to 4 are missing");
}

static void move(uint64_t from, const char *to) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", t.dir, to);
  assert_int_equal(rename(log_path(from), path), 0);
}

static void a_renamed_segment_shows(void **state) {
  log_make_three();
  remove_segment(2);
  move(3, "00000002-20261126T081500Z.srlog");
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "it was renamed: it is 00000003-");
}

static void a_segment_with_another_time_shows(void **state) {
  log_make_three();
  move(2, "00000002-20010101T000000Z.srlog");
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "00000002-20010101T000000Z.srlog");
}

static void swapped_segments_show(void **state) {
  log_make_three();
  struct bytes one = log_load(1), two = log_load(2);
  log_store(1, two);
  log_store(2, one);
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "00000001-");
}

static void a_segment_twice_shows(void **state) {
  char path[128];
  log_make_three();
  struct bytes two = log_load(2);
  snprintf(path, sizeof path, "%s/00000002-20010101T000000Z.srlog", t.dir);
  AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_ok(file_write_fd(fd, path, two));
  assert_result(log_verify(NULL, NULL), "ERR_DAMAGED");
}

static void a_segment_of_another_log_shows(void **state) {
  struct log_test mine;
  log_make_three();
  mine = t;
  assert_int_equal(log_setup(NULL), 0);
  log_make_three();
  struct bytes theirs = log_load(2);
  assert_int_equal(log_teardown(NULL), 0);
  t = mine;
  t.keys = fake_keys(&t.vault); /* one that opens both */
  key_cache_free(mine.keys);
  log_store(2, theirs);
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "another log");
}

/* Records, by their bytes, to other places. */
static void records_move(uint64_t segment, const unsigned *order, size_t count, const char *what) {
  struct bytes whole = log_load(segment);
  AUTO_BUF b = BUF_EMPTY;
  buf_put_bytes(&b, bytes_of(whole.data, LOG_START));
  for (size_t i = 0; i < count; i++) {
    uint64_t from = log_offset(segment, order[i]), to = log_offset(segment, order[i] + 1);
    buf_put_bytes(&b, bytes_of(whole.data + from, to - from));
  }
  log_store(segment, buf_bytes(&b));
  err_t e = log_verify(NULL, NULL);
  assert_true(e == ERR_DAMAGED || e == ERR_TRUNCATED);
  if (!strstr(err_last()->why, what))
    fail_msg("'%s' does not name '%s'", err_last()->why, what);
  log_store(segment, whole);
}

static void moved_records_show(void **state) {
  log_make_three();
  records_move(1, (unsigned[]){ 1, 3, 2, 4, 5 }, 5, "record 2");
  records_move(1, (unsigned[]){ 1, 2, 4, 5 }, 4, "record 3");
  records_move(1, (unsigned[]){ 1, 2, 2, 3, 4, 5 }, 6, "record 3");
  records_move(1, (unsigned[]){ 2, 3, 4, 5 }, 4, "record 1");
  records_move(1, (unsigned[]){ 1, 2, 3, 4, 5, 5 }, 6, "00000001-");
  records_move(1, (unsigned[]){ 1, 2, 3, 4 }, 4, "record 5 was its last");
  records_move(1, (unsigned[]){ 1, 5 }, 2, "record 2");
  records_move(2, (unsigned[]){ 1, 2 }, 2, "record 3 was its last");
  records_move(2, (unsigned[]){ 1 }, 1, "record 3 was its last");
  assert_ok(log_verify(NULL, NULL));
}

static void a_record_of_another_segment_shows(void **state) {
  log_make_three();
  struct bytes one = log_load(1), two = log_load(2);
  uint64_t from = log_offset(1, 2), to = log_offset(1, 3), at = log_offset(2, 2);
  AUTO_BUF b = BUF_EMPTY;
  buf_put_bytes(&b, bytes_of(two.data, at));
  buf_put_bytes(&b, bytes_of(one.data + from, to - from));
  buf_put_bytes(&b, bytes_of(two.data + log_offset(2, 3), two.size - log_offset(2, 3)));
  log_store(2, buf_bytes(&b));
  assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "record 2");
}

/* Something behind the closing record of the newest segment, which nobody else speaks of. */
static void added_bytes_show(void **state) {
  static const char *const added[] = { "x", "\0\0\0\x01", "\0\0\0\x40longer than that" };
  log_make_three();
  struct bytes whole = log_load(3);
  for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
    AUTO_BUF b = BUF_EMPTY;
    buf_put_bytes(&b, whole);
    buf_put(&b, added[i], i == 0 ? 1 : i == 1 ? 4 : 20);
    log_store(3, buf_bytes(&b));
    assert_named(log_verify(NULL, NULL), ERR_DAMAGED, "00000003-");
  }
}

/* Two ways to go on after the same beginning: the segment of one does not fit the other. */
static void a_fork_shows(void **state) {
  log_start();
  log_put_many(1, 2);
  log_crash();
  struct bytes one = log_load(1);
  log_start();
  log_put_many(3, 3);
  log_crash();
  struct bytes two = log_load(2);
  const char *name = log_path(2);
  remove_segment(2);
  /* Segment 1 goes on otherwise: records of the same numbers, another writer with the key. */
  log_store(1, bytes_of(one.data, log_offset(1, 3)));
  log_start();
  log_put_many(3, 3);
  log_stop();
  remove_segment(2);
  AUTO_FD fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_ok(file_write_fd(fd, name, two));
  assert_named(log_verify(NULL, NULL), ERR_TRUNCATED, "00000001-");
}

/* What was verified is shown, up to the damage and behind it. */
struct seen {
  struct buf text;
  unsigned problems, segments;
};
static err_t see_record(void *ctx, const struct log_about *a, const struct log_record *r) {
  struct seen *s = ctx;
  struct log_entries it = { .rest = r->entries, .ns = r->first_ns };
  for (struct log_entry e; log_entries_next(&it, &e);)
    buf_put_bytes(&s->text, bytes_of(e.text.data + e.text.size - 1, 1));
  return OK;
}
static err_t see_segment(void *ctx, const struct log_about *a, const struct log_state *st) {
  ((struct seen *)ctx)->segments++;
  return OK;
}
static err_t see_problem(void *ctx, err_t e) {
  ((struct seen *)ctx)->problems++;
  return OK;
}

static void a_walk_goes_on_behind_damage(void **state) {
  struct seen seen = { .text = BUF_EMPTY };
  struct log_visitor v = { &seen, see_record, see_segment, see_problem };
  struct log_walk_result r;
  log_make_three();
  struct bytes whole = log_load(1);
  ((uint8_t *)whole.data)[log_offset(1, 3) + 10] ^= 1;
  log_store(1, whole);
  assert_ok(log_walk(t.dir, t.keys, &(struct log_walk_options){ 0 }, &v, &r));
  assert_string_equal(buf_cstr(&seen.text), "14567");
  assert_int_equal(seen.problems, 1);
  assert_int_equal(seen.segments, 3);

  remove_segment(2);
  seen.problems = seen.segments = 0;
  buf_clear(&seen.text);
  assert_ok(log_walk(t.dir, t.keys, &(struct log_walk_options){ 0 }, &v, &r));
  assert_string_equal(buf_cstr(&seen.text), "167");
  assert_int_equal(seen.problems, 2);

  log_store(1, bytes_str("gone"));
  seen.problems = 0;
  buf_clear(&seen.text);
  assert_ok(log_walk(t.dir, t.keys, &(struct log_walk_options){ 0 }, &v, &r));
  assert_string_equal(buf_cstr(&seen.text), "67");
  assert_int_equal(seen.problems, 2);
  buf_free(&seen.text);
}

/* Plaintexts that a key's owner could have sealed, and no writer does. */
static void malformed_plaintexts(void **state) {
  AUTO_BUF good = BUF_EMPTY;
  struct log_plain p = { .type = LOG_TYPE_OPENED, .format = LOG_LINES }, got;
  log_plain_put(&p, &good);
  assert_ok(log_plain_get(buf_bytes(&good), &got));
  for (size_t size = 0; size < good.size; size++)
    assert_err(log_plain_get(bytes_of(good.data, size), &got), ERR_DAMAGED);
  static const struct {
    size_t at;
    uint8_t value;
  } cases[] = { { 0, 2 }, { 0, 0 }, { 1, 0 }, { 1, 4 }, { 18, 0 }, { 18, 4 }, { 36, 9 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t was = good.data[cases[i].at];
    good.data[cases[i].at] = cases[i].value;
    assert_err(log_plain_get(buf_bytes(&good), &got), ERR_DAMAGED);
    good.data[cases[i].at] = was;
  }
  buf_put_char(&good, 0);
  assert_err(log_plain_get(buf_bytes(&good), &got), ERR_DAMAGED);
  buf_clear(&good);
  p = (struct log_plain){ .type = LOG_TYPE_CLOSED, .end = LOG_STOPPED };
  log_plain_put(&p, &good);
  assert_ok(log_plain_get(buf_bytes(&good), &got));
  good.data[good.size - 1] = 0;
  assert_err(log_plain_get(buf_bytes(&good), &got), ERR_DAMAGED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_setup, log_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(each_byte_counts),
    TEST(damage_before_a_restart_shows),
    TEST(a_header_survives_half),
    TEST(a_segment_of_any_shorter_size_shows),
    TEST(a_missing_segment_shows),
    TEST(a_renamed_segment_shows),
    TEST(a_segment_with_another_time_shows),
    TEST(swapped_segments_show),
    TEST(a_segment_twice_shows),
    TEST(a_segment_of_another_log_shows),
    TEST(moved_records_show),
    TEST(a_record_of_another_segment_shows),
    TEST(added_bytes_show),
    TEST(a_fork_shows),
    TEST(a_walk_goes_on_behind_damage),
    cmocka_unit_test(malformed_plaintexts),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
