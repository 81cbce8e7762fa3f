/* The audit log in use: what is appended is durable, readable and says what happened. */
#include "test_audit.h"

#include "base/clock.h"

#include <pthread.h>

/* --- records as JSON --- */

static json_t *only_record(const char *dir) {
  struct seen s = { 0 };
  json_t *j = NULL;
  assert_ok(audit_read(dir, seal_key(), 1, 10, see, &s));
  assert_int_equal(s.count, 1);
  assert_ok(json_read(bytes_of(s.text.data, s.text.size - 1), &j));
  buf_free(&s.text);
  return j;
}

static void append_one(const char *dir, const struct audit_event *e) {
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  uint64_t ticket;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_ok(audit_append(a, e, &ticket));
  assert_int_equal(ticket, 1);
  assert_ok(audit_wait(a, ticket));
  audit_close(a);
}

static const char *text_of(json_t *j, const char *outer, const char *name) {
  json_t *o = outer ? json_object_get(j, outer) : j;
  const char *s = json_string_value(json_object_get(o, name));
  assert_non_null(s);
  return s;
}

static void says_who_did_what(void **state) {
  const char *dir = new_dir();
  struct audit_event e = event("8a1b");
  append_one(dir, &e);
  AUTO_JSON *j = only_record(dir);
  assert_int_equal(json_integer_value(json_object_get(j, "number")), 1);
  assert_string_equal(text_of(j, NULL, "time"), "2025-11-24T16:00:00.123456Z");
  assert_string_equal(text_of(j, NULL, "operationName"), "KeyUnwrap");
  assert_string_equal(text_of(j, NULL, "category"), "AuditEvent");
  assert_string_equal(text_of(j, NULL, "resultType"), "Success");
  assert_string_equal(text_of(j, NULL, "resultSignature"), "OK");
  assert_int_equal(json_integer_value(json_object_get(j, "httpStatusCode")), 200);
  double ms = json_real_value(json_object_get(j, "durationMs"));
  assert_true(ms > 21.0419 && ms < 21.0421);
  assert_string_equal(text_of(j, NULL, "callerIpAddress"), "127.0.0.1");
  assert_string_equal(text_of(j, NULL, "correlationId"), "8a1b");
  assert_string_equal(text_of(j, "identity", "appid"), e.app_id);
  assert_string_equal(text_of(j, "identity", "oid"), e.oid);
  assert_string_equal(text_of(j, "properties", "id"),
                      "https://vault.example:8443/keys/rsa1/0123456789abcdef0123456789abcdef");
  assert_string_equal(text_of(j, "properties", "clientRequestId"), "theirs");
  assert_string_equal(text_of(j, "properties", "clientInfo"), "test/1.0");
}

static void says_what_failed(void **state) {
  const char *dir = new_dir();
  struct audit_event e = {
    .time_us = 1, .operation = "KeySign", .status = 403, .code = "Forbidden"
  };
  append_one(dir, &e);
  AUTO_JSON *j = only_record(dir);
  assert_string_equal(text_of(j, NULL, "resultType"), "Failure");
  assert_string_equal(text_of(j, NULL, "resultSignature"), "Forbidden");
  assert_string_equal(text_of(j, "identity", "appid"), "");
  assert_string_equal(text_of(j, "properties", "id"), "");
}

