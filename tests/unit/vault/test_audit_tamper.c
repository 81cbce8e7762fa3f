/*
 * What an attacker may do to the files of a log, and the first record that the verifier must name.
 * The log: records 1 to 200 in three files (1.., 81.., 161..), heads signed at 30, 80, 120, 160
 * and 180 and in the head file at 180; the records after it are not signed yet.
 */
#include "test_audit.h"

#include "base/clock.h"

#define LAST 200
#define SECOND 81
#define THIRD 161
#define SIGNED 180

static char pristine[128];

static int begin(void **state) {
  struct audit_conf conf;
  struct audit_writer w;
  if (start(state) != 0)
    return -1;
  snprintf(pristine, sizeof pristine, "%s/pristine", root);
  conf = conf_of(pristine);
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  for (uint64_t n = 1; n <= LAST; n++) {
    conf.rotate_bytes = n == SECOND || n == THIRD ? 1 : 1u << 20;
    w.signed_at = clock_mono_us() + 3600000000; /* no head but those asked for */
    assert_ok(write_batch(&w, 1));
    if (n == 30 || n == 120 || n == SIGNED)
      assert_ok(audit_writer_heads(&w, true));
  }
  audit_writer_close(&w);
  return 0;
}

/* --- edits --- */

static void flip(const char *dir, const char *name, size_t offset, unsigned bit) {
  char path[256];
  uint8_t byte;
  path_of(path, dir, name);
  int fd = open(path, O_RDWR);
  assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
  byte ^= (uint8_t)(1u << bit);
  assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
  close(fd);
}

/* Replaces size bytes at offset. */
static void replace(const char *dir, uint64_t file, size_t offset, size_t size, struct bytes with) {
  struct audit_name name = audit_file_name(file);
  struct buf b = load(dir, name.text), out = BUF_EMPTY;
  buf_put(&out, b.data, offset);
  buf_put_bytes(&out, with);
  buf_put(&out, b.data + offset + size, b.size - offset - size);
  save(dir, name.text, buf_bytes(&out));
  buf_free(&b);
  buf_free(&out);
}

static struct buf bytes_at(const char *dir, struct spot at) {
  struct buf b = load(dir, audit_file_name(at.file).text), out = BUF_EMPTY;
  buf_put(&out, b.data + at.offset, at.size);
  buf_free(&b);
  return out;
}

static void remove_record(const char *dir, uint64_t number) {
  struct spot at = find_record(dir, number);
  replace(dir, at.file, at.offset, at.size, (struct bytes){ 0 });
}

static void insert_copy(const char *dir, uint64_t number, uint64_t after) {
  struct buf copy = bytes_at(dir, find_record(dir, number));
  struct spot at = find_record(dir, after);
  replace(dir, at.file, at.offset + at.size, 0, buf_bytes(&copy));
  buf_free(&copy);
}

static void cut_at(const char *dir, uint64_t number, size_t more) {
  struct spot at = find_record(dir, number);
  char path[256];
  path_of(path, dir, audit_file_name(at.file).text);
  assert_int_equal(truncate(path, (off_t)(at.offset + more)), 0);
}

static void remove_file(const char *dir, const char *name) {
  char path[256];
  path_of(path, dir, name);
  assert_int_equal(unlink(path), 0);
}

static void remove_log(const char *dir, uint64_t first) {
  remove_file(dir, audit_file_name(first).text);
}

/* Computes every record's chain value of a file anew, as one who has no key can. */
static void chain_anew(const char *dir, uint64_t file) {
  struct audit_name name = audit_file_name(file);
  struct buf b = load(dir, name.text);
  uint8_t chain[AUDIT_CHAIN];
  size_t at = AUDIT_HEADER_SIZE;
  memcpy(chain, b.data + at - AUDIT_CHAIN, AUDIT_CHAIN);
  while (at < b.size) {
    struct audit_entry e;
    bool whole;
    assert_ok(audit_entry_get(bytes_of(b.data + at, b.size - at), &e, &whole));
    assert_true(whole);
    if (e.kind == AUDIT_RECORD) {
      struct bytes parts[] = { bytes_of(chain, AUDIT_CHAIN), e.prefix, e.body };
      assert_ok(crypto_sha256_parts(parts, 3, chain));
      memcpy(b.data + (e.chain.data - b.data), chain, AUDIT_CHAIN);
    }
    at += audit_entry_size(&e);
  }
  save(dir, name.text, buf_bytes(&b));
  buf_free(&b);
}

