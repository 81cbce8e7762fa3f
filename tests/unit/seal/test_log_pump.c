/* The pump: nothing that was read is lost, whatever the disk and the vault do. */
#include "log_fixture.h"

#include "seal/log_pump.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

/* --- a vault and a disk that do as they are told --- */

static _Atomic int vault_says;
static _Atomic int write_errno, sync_errno;      /* what the next ones fail with */
static _Atomic unsigned write_fails, sync_fails; /* so many of them */

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct fake_vault good = { .version = 1 };
  err_t e = (err_t)atomic_load(&vault_says);
  if (e != OK)
    FAIL(e, "the vault says so");
  struct key_service s = fake_service(&good);
  return s.wrap(&good, key, plain, out);
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  struct fake_vault good = { .version = 1 };
  err_t e = (err_t)atomic_load(&vault_says);
  if (e != OK)
    FAIL(e, "the vault says so");
  struct key_service s = fake_service(&good);
  return s.unwrap(&good, w, out);
}

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static bool takes_one(_Atomic unsigned *left) {
  unsigned n = atomic_load(left);
  return n && atomic_compare_exchange_strong(left, &n, n == UINT32_MAX ? n : n - 1);
}

/* A full disk takes a part before it fails. */
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at) {
  if (!takes_one(&write_fails))
    return __real_pwrite64(fd, p, n, at);
  if (n > 10)
    (void)!__real_pwrite64(fd, p, n / 2, at);
  errno = atomic_load(&write_errno);
  return -1;
}

int __wrap_fdatasync(int fd) {
  if (!takes_one(&sync_fails))
    return __real_fdatasync(fd);
  errno = atomic_load(&sync_errno);
  return -1;
}

/* --- a pump in a thread --- */

static struct pump_test {
  struct log_pump_options o;
  struct log_control control;
  struct key_cache *keys;
  pthread_t thread;
  int in, out; /* the pipe */
  err_t result;
  _Atomic unsigned troubles;
} p;

static void on_trouble(void *ctx, err_t e) {
  atomic_fetch_add(&p.troubles, 1);
}

static void *run_pump(void *arg) {
  struct log_writer *w AUTO(log_writer) = NULL;
  p.result = log_writer_open(t.dir, p.o.format, &w);
  if (p.result == OK)
    p.result = log_pump(w, p.keys, "logs", &p.o, &p.control, p.in);
  return NULL;
}

static int setup(void **state) {
  struct key_service s = { .wrap = wrap, .unwrap = unwrap };
  struct key_cache_options brief = { .lifetime_s = 1 };
  int ends[2];
  p = (struct pump_test){ .o = { .format = LOG_LINES,
                                 .flush_ms = 20,
                                 .segment_size = 1u << 20,
                                 .segment_age_s = 3600,
                                 .wait_s = 20,
                                 .trouble = on_trouble } };
  vault_says = OK;
  write_fails = sync_fails = 0;
  if (log_setup(state) != 0 || pipe(ends) != 0 || log_control_new(&p.control) != OK)
    return -1;
  p.in = ends[0];
  p.out = ends[1];
  return key_cache_new(&s, &brief, &p.keys) == OK ? 0 : -1;
}

static int teardown(void **state) {
  close(p.in);
  if (p.out >= 0)
    close(p.out);
  log_control_close(&p.control);
  key_cache_free(p.keys);
  write_fails = sync_fails = 0;
  return log_teardown(state);
}

static void pump_start(void) {
  assert_int_equal(pthread_create(&p.thread, NULL, run_pump, NULL), 0);
}

static void feed(const char *line) {
  struct bytes rest = bytes_str(line);
  assert_ok(file_write_fd(p.out, "pipe", rest));
}

static void feed_many(unsigned from, unsigned to) {
  AUTO_BUF b = BUF_EMPTY;
  for (unsigned i = from; i <= to; i++)
    buf_printf(&b, "line %u\n", i);
  assert_ok(file_write_fd(p.out, "pipe", buf_bytes(&b)));
}