static void foreign_text_is_made_safe(void **state) {
  static const struct {
    const char *in, *out;
  } table[] = {
    { "plain", "plain" },
    { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91",
      "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91" },
    { "\x1b[31m\n\"\\", "\x1b[31m\n\"\\" },
    { "a\xff"
      "b",
      "a\xef\xbf\xbd"
      "b" },
    { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong */
    { "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
    { "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    { "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
    { "\xc2\x9b"
      "31m",
      "\xc2\x9b"
      "31m" }, /* C1: a terminal's CSI, escaped in the JSON */
  };
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
    AUTO_BUF plain = BUF_EMPTY;
    AUTO_BUF json = BUF_EMPTY;
    struct audit_event e = event("x");
    e.user_agent = bytes_str(table[i].in);
    audit_event_put(&e, &plain);
    assert_ok(audit_event_json(1, buf_bytes(&plain), &json));
    for (size_t k = 0; k < json.size; k++)
      assert_true(json.data[k] >= 0x20 && json.data[k] != 0x7f);
    AUTO_JSON *j = NULL;
    assert_ok(json_read(buf_bytes(&json), &j));
    assert_string_equal(text_of(j, "properties", "clientInfo"), table[i].out);
  }
}

static void a_nul_is_made_safe(void **state) {
  AUTO_BUF plain = BUF_EMPTY;
  AUTO_BUF json = BUF_EMPTY;
  struct audit_event e = event("x");
  e.user_agent = bytes_of("a\0b", 3);
  audit_event_put(&e, &plain);
  assert_ok(audit_event_json(1, buf_bytes(&plain), &json));
  AUTO_JSON *j = NULL;
  assert_ok(json_read(buf_bytes(&json), &j));
  assert_string_equal(text_of(j, "properties", "clientInfo"), "a\xef\xbf\xbd"
                                                              "b");
}

static void long_text_is_cut(void **state) {
  static char text[70000];
  memset(text, 'a', sizeof text - 1);
  struct audit_event e = {
    .time_us = INT64_C(1764000000123456),
    .operation = text,
    .code = text,
    .object = bytes_str(text),
    .host = bytes_str(text),
    .app_id = text,
    .oid = text,
    .peer = text,
    .request_id = text,
    .client_request_id = bytes_str(text),
    .user_agent = bytes_str(text),
    .duration_us = UINT32_MAX,
  };
  AUTO_BUF plain = BUF_EMPTY;
  audit_event_put(&e, &plain);
  assert_true(plain.size <= AUDIT_EVENT_MAX);
  const char *dir = new_dir();
  append_one(dir, &e);
  AUTO_JSON *j = only_record(dir);
  assert_int_equal(strlen(text_of(j, NULL, "operationName")), 256);
  assert_int_equal(strlen(text_of(j, "properties", "clientInfo")), 256);
  assert_int_equal(strlen(text_of(j, "properties", "id")), strlen("https://") + 256 + 1 + 400);
}

static void malformed_plaintext_is_refused(void **state) {
  AUTO_BUF plain = BUF_EMPTY;
  AUTO_BUF json = BUF_EMPTY;
  struct audit_event e = event("x");
  audit_event_put(&e, &plain);
  for (size_t n = 0; n < plain.size; n++)
    assert_err(audit_event_json(1, bytes_of(plain.data, n), &json), ERR_CORRUPT);
  buf_put_char(&plain, 0);
  assert_err(audit_event_json(1, buf_bytes(&plain), &json), ERR_CORRUPT);
  e.time_us = -1;
  buf_clear(&plain);
  audit_event_put(&e, &plain);
  assert_err(audit_event_json(1, buf_bytes(&plain), &json), ERR_CORRUPT);
  assert_err(audit_event_json(1, bytes_of("\x03", 1), &json), ERR_CORRUPT);
  assert_int_equal(json.size, 0);
}

/* --- at rest --- */

static void files_hold_no_names(void **state) {
  const char *dir = new_dir();
  struct audit_event e = event("secret-request-id");
  append_one(dir, &e);
  static const char *const names[] = { "rsa1",         "vault.example",     "KeyUnwrap",
                                       "444455556666", "secret-request-id", "127.0.0.1" };
  struct buf b = load(dir, audit_file_name(1).text);
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
    assert_null(memmem(b.data, b.size, names[i], strlen(names[i])));
  buf_free(&b);
}

static void files_are_private(void **state) {
  const char *dir = new_dir();
  struct audit_event e = event("x");
  append_one(dir, &e);
  static const char *const names[] = { ".", "0000000000000001.log", "head", "public.pem" };
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    char path[256];
    struct stat st;
    path_of(path, dir, names[i]);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, i == 0 ? 0700 : 0600);
  }
}

/* --- tickets --- */

static void tickets_start_anew_and_numbers_go_on(void **state) {
  const char *dir = new_dir();
  for (uint64_t round = 1; round <= 3; round++) {
    struct sink sink = { 0 };
    struct audit_conf conf = conf_with(dir, &sink);
    struct audit *a;
    assert_ok(audit_open(&conf, seal_key(), signer, &a));
    for (uint64_t i = 1; i <= 10; i++) {
      uint64_t ticket = 0;
      struct audit_event e = event("x");
      assert_ok(audit_append(a, &e, &ticket));
      assert_int_equal(ticket, i);
    }
    audit_close(a); /* writes what is pending */
    assert_int_equal(sink.durable, 10);
    assert_int_equal(sink.failures, 0);
    struct audit_report r = verify(dir);
    assert_int_equal(r.broken, 0);
    assert_int_equal(r.first, 1);
    assert_int_equal(r.last, 10 * round);
    assert_int_equal(r.signed_to, 10 * round);
  }
}

static void unknown_tickets_are_not_durable(void **state) {
  struct audit_conf conf = conf_of(new_dir());
  struct audit *a;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_err(audit_wait(a, 0), ERR_AUDIT);
  assert_err(audit_wait(a, 1), ERR_AUDIT);
  audit_close(a);
}