static void change_and_chain_anew(const char *dir, uint64_t number) {
  struct spot at = find_record(dir, number);
  flip(dir, audit_file_name(at.file).text, at.offset + AUDIT_PREFIX_SIZE + 20, 3);
  chain_anew(dir, at.file);
}

/* A header that is right in itself. */
static void new_header(const char *dir, uint64_t first, bool other_before) {
  struct audit_name name = audit_file_name(first);
  struct buf b = load(dir, name.text), out = BUF_EMPTY;
  struct audit_header h;
  assert_ok(audit_header_get(bytes_of(b.data, AUDIT_HEADER_SIZE), &h));
  h.created_us += !other_before;
  h.before[0] ^= other_before;
  assert_ok(audit_header_put(&h, &out));
  replace(dir, first, 0, AUDIT_HEADER_SIZE, buf_bytes(&out));
  buf_free(&b);
  buf_free(&out);
}

static void save_head(const char *dir, const struct audit_head *h) {
  struct buf b = BUF_EMPTY;
  audit_head_put(h, &b);
  save(dir, AUDIT_HEAD_FILE, buf_bytes(&b));
  buf_free(&b);
}

/* A head by a key of one's own, in the log and in the head file. */
static void forge_head(const char *dir, bool in_log) {
  struct spot at = find(dir, AUDIT_HEAD, SIGNED);
  struct buf b = bytes_at(dir, at), forged = BUF_EMPTY;
  struct audit_entry e;
  struct audit_head h;
  bool whole;
  assert_ok(audit_entry_get(buf_bytes(&b), &e, &whole));
  audit_head_get(&e, &h);
  struct key *other = new_signer();
  assert_ok(audit_head_sign(&h.at, other, &h));
  audit_head_put(&h, &forged);
  if (in_log)
    replace(dir, at.file, at.offset, at.size, buf_bytes(&forged));
  else
    save(dir, AUDIT_HEAD_FILE, buf_bytes(&forged));
  key_free(other);
  buf_free(&b);
  buf_free(&forged);
}

/* --- the table --- */