/* Until it has taken that much, and takes no more for a tenth of a second. */
static size_t feed_all_it_takes(const struct buf *b, size_t least) {
  size_t fed = 0;
  for (unsigned idle = 0; (idle < 50 || fed < least) && fed < b->size; idle++) {
    ssize_t n = write(p.out, b->data + fed, b->size - fed);
    fed += n > 0 ? (size_t)n : 0;
    idle = n > 0 ? 0 : idle;
    usleep(2000);
  }
  return fed;
}

static err_t pump_join(void) {
  pthread_join(p.thread, NULL);
  return p.result;
}

static err_t pump_end(void) {
  close(p.out);
  p.out = -1;
  return pump_join();
}

static err_t pump_stop(void) {
  atomic_store(&p.control.stop, true);
  log_control_wake(&p.control);
  return pump_join();
}

static void ask_rotation(void) {
  atomic_store(&p.control.rotate, true);
  log_control_wake(&p.control);
}

/* Lines "line 1" to "line n", each once and in order. */
static void has_lines(unsigned n) {
  AUTO_BUF got = BUF_EMPTY, expected = BUF_EMPTY;
  for (unsigned i = 1; i <= n; i++)
    buf_printf(&expected, "line %u\n", i);
  assert_ok(log_lines(&got));
  assert_bytes(buf_bytes(&got), buf_bytes(&expected));
  assert_ok(log_verify(NULL, NULL));
}

/* Waits for something that comes, at most for some seconds. */
static bool comes(bool (*yes)(void)) {
  for (unsigned i = 0; i < 1500; i++) {
    if (yes())
      return true;
    usleep(10000);
  }
  return false;
}

static unsigned count_lines(void) {
  AUTO_BUF got = BUF_EMPTY;
  unsigned n = 0;
  if (log_lines(&got) != OK)
    return 0;
  for (size_t i = 0; i < got.size; i++)
    n += got.data[i] == '\n';
  return n;
}

static size_t segments(void) {
  AUTO_LOG_NAMES names = { 0 };
  assert_ok(log_names_read(t.dir, &names));
  return names.count;
}

static bool has_3_lines(void) {
  return count_lines() == 3;
}
static bool has_2_segments(void) {
  return segments() == 2;
}
static bool has_trouble(void) {
  return atomic_load(&p.troubles) > 0;
}
static bool pipe_empty(void) {
  struct pollfd fd = { p.in, POLLIN, 0 };
  return poll(&fd, 1, 0) == 0;
}

/* --- */

static void all_of_a_stream(void **state) {
  struct log_walk_result r;
  p.o.queue = 256u << 10;
  pump_start();
  feed_many(1, 300000);
  assert_ok(pump_end());
  has_lines(300000);
  assert_ok(log_verify(NULL, &r));
  assert_false(r.open);
  assert_true(r.segments > 1); /* 3.5 MB */
}

static void entries_come_while_it_runs(void **state) {
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  feed("line ");
  assert_true(comes(pipe_empty));
  feed("4\n");
  assert_ok(pump_end());
  has_lines(4);
}

static void a_signal_rotates(void **state) {
  pump_start();
  ask_rotation(); /* of an empty segment: nothing happens */
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  assert_int_equal(segments(), 1);
  ask_rotation();
  assert_true(comes(has_2_segments));
  feed_many(4, 5);
  assert_ok(pump_end());
  has_lines(5);
}

static void age_rotates(void **state) {
  p.o.segment_age_s = 1;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_2_segments));
  feed_many(4, 4);
  assert_ok(pump_end());
  has_lines(4);
}

static void stopped_it_takes_what_is_in_the_pipe(void **state) {
  struct log_walk_result r;
  p.o.flush_ms = 1000;
  pump_start();
  feed_many(1, 3000);
  feed("line 3001");
  assert_true(comes(pipe_empty));
  feed("\nline 3002\n");
  assert_ok(pump_stop());
  has_lines(3002);
  assert_ok(log_verify(NULL, &r));
  assert_false(r.open);
}