static void a_full_queue_refuses_and_says_so(void **state) {
  sem_t go;
  struct sink sink = { .stall = &go };
  const char *dir = new_dir();
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  uint64_t ticket = 0;
  struct audit_event e = event("x");
  sem_init(&go, 0, 0);
  conf.rotate_bytes = 1u << 30;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  assert_ok(audit_append(a, &e, &ticket));
  while (sink.durable < ticket)
    usleep(100); /* now the log's thread stands in on_durable() */
  uint64_t before = ticket, accepted = 0;
  while (audit_append(a, &e, &ticket) == OK)
    accepted++;
  assert_int_equal(accepted, 65536);
  assert_int_equal(ticket, before + accepted);
  assert_err(audit_append(a, &e, &ticket), ERR_AUDIT);
  for (unsigned i = 0; i < 1000; i++)
    sem_post(&go);
  assert_ok(audit_wait(a, ticket));
  assert_ok(audit_append(a, &e, &ticket));
  assert_ok(audit_wait(a, ticket));
  audit_close(a);
  sem_destroy(&go);
  struct seen s = { 0 };
  assert_ok(audit_read(dir, seal_key(), 1, UINT64_MAX, see, &s));
  assert_int_equal(s.count, 1 + accepted + 1 + 1);
  assert_true(text_has(&s, "\"operationName\":\"AuditGap\""));
  assert_true(text_has(&s, "\"notRecorded\":2,"));
  buf_free(&s.text);
}

#define THREADS 16
#define EACH 100

static void *append_and_wait(void *arg) {
  struct audit *a = arg;
  for (unsigned i = 0; i < EACH; i++) {
    uint64_t ticket;
    char id[32];
    snprintf(id, sizeof id, "t%lx-%u", (unsigned long)pthread_self(), i);
    struct audit_event e = event(id);
    assert_ok(audit_append(a, &e, &ticket));
    assert_ok(audit_wait(a, ticket));
  }
  return NULL;
}

static void many_threads(void **state) {
  struct sink sink = { 0 };
  const char *dir = new_dir();
  struct audit_conf conf = conf_with(dir, &sink);
  struct audit *a;
  pthread_t threads[THREADS];
  conf.sync = true;
  conf.rotate_bytes = 100000;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  for (unsigned i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, append_and_wait, a), 0);
  /* Reading and verifying go on meanwhile. */
  for (uint64_t last = 0; last < THREADS * EACH;) {
    struct audit_report r = verify(dir);
    assert_int_equal(r.broken, 0);
    assert_true(r.last >= last);
    struct seen s = { 0 };
    uint64_t from = last > 5 ? last - 5 : 1;
    assert_ok(audit_read(dir, seal_key(), from, UINT64_MAX, see, &s));
    assert_true(s.count == 0 || s.first == from);
    assert_true(r.last == 0 || s.last >= r.last);
    buf_free(&s.text);
    last = r.last;
  }
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  audit_close(a);
  assert_int_equal(sink.durable, THREADS * EACH);
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 0);
  assert_int_equal(r.last, THREADS * EACH);
  assert_int_equal(r.signed_to, THREADS * EACH);
}

/* --- files --- */

static unsigned count_files(const char *dir) {
  struct audit_files f;
  int fd;
  assert_ok(audit_dir_open(dir, &fd));
  assert_ok(audit_files_list(fd, &f));
  unsigned n = (unsigned)f.count;
  audit_files_free(&f);
  close(fd);
  return n;
}

static void rotates_by_size_and_reads_across(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  conf.rotate_bytes = 5000;
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  for (unsigned i = 0; i < 100; i++)
    assert_ok(write_batch(&w, 1));
  assert_ok(audit_writer_heads(&w, true));
  audit_writer_close(&w);
  assert_true(count_files(dir) >= 5);
  for (uint64_t from = 0; from <= 101; from++) {
    struct seen s = { 0 };
    uint64_t begin = from ? from : 1, left = 101 - begin;
    assert_ok(audit_read(dir, seal_key(), from, 7, see, &s));
    assert_int_equal(s.count, left < 7 ? left : 7);
    if (s.count)
      assert_int_equal(s.first, begin);
    buf_free(&s.text);
  }
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 0);
  assert_int_equal(r.last, 100);
}

static void rotates_by_age(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  conf.rotate_seconds = 3600;
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  assert_ok(write_batch(&w, 3));
  assert_ok(write_batch(&w, 3));
  assert_int_equal(count_files(dir), 1);
  clock_shift(3601);
  assert_ok(write_batch(&w, 0)); /* nothing to write: no new file */
  assert_int_equal(count_files(dir), 1);
  assert_ok(write_batch(&w, 3));
  assert_int_equal(count_files(dir), 2);
  audit_writer_close(&w);
  clock_shift(0);
  struct audit_report r = verify(dir);
  assert_int_equal(r.broken, 0);
  assert_int_equal(r.last, 9);
  assert_int_equal(r.signed_to, 6); /* the head at the end of the first file */
}