static void nothing(const char *dir) {
}
static void removed(const char *dir) {
  remove_record(dir, 77);
}
static void removed_first(const char *dir) {
  remove_record(dir, 1);
}
static void removed_last_of_file(const char *dir) {
  remove_record(dir, 160);
}
static void removed_unsigned(const char *dir) {
  remove_record(dir, 190);
}
static void swapped(const char *dir) {
  struct spot a = find_record(dir, 77), b = find_record(dir, 78);
  struct buf first = bytes_at(dir, a), both = bytes_at(dir, b);
  buf_put_bytes(&both, buf_bytes(&first));
  replace(dir, a.file, a.offset, a.size + b.size, buf_bytes(&both));
  buf_free(&first);
  buf_free(&both);
}
static void inserted_old(const char *dir) {
  insert_copy(dir, 60, 77);
}
static void inserted_twice(const char *dir) {
  insert_copy(dir, 77, 77);
}
static void inserted_forged(const char *dir) {
  struct spot at = find_record(dir, 78);
  struct buf copy = bytes_at(dir, at);
  copy.data[AUDIT_PREFIX_SIZE + 3] ^= 1;
  struct buf before = bytes_at(dir, find_record(dir, 77));
  struct bytes parts[] = {
    bytes_of(before.data + before.size - AUDIT_CHAIN, AUDIT_CHAIN),
    bytes_of(copy.data, copy.size - AUDIT_CHAIN),
  };
  assert_ok(crypto_sha256_parts(parts, 2, copy.data + copy.size - AUDIT_CHAIN));
  replace(dir, at.file, at.offset, 0, buf_bytes(&copy));
  buf_free(&copy);
  buf_free(&before);
}
static void changed_and_chained_anew(const char *dir) {
  change_and_chain_anew(dir, 77);
}
static void changed_early_and_chained_anew(const char *dir) {
  change_and_chain_anew(dir, 7);
}
static void changed_at_the_end_and_chained_anew(const char *dir) {
  change_and_chain_anew(dir, 175);
}
static void cut_before_the_head(const char *dir) {
  cut_at(dir, 171, 0);
}
static void cut_within_a_signed_record(const char *dir) {
  cut_at(dir, 171, 40);
}
static void cut_within_an_unsigned_record(const char *dir) {
  cut_at(dir, 195, 40);
}
static void cut_after_the_head(const char *dir) {
  cut_at(dir, 181, 0);
}
static void cut_a_middle_file(const char *dir) {
  cut_at(dir, 150, 0);
}
static void cut_within_a_middle_file(const char *dir) {
  cut_at(dir, 150, 5);
}
static void no_first_file(const char *dir) {
  remove_log(dir, 1);
}
static void no_second_file(const char *dir) {
  remove_log(dir, SECOND);
}
static void no_third_file(const char *dir) {
  remove_log(dir, THIRD);
}
static void no_files(const char *dir) {
  remove_log(dir, 1);
  remove_log(dir, SECOND);
  remove_log(dir, THIRD);
}
static void other_header(const char *dir) {
  new_header(dir, SECOND, true);
}
static void other_header_time(const char *dir) {
  new_header(dir, SECOND, false);
}
static void other_first_header(const char *dir) {
  new_header(dir, 1, true);
}
static void header_only(const char *dir) {
  char path[256];
  path_of(path, dir, audit_file_name(SECOND).text);
  assert_int_equal(truncate(path, 50), 0);
}
static void renamed_file(const char *dir) {
  char from[256], to[256];
  path_of(from, dir, audit_file_name(SECOND).text);
  path_of(to, dir, audit_file_name(SECOND + 1).text);
  assert_int_equal(rename(from, to), 0);
}
static void forged_head_in_log(const char *dir) {
  forge_head(dir, true);
}
static void forged_head_file(const char *dir) {
  forge_head(dir, false);
}
static void no_head_file(const char *dir) {
  remove_file(dir, AUDIT_HEAD_FILE);
}
static void empty_head_file(const char *dir) {
  save(dir, AUDIT_HEAD_FILE, (struct bytes){ 0 });
}
static void head_of_another_log(const char *dir) {
  struct audit_head h;
  struct audit_tip tip = { 190, { 1 } };
  assert_ok(audit_head_sign(&tip, signer, &h));
  save_head(dir, &h);
}
static void garbage_at_the_end(const char *dir) {
  static const uint8_t zeros[100];
  struct spot at = find_record(dir, LAST);
  replace(dir, at.file, at.offset + at.size, 0, bytes_of(zeros, sizeof zeros));
}
static void moved_head(const char *dir) {
  struct buf head = bytes_at(dir, find(dir, AUDIT_HEAD, 120));
  struct spot at = find_record(dir, 140);
  replace(dir, at.file, at.offset + at.size, 0, buf_bytes(&head));
  buf_free(&head);
}

