#include "log_fixture.h"

#include <dirent.h>

struct log_test t;

int log_setup(void **state) {
  t = (struct log_test){ 0 };
  t.keys = fake_keys(&t.vault);
  /* Where syncing costs nothing, if there is such a place. */
  const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(t.dir, sizeof t.dir, "%s/test-log-XXXXXX", where);
  return mkdtemp(t.dir) ? 0 : -1;
}

int log_teardown(void **state) {
  DIR *d = opendir(t.dir);
  if (t.writer)
    log_writer_free(TAKE(t.writer));
  key_cache_free(t.keys);
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.' || e->d_name[1] > '.')
      unlinkat(dirfd(d), e->d_name, 0);
  if (d)
    closedir(d);
  return rmdir(t.dir);
}

err_t log_begin_segment(void) {
  struct data_key *key AUTO(data_key) = NULL;
  TRY(key_cache_for_sealing(t.keys, "logs", &key));
  return log_writer_begin(t.writer, key);
}

void log_start(void) {
  assert_ok(log_writer_open(t.dir, LOG_LINES, &t.writer));
  assert_ok(log_writer_recover(t.writer, t.keys));
  assert_ok(log_begin_segment());
}

static err_t put(const char *text) {
  AUTO_LOG_BATCH b = { 0 };
  struct log_entry e = { 0, log_now_ns(), bytes_str(text) };
  log_batch_add(&b, &e);
  return log_writer_append(t.writer, &b);
}

void log_put(const char *text) {
  assert_ok(put(text));
}

void log_put_many(unsigned from, unsigned to) {
  char text[24];
  for (unsigned i = from; i <= to; i++) {
    snprintf(text, sizeof text, "line %u", i);
    log_put(text);
  }
}

void log_stop(void) {
  assert_ok(log_writer_close(t.writer));
  log_writer_free(TAKE(t.writer));
}

void log_crash(void) {
  log_writer_free(TAKE(t.writer));
}

void log_make_three(void) {
  log_start();
  log_put_many(1, 3);
  assert_ok(log_begin_segment());
  log_put_many(4, 5);
  log_crash();
  log_start();
  log_put_many(6, 7);
  log_stop();
}

static err_t collect(void *ctx, const struct log_about *about, const struct log_record *r) {
  struct log_entries it = { .rest = r->entries, .ns = r->first_ns };
  struct log_entry e;
  while (log_entries_next(&it, &e)) {
    buf_put_bytes(ctx, e.text);
    if (!(e.flags & (LOG_GOES_ON | LOG_UNTERMINATED)))
      buf_put_char(ctx, '\n');
  }
  assert_false(it.bad);
  return buf_ok(ctx);
}

err_t log_lines(struct buf *out) {
  struct log_visitor v = { .ctx = out, .record = collect };
  struct log_walk_result r;
  buf_clear(out);
  return log_walk(t.dir, t.keys, &(struct log_walk_options){ 0 }, &v, &r);
}

err_t log_verify(const struct log_walk_options *o, struct log_walk_result *r) {
  struct log_visitor v = { 0 };
  struct log_walk_options none = { 0 };
  struct log_walk_result result;
  return log_walk(t.dir, t.keys, o ? o : &none, &v, r ? r : &result);
}

const char *log_path(uint64_t segment) {
  static char path[4][128];
  static unsigned next;
  AUTO_LOG_NAMES names = { 0 };
  char *out = path[next++ % 4];
  assert_ok(log_names_read(t.dir, &names));
  for (size_t i = 0; i < names.count; i++)
    if (names.at[i].number == segment) {
      snprintf(out, sizeof path[0], "%s/%s", t.dir, names.at[i].text);
      return out;
    }
  fail_msg("there is no segment %llu", (unsigned long long)segment);
  return NULL;
}

struct bytes log_load(uint64_t segment) {
  AUTO_FD fd = open(log_path(segment), O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  return file_bytes(fd);
}

void log_store(uint64_t segment, struct bytes content) {
  AUTO_FD fd = open(log_path(segment), O_WRONLY | O_TRUNC | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_ok(file_write_fd(fd, "segment", content));
}

uint64_t log_offset(uint64_t segment, uint64_t record) {
  AUTO_FD fd = open(log_path(segment), O_RDONLY | O_CLOEXEC);
  struct log_scan s = { .fd = fd, .at = LOG_START };
  enum log_found found;
  for (uint64_t i = 1; i < record; i++) {
    assert_ok(log_scan_skip(&s, &found));
    assert_int_equal(found, LOG_FOUND);
  }
  return s.at;
}
