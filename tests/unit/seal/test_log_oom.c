/* Each allocation of writing and of reading a log fails once: the call says so, leaks nothing (the
 * sanitizer build looks), and does not harm what is on disk. */
#include "log_fixture.h"

#include "fault/oom.h"
#include "seal/log_follow.h"

static struct key_service service;

static err_t put_line(struct log_writer *w) {
  AUTO_LOG_BATCH b = { 0 };
  AUTO_LOG_FRAMER f = { .format = LOG_LINES };
  log_framer_put(&f, 1, bytes_str("a line\nand"), &b);
  log_framer_end(&f, 2, &b);
  TRY(log_framer_ok(&f, &b));
  return log_writer_append(w, &b);
}

static err_t begin(struct log_writer *w, struct key_cache *keys) {
  struct data_key *key AUTO(data_key) = NULL;
  TRY(key_cache_for_sealing(keys, "logs", &key));
  return log_writer_begin(w, key);
}

static err_t write_log(struct key_cache *keys) {
  struct log_writer *w AUTO(log_writer) = NULL;
  TRY(log_writer_open(t.dir, LOG_LINES, &w));
  TRY(log_writer_recover(w, keys));
  TRY(begin(w, keys));
  TRY(put_line(w));
  TRY(begin(w, keys));
  TRY(put_line(w));
  return log_writer_close(w);
}

static err_t read_log(struct key_cache *keys) {
  struct log_visitor v = { 0 };
  struct log_walk_result r;
  return log_walk(t.dir, keys, &(struct log_walk_options){ .since_ns = 1 }, &v, &r);
}

static err_t follow_log(struct key_cache *keys) {
  struct log_follower *f AUTO(log_follower) = NULL;
  const struct log_about *about;
  struct log_record r;
  bool more = true;
  uint64_t skip;
  TRY(log_follower_open(t.dir, keys, 100, &f, &skip));
  while (more)
    TRY(log_follower_next(f, &about, &r, &more));
  return OK;
}

static void each_allocation_fails(err_t (*work)(struct key_cache *keys)) {
  for (int kind = OOM_ONE; kind <= OOM_ALL; kind++)
    for (unsigned long n = 1;; n++) {
      AUTO(key_cache) struct key_cache *keys = NULL;
      assert_ok(key_cache_new(&service, NULL, &keys));
      oom_start(n, (enum oom)kind);
      err_t e = work(keys);
      if (!oom_stop()) {
        assert_ok(e);
        assert_true(n > 1);
        break;
      }
      if (e != OK) /* OpenSSL's HKDF can do without some of what it asks for */
        assert_err(e, ERR_NOMEM);
      assert_ok(log_verify(NULL, NULL));
    }
}

static int make(void **state) {
  if (log_setup(state) != 0)
    return -1;
  service = fake_service(&t.vault);
  log_make_three();
  return 0;
}

static void writing(void **state) {
  each_allocation_fails(write_log);
}

static void reading(void **state) {
  each_allocation_fails(read_log);
}

static void following(void **state) {
  each_allocation_fails(follow_log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, log_teardown)

int main(void) {
  const struct CMUnitTest tests[] = { TEST(writing), TEST(reading), TEST(following) };
  return cmocka_run_group_tests(tests, start, NULL);
}