static void heads_are_signed_within_a_second(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  uint64_t ticket = 0;
  struct audit_event e = event("x");
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  for (unsigned i = 0; i < 5; i++)
    assert_ok(audit_append(a, &e, &ticket));
  assert_ok(audit_wait(a, ticket));
  struct audit_report r = { 0 };
  for (unsigned i = 0; i < 300 && r.signed_to < 5; i++) {
    usleep(10000);
    r = verify(dir);
    assert_int_equal(r.broken, 0);
  }
  assert_int_equal(r.signed_to, 5);
  audit_close(a);
}

static err_t refuse_third(void *ctx, uint64_t number, struct bytes json) {
  return number == 3 ? ERR_BUSY : OK;
}

static void a_reader_may_stop(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit_writer w;
  assert_ok(audit_writer_open(&w, &conf, seal_key(), signer));
  assert_ok(write_batch(&w, 5));
  audit_writer_close(&w);
  assert_err(audit_read(dir, seal_key(), 1, 10, refuse_third, NULL), ERR_BUSY);
  assert_err(
    audit_read(dir, bytes_of("0123456789abcdef0123456789abcdef", 32), 1, 10, refuse_third, NULL),
    ERR_CORRUPT);
}

static void a_gap_says_how_many_are_not_recorded(void **state) {
  AUTO_BUF plain = BUF_EMPTY;
  AUTO_BUF json = BUF_EMPTY;
  struct audit_gap g = { 1, 2000000, 77 };
  audit_gap_put(&g, &plain);
  assert_ok(audit_event_json(9, buf_bytes(&plain), &json));
  AUTO_JSON *j = NULL;
  assert_ok(json_read(buf_bytes(&json), &j));
  assert_string_equal(text_of(j, NULL, "operationName"), "AuditGap");
  assert_string_equal(text_of(j, NULL, "time"), "1970-01-01T00:00:02.000000Z");
  assert_string_equal(text_of(j, "properties", "since"), "1970-01-01T00:00:00.000001Z");
  assert_int_equal(
    json_integer_value(json_object_get(json_object_get(j, "properties"), "notRecorded")), 77);
}

static void append_to(struct audit *a) {
  uint64_t ticket;
  struct audit_event e = event("one");
  assert_ok(audit_append(a, &e, &ticket));
  assert_ok(audit_wait(a, ticket));
}

/* What was known to have been there must be there, unless it is said to be lost. */
static void expect_loss(const char *dir, uint64_t reached, uint64_t first) {
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  struct seen s = { 0 };
  conf.begun = true;
  conf.reached = reached;
  assert_err(audit_open(&conf, seal_key(), signer, &a), ERR_CORRUPT);
  conf.lost = true;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_to(a);
  assert_int_equal(audit_last(a), first + 1);
  audit_close(a);
  assert_ok(audit_read(dir, seal_key(), first, 100, see, &s));
  assert_int_equal(s.count, 2);
  assert_true(text_has(&s, "AuditLost"));
  buf_free(&s.text);
  assert_string_equal(verify(dir).why, "");
  conf.lost = false;
  conf.reached = first + 1;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  audit_close(a);
}

static void a_lost_log_is_noticed(void **state) {
  const char *dir = new_dir();
  struct audit_conf conf = conf_of(dir);
  struct audit *a;
  assert_ok(audit_open(&conf, seal_key(), signer, &a));
  append_to(a);
  append_to(a);
  audit_close(a);
  expect_loss(dir, 5, 3);       /* ends before record 5: goes on with 3 */
  expect_loss(new_dir(), 5, 6); /* there is none */
  expect_loss(new_dir(), 0, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(says_who_did_what),
    cmocka_unit_test(says_what_failed),
    cmocka_unit_test(foreign_text_is_made_safe),
    cmocka_unit_test(a_nul_is_made_safe),
    cmocka_unit_test(long_text_is_cut),
    cmocka_unit_test(malformed_plaintext_is_refused),
    cmocka_unit_test(files_hold_no_names),
    cmocka_unit_test(files_are_private),
    cmocka_unit_test(tickets_start_anew_and_numbers_go_on),
    cmocka_unit_test(unknown_tickets_are_not_durable),
    cmocka_unit_test(a_full_queue_refuses_and_says_so),
    cmocka_unit_test(many_threads),
    cmocka_unit_test(rotates_by_size_and_reads_across),
    cmocka_unit_test(rotates_by_age),
    cmocka_unit_test(heads_are_signed_within_a_second),
    cmocka_unit_test(a_reader_may_stop),
    cmocka_unit_test(a_lost_log_is_noticed),
    cmocka_unit_test(a_gap_says_how_many_are_not_recorded),
  };
  return cmocka_run_group_tests_name("audit", tests, start, stop);
}