static const struct {
  const char *name;
  void (*edit)(const char *dir);
  uint64_t broken, first, last, signed_to;
  const char *file;
} table[] = {
  { "nothing", nothing, 0, 1, LAST, SIGNED, "" },
  { "removed", removed, 77, 1, 76, 30, "0000000000000001.log" },
  { "removed first", removed_first, 1, 1, 0, 0, "0000000000000001.log" },
  { "removed last of file", removed_last_of_file, 160, 1, 159, 120, "0000000000000081.log" },
  { "removed unsigned", removed_unsigned, 190, 1, 189, SIGNED, "0000000000000161.log" },
  { "swapped", swapped, 77, 1, 76, 30, "0000000000000001.log" },
  { "inserted old", inserted_old, 78, 1, 77, 30, "0000000000000001.log" },
  { "inserted twice", inserted_twice, 77, 1, 77, 30, "0000000000000001.log" },
  { "inserted forged", inserted_forged, 78, 1, 78, 30, "0000000000000001.log" },
  { "chained anew", changed_and_chained_anew, 31, 1, 80, 30, "0000000000000001.log" },
  { "chained anew early", changed_early_and_chained_anew, 1, 1, 30, 0, "0000000000000001.log" },
  { "chained anew at the end", changed_at_the_end_and_chained_anew, 161, 1, 179, 160,
    "0000000000000161.log" },
  { "cut before the head", cut_before_the_head, 171, 1, 170, 160, "head" },
  { "cut within a signed record", cut_within_a_signed_record, 171, 1, 170, 160,
    "0000000000000161.log" },
  { "cut within an unsigned record", cut_within_an_unsigned_record, 0, 1, 194, SIGNED, "" },
  { "cut after the head", cut_after_the_head, 0, 1, SIGNED, SIGNED, "" },
  { "cut a middle file", cut_a_middle_file, 150, 1, 149, 120, "0000000000000161.log" },
  { "cut within a middle file", cut_within_a_middle_file, 150, 1, 149, 120,
    "0000000000000081.log" },
  { "no first file", no_first_file, 0, SECOND, LAST, SIGNED, "" },
  { "no second file", no_second_file, SECOND, 1, 80, 80, "0000000000000161.log" },
  { "no third file", no_third_file, THIRD, 1, 160, 160, "head" },
  { "no files", no_files, 1, 0, 0, 0, "head" },
  { "other header", other_header, SECOND, 1, 80, 80, "0000000000000081.log" },
  { "other header time", other_header_time, SECOND, 1, 80, 80, "0000000000000081.log" },
  { "other first header", other_first_header, 1, 1, 0, 0, "0000000000000001.log" },
  { "header only", header_only, SECOND, 1, 80, 80, "0000000000000081.log" },
  { "renamed file", renamed_file, SECOND, 1, 80, 80, "0000000000000082.log" },
  { "forged head in log", forged_head_in_log, SIGNED + 1, 1, SIGNED, SIGNED,
    "0000000000000161.log" },
  { "forged head file", forged_head_file, LAST + 1, 1, LAST, SIGNED, "head" },
  { "no head file", no_head_file, LAST + 1, 1, LAST, SIGNED, "head" },
  { "empty head file", empty_head_file, LAST + 1, 1, LAST, SIGNED, "head" },
  { "head of another log", head_of_another_log, SIGNED + 1, 1, 189, SIGNED,
    "0000000000000161.log" },
  { "garbage at the end", garbage_at_the_end, LAST + 1, 1, LAST, SIGNED, "0000000000000161.log" },
  { "moved head", moved_head, 141, 1, 140, 120, "0000000000000081.log" },
};

static void each_edit_names_the_first_broken_record(void **state) {
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
    const char *dir = new_dir();
    copy_dir(pristine, dir);
    table[i].edit(dir);
    struct audit_report r = verify(dir);
    print_message("%-30s %3" PRIu64 " %s: %s\n", table[i].name, r.broken, r.file, r.why);
    assert_int_equal(r.broken, table[i].broken);
    assert_int_equal(r.first, table[i].first);
    assert_int_equal(r.last, table[i].last);
    assert_int_equal(r.signed_to, table[i].signed_to);
    assert_string_equal(r.file, table[i].file);
    assert_int_equal(r.why[0] != '\0', r.broken != 0);
  }
}

/* One bit of every byte of one entry; what is named must be that record. */
static void flip_all_of(struct spot at, uint64_t broken) {
  const char *dir = new_dir();
  struct audit_name name = audit_file_name(at.file);
  copy_dir(pristine, dir);
  for (size_t i = 0; i < at.size; i++) {
    flip(dir, name.text, at.offset + i, (unsigned)(i * 5 % 8));
    struct audit_report r = verify(dir);
    if (r.broken != broken)
      print_error("byte %zu: %" PRIu64 " %s\n", i, r.broken, r.why);
    assert_int_equal(r.broken, broken);
    assert_string_equal(r.file, name.text);
    flip(dir, name.text, at.offset + i, (unsigned)(i * 5 % 8));
  }
}