static void a_vault_away_at_the_start(void **state) {
  vault_says = ERR_AWAY;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_trouble));
  assert_false(pipe_empty());
  assert_int_equal(segments(), 0);
  vault_says = OK;
  assert_ok(pump_end());
  has_lines(3);
}

static void a_vault_away_for_too_long(void **state) {
  vault_says = ERR_SEALED;
  p.o.wait_s = 0;
  pump_start();
  feed_many(1, 3);
  assert_err(pump_join(), ERR_SEALED);
  assert_false(pipe_empty());
  assert_int_equal(segments(), 0);
}

static void a_refusal_at_the_start(void **state) {
  vault_says = ERR_FORBIDDEN;
  pump_start();
  assert_err(pump_join(), ERR_FORBIDDEN);
  vault_says = ERR_AWAY;
  pump_start();
  assert_err(pump_stop(), OK); /* it waits, and can be told to stop */
}

static void forget_the_key(void) {
  usleep(1100000); /* its lifetime */
}

static void a_vault_away_at_rotation(void **state) {
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  vault_says = ERR_AWAY;
  forget_the_key();
  ask_rotation();
  feed_many(4, 100000);
  assert_true(comes(has_trouble));
  assert_true(comes(pipe_empty));
  assert_int_equal(segments(), 1);
  vault_says = OK;
  assert_true(comes(has_2_segments));
  feed_many(100001, 100002);
  assert_ok(pump_end());
  has_lines(100002);
}

/* As much as fits, and then the producer waits; what was read is there in the end. */
static void a_vault_away_at_rotation_for_too_long(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  p.o.segment_size = 65536;
  p.o.wait_s = 1;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  vault_says = ERR_AWAY;
  forget_the_key();
  for (unsigned i = 4; i <= 400000; i++)
    buf_printf(&b, "line %u\n", i);
  assert_int_equal(fcntl(p.out, F_SETFL, O_NONBLOCK), 0);
  size_t fed = feed_all_it_takes(&b, LOG_PUMP_STRETCH * p.o.segment_size);
  assert_true(fed < b.size);
  assert_err(pump_join(), ERR_AWAY);
  AUTO_BUF got = BUF_EMPTY;
  assert_ok(log_lines(&got));
  size_t first = strlen("line 1\nline 2\nline 3\n");
  assert_int_equal(got.size, first + fed); /* that of the pipe, too */
  assert_memory_equal(got.data + first, b.data, fed);
  assert_ok(log_verify(NULL, NULL));
}

static void a_refusal_at_rotation(void **state) {
  struct log_walk_result r;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  vault_says = ERR_FORBIDDEN;
  ask_rotation();
  usleep(600000); /* from half of its lifetime on the key is asked for again */
  ask_rotation();
  feed_many(4, 5);
  usleep(600000);
  ask_rotation();
  feed_many(6, 6);
  assert_err(pump_join(), ERR_FORBIDDEN);
  vault_says = OK;
  assert_ok(log_verify(NULL, &r));
  assert_false(r.open);
  assert_true(count_lines() >= 3);
}

static void a_full_disk_passes(void **state) {
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  write_errno = ENOSPC;
  write_fails = 2;
  feed_many(4, 50000);
  assert_ok(pump_end());
  has_lines(50000);
  assert_true(has_trouble());
}

/* At the beginning, and when a segment ends. */
static void a_full_disk_at_each_write(void **state) {
  for (unsigned n = 0; n < 6; n++) {
    if (n)
      assert_int_equal(setup(state), 0);
    p.o.segment_size = 65536;
    write_errno = ENOSPC;
    pump_start();
    for (unsigned i = 0; i < 6; i++) {
      write_fails = i == n;
      feed_many(1 + i * 10000, (i + 1) * 10000);
    }
    assert_ok(pump_end());
    has_lines(60000);
    if (n < 5)
      assert_int_equal(teardown(state), 0);
  }
}