static void any_flipped_bit_names_its_record(void **state) {
  static const uint64_t numbers[] = { 1, 77, 80, SECOND, 160, THIRD, SIGNED, 181, 199 };
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
    flip_all_of(find_record(pristine, numbers[i]), numbers[i]);
}

static void any_flipped_bit_of_a_header_names_the_first_record(void **state) {
  flip_all_of((struct spot){ 1, 0, AUDIT_HEADER_SIZE }, 1);
  flip_all_of((struct spot){ SECOND, 0, AUDIT_HEADER_SIZE }, SECOND);
  flip_all_of((struct spot){ THIRD, 0, AUDIT_HEADER_SIZE }, THIRD);
}

/* What follows the last good head is not vouched for; if it is the entry's form that is wrong, the
 * records before it are. */
static void any_flipped_bit_of_a_head_is_found(void **state) {
  const char *dir = new_dir();
  struct spot at = find(pristine, AUDIT_HEAD, 120);
  struct audit_name name = audit_file_name(at.file);
  copy_dir(pristine, dir);
  for (size_t i = 0; i < at.size; i++) {
    bool number = i >= 5 && i < 13, form = i < AUDIT_PREFIX_SIZE && !number;
    flip(dir, name.text, at.offset + i, (unsigned)(i % 8));
    struct audit_report r = verify(dir);
    assert_int_equal(r.broken, form ? 121 : SECOND);
    flip(dir, name.text, at.offset + i, (unsigned)(i % 8));
  }
}

static void any_flipped_bit_of_the_head_file_is_found(void **state) {
  const char *dir = new_dir();
  copy_dir(pristine, dir);
  for (size_t i = 0; i < AUDIT_HEAD_SIZE; i++) {
    flip(dir, AUDIT_HEAD_FILE, i, (unsigned)(i % 8));
    struct audit_report r = verify(dir);
    assert_int_equal(r.broken, LAST + 1);
    flip(dir, AUDIT_HEAD_FILE, i, (unsigned)(i % 8));
  }
}

static void the_given_key_counts(void **state) {
  struct buf own = load(pristine, AUDIT_PUBLIC_FILE), other = BUF_EMPTY;
  struct audit_report r;
  struct key *k = new_signer();
  assert_ok(audit_public_pem(k, &other));
  assert_ok(audit_verify(pristine, buf_bytes(&own), (struct bytes){ 0 }, &r));
  assert_int_equal(r.broken, 0);
  assert_string_equal(r.why, "");
  /* Somebody else's key: nothing of the log is his. */
  assert_ok(audit_verify(pristine, buf_bytes(&other), (struct bytes){ 0 }, &r));
  assert_int_equal(r.broken, 1);
  assert_int_equal(r.signed_to, 0);
  /* public.pem replaced: it is reported, and with the right key the log is good. */
  const char *dir = new_dir();
  copy_dir(pristine, dir);
  save(dir, AUDIT_PUBLIC_FILE, buf_bytes(&other));
  assert_ok(audit_verify(dir, buf_bytes(&own), (struct bytes){ 0 }, &r));
  assert_int_equal(r.broken, 0);
  assert_string_equal(r.file, AUDIT_PUBLIC_FILE);
  assert_string_equal(r.why, "it is not the key that was given");
  r = verify(dir);
  assert_int_equal(r.broken, 1);
  remove_file(dir, AUDIT_PUBLIC_FILE);
  assert_ok(audit_verify(dir, buf_bytes(&own), (struct bytes){ 0 }, &r));
  assert_int_equal(r.broken, 0);
  assert_true(r.why[0] != '\0');
  assert_err(audit_verify(dir, (struct bytes){ 0 }, (struct bytes){ 0 }, &r), ERR_NOT_FOUND);
  assert_err(audit_verify(dir, bytes_str("-----BEGIN PUBLIC KEY-----"), (struct bytes){ 0 }, &r),
             ERR_CONFIG);
  assert_err(audit_verify("/nonexistent", buf_bytes(&own), (struct bytes){ 0 }, &r), ERR_IO);
  key_free(k);
  buf_free(&own);
  buf_free(&other);
}

/* A log that was put back to an older state, head file and all, is good by itself. */
static void a_kept_head_shows_a_roll_back(void **state) {
  const char *older = new_dir();
  struct spot at = find(pristine, AUDIT_HEAD, 120);
  AUTO_BUF newer = load(pristine, AUDIT_HEAD_FILE);
  AUTO_BUF head = bytes_at(pristine, at);
  struct audit_report r;
  copy_dir(pristine, older);
  remove_log(older, THIRD);
  cut_at(older, 121, 0);
  save(older, AUDIT_HEAD_FILE, buf_bytes(&head));
  r = verify(older);
  assert_int_equal(r.broken, 0);
  assert_int_equal(r.last, 120);
  assert_ok(audit_verify(older, (struct bytes){ 0 }, buf_bytes(&newer), &r));
  assert_int_equal(r.broken, 121);
  assert_non_null(strstr(r.why, "the log ends at 120"));
  /* An older head fits the newer log; what is no head does not. */
  assert_ok(audit_verify(pristine, (struct bytes){ 0 }, buf_bytes(&head), &r));
  assert_int_equal(r.broken, 0);
  assert_err(audit_verify(pristine, (struct bytes){ 0 }, bytes_str("x"), &r), ERR_CORRUPT);
}

static void reading_stops_at_damage(void **state) {
  const char *dir = new_dir();
  struct seen s = { 0 };
  copy_dir(pristine, dir);
  struct spot at = find_record(dir, 190);
  flip(dir, audit_file_name(at.file).text, at.offset + 60, 1);
  assert_err(audit_read(dir, seal_key(), 150, 100, see, &s), ERR_CORRUPT);
  assert_true(says("record 190"));
  assert_int_equal(s.first, 150);
  assert_int_equal(s.last, 189);
  buf_free(&s.text);
}

/* A log that was tampered with is not appended to, as far as the last file and the head tell. */
static void a_broken_log_is_not_opened(void **state) {
  static const struct {
    void (*edit)(const char *dir);
    const char *why;
  } edits[] = {
    { removed_unsigned, "record 191 is where 190 should be" },
    { changed_at_the_end_and_chained_anew, "not those that were signed" },
    { cut_before_the_head, "records up to 180 were signed, the log ends at 170" },
    { cut_within_a_signed_record, "within record 171" },
    { no_third_file, "records up to 180 were signed, the log ends at 160" },
    { no_files, "the log's files are missing" },
    { forged_head_file, "not signed with the log's key" },
    { no_head_file, "the head file is missing" },
    { head_of_another_log, "not those that were signed" },
  };
  for (unsigned i = 0; i < sizeof edits / sizeof *edits; i++) {
    const char *dir = new_dir();
    struct audit_conf conf = conf_of(dir);
    struct audit *a;
    copy_dir(pristine, dir);
    edits[i].edit(dir);
    assert_err(audit_open(&conf, seal_key(), signer, &a), ERR_CORRUPT);
    if (!says(edits[i].why))
      print_error("%u: %s\n", i, err_last()->why);
    assert_true(says(edits[i].why));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_edit_names_the_first_broken_record),
    cmocka_unit_test(any_flipped_bit_names_its_record),
    cmocka_unit_test(any_flipped_bit_of_a_header_names_the_first_record),
    cmocka_unit_test(any_flipped_bit_of_a_head_is_found),
    cmocka_unit_test(any_flipped_bit_of_the_head_file_is_found),
    cmocka_unit_test(the_given_key_counts),
    cmocka_unit_test(a_kept_head_shows_a_roll_back),
    cmocka_unit_test(reading_stops_at_damage),
    cmocka_unit_test(a_broken_log_is_not_opened),
  };
  return cmocka_run_group_tests_name("audit tamper", tests, begin, stop);
}