/* What is on the disk is not known then: the record is in the next segment, once. */
static void a_sync_fails(void **state) {
  struct log_walk_result r;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  sync_errno = EIO;
  sync_fails = 1;
  feed_many(4, 5);
  assert_ok(pump_end());
  has_lines(5);
  assert_ok(log_verify(NULL, &r));
  assert_int_equal(r.segments, 2);
}

/* The segment is gone and there is no key for another: it ends, whether it is told to or not. */
static void a_sync_fails_with_the_vault_away(void **state) {
  for (int stop = 0; stop < 2; stop++) {
    if (stop)
      assert_int_equal(setup(state), 0);
    p.o.wait_s = 1;
    pump_start();
    feed_many(1, 3);
    assert_true(comes(has_3_lines));
    vault_says = ERR_AWAY;
    forget_the_key();
    sync_errno = EIO;
    sync_fails = 1;
    feed_many(4, 5);
    assert_true(comes(has_trouble));
    err_t e = stop ? pump_stop() : pump_join();
    assert_true(e == ERR_AWAY || e == ERR_OUTPUT);
    assert_true(count_lines() >= 3); /* what was not acknowledged may be there */
    if (!stop)
      assert_int_equal(teardown(state), 0);
  }
}

static void a_disk_that_stays_full(void **state) {
  p.o.wait_s = 1;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  write_errno = ENOSPC;
  write_fails = UINT32_MAX;
  feed_many(4, 5);
  assert_err(pump_join(), ERR_OUTPUT);
  write_fails = 0;
  has_lines(3);
}

/* Stopped while the disk is full: one more try, and an error. */
static void stopped_with_a_full_disk(void **state) {
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  write_errno = ENOSPC;
  write_fails = UINT32_MAX;
  feed_many(4, 5);
  assert_true(comes(has_trouble));
  assert_err(pump_stop(), ERR_OUTPUT);
  write_fails = 0;
  has_lines(3);
}

static void the_queue_is_bounded(void **state) {
  p.o.queue = 256u << 10;
  pump_start();
  feed_many(1, 3);
  assert_true(comes(has_3_lines));
  write_errno = ENOSPC;
  write_fails = UINT32_MAX;
  assert_int_equal(fcntl(p.out, F_SETFL, O_NONBLOCK), 0);
  AUTO_BUF b = BUF_EMPTY;
  for (unsigned i = 4; i <= 400000; i++)
    buf_printf(&b, "line %u\n", i);
  size_t fed = feed_all_it_takes(&b, p.o.queue / 2);
  assert_true(fed > p.o.queue / 2 && fed < 4 * p.o.queue);
  write_fails = 0;
  assert_int_equal(fcntl(p.out, F_SETFL, 0), 0);
  assert_ok(file_write_fd(p.out, "pipe", bytes_of(b.data + fed, b.size - fed)));
  assert_ok(pump_end());
  has_lines(400000);
}

static void an_input_that_cannot_be_read(void **state) {
  close(p.in);
  p.in = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  pump_start();
  assert_err(pump_join(), ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(all_of_a_stream),
    TEST(entries_come_while_it_runs),
    TEST(a_signal_rotates),
    TEST(age_rotates),
    TEST(stopped_it_takes_what_is_in_the_pipe),
    TEST(a_vault_away_at_the_start),
    TEST(a_vault_away_for_too_long),
    TEST(a_refusal_at_the_start),
    TEST(a_vault_away_at_rotation),
    TEST(a_vault_away_at_rotation_for_too_long),
    TEST(a_refusal_at_rotation),
    TEST(a_full_disk_passes),
    TEST(a_full_disk_at_each_write),
    TEST(a_sync_fails),
    TEST(a_sync_fails_with_the_vault_away),
    TEST(a_disk_that_stays_full),
    TEST(stopped_with_a_full_disk),
    TEST(the_queue_is_bounded),
    TEST(an_input_that_cannot_be_read),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
