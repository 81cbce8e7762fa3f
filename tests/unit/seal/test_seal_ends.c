/* The ends of streams: pipes, holes, what cannot be read or written, who watches. */
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- pipes --- */

static volatile sig_atomic_t signalled;
static void on_signal(int sig) {
  signalled = sig;
}

/* Another end, and signals for this one that mean nothing to it, again and again. */
static pthread_t start_other_end(void *(*run_end)(void *), void *arg) {
  struct sigaction a = { .sa_handler = on_signal };
  sigset_t alarms;
  pthread_t thread;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  signalled = 0;
  sigaction(SIGALRM, &a, NULL);
  pthread_sigmask(SIG_BLOCK, &alarms, NULL);
  pthread_create(&thread, NULL, run_end, arg);
  pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
  ualarm(700, 700);
  return thread;
}

static void end_other_end(pthread_t thread) {
  ualarm(0, 0);
  pthread_join(thread, NULL);
  assert_true(signalled);
}

struct trickle {
  struct bytes data;
  int fd;
};

static void *write_slowly(void *p) {
  struct trickle *t = p;
  for (size_t at = 0, n = 1; at < t->data.size; at += n, n = n * 5 % 70001) {
    if (n > t->data.size - at)
      n = t->data.size - at;
    if (write(t->fd, t->data.data + at, n) != (ssize_t)n)
      break;
    usleep(300);
  }
  close(t->fd);
  return NULL;
}

static void pipes_with_short_reads(void **state) {
  for (int format = 0; format < FORMATS; format++)
    for (unsigned way = 0; way < 4; way++) {
      AUTO(payload) struct payload *p = payload_of(format);
      struct bytes plain = pattern(9, 5 * BLOCK + 77), sealed = sealed_of(p, plain);
      struct stream_options o = { .threads = 1 + way % 2 };
      int ends[2], out = empty_file();
      assert_int_equal(pipe2(ends, way < 2 ? 0 : O_NONBLOCK), 0);
      fcntl(ends[1], F_SETFL, 0); /* the writer blocks */
      struct trickle t = { sealed, ends[1] };
      pthread_t writer = start_other_end(write_slowly, &t);
      err_t e = stream_open(p, &o, ends[0], out);
      end_other_end(writer);
      assert_ok(e);
      assert_bytes(file_bytes(out), plain);
      close(ends[0]);
      close(out);
    }
}

struct drain {
  int fd;
  struct buf got;
};

static void *read_slowly(void *p) {
  struct drain *d = p;
  for (ssize_t n = 1; n > 0;) {
    if (!buf_reserve(&d->got, 10000))
      abort();
    n = read(d->fd, d->got.data + d->got.size, 1 + d->got.size % 9973);
    if (n > 0)
      d->got.size += (size_t)n;
  }
  return NULL;
}

static void pipes_that_take_little(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes plain = pattern(9, 3 * BLOCK + 77), sealed = sealed_of(p, plain);
  for (unsigned way = 0; way < 4; way++) {
    struct stream_options o = { .threads = 1 + way % 2 };
    int ends[2], in = file_of(sealed);
    assert_int_equal(pipe(ends), 0);
    if (way >= 2)
      fcntl(ends[1], F_SETFL, O_NONBLOCK);
    struct drain d = { ends[0], BUF_EMPTY };
    pthread_t reader = start_other_end(read_slowly, &d);
    err_t e = stream_open(p, &o, in, ends[1]);
    close(ends[1]);
    end_other_end(reader);
    assert_ok(e);
    assert_bytes(buf_bytes(&d.got), plain);
    buf_free(&d.got);
    close(ends[0]);
    close(in);
  }
}

struct opening {
  const struct payload *payload;
  int in, out;
  err_t result;
};

static void *open_stream(void *p) {
  struct opening *o = p;
  struct stream_options options = { .threads = 2 };
  o->result = stream_open(o->payload, &options, o->in, o->out);
  return NULL;
}

/* What came through a pipe that pauses then is passed on; only the block in hand waits. */
static void whole_blocks_do_not_wait(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes plain = pattern(9, BLOCK), sealed = sealed_of(p, plain);
  size_t first = sealed.size - 16, have = 0;
  uint8_t *got = malloc(BLOCK);
  int in[2], out[2];
  pthread_t thread;
  assert_int_equal(pipe(in) | pipe(out), 0);
  struct opening o = { p, in[0], out[1], ERR_INTERNAL };
  pthread_create(&thread, NULL, open_stream, &o);
  assert_int_equal(write(in[1], sealed.data, first), first);
  for (ssize_t n; have < BLOCK && (n = read(out[0], got + have, BLOCK - have)) > 0;)
    have += (size_t)n;
  assert_memory_equal(got, plain.data, BLOCK);
  assert_int_equal(write(in[1], sealed.data + first, 16), 16);
  close(in[1]);
  pthread_join(thread, NULL);
  assert_ok(o.result);
  free(got);
  for (int i = 0; i < 2; i++)
    close(i ? out[0] : in[0]);
  close(out[1]);
}

/* --- errors at the ends --- */

static void output_that_is_full(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  for (unsigned threads = 1; threads < 4; threads++) {
    struct stream_options o = { .threads = threads };
    int in = file_of(pattern(1, 6 * BLOCK)), full = open("/dev/full", O_WRONLY);
    assert_err(stream_seal(p, &o, in, full), ERR_OUTPUT);
    assert_non_null(strstr(err_last()->why, "No space left on device"));
    close(in);
    close(full);
  }
}

static void output_that_is_gone(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 2 };
  int in = file_of(pattern(1, 6 * BLOCK)), ends[2];
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_err(stream_seal(p, &o, in, ends[1]), ERR_OUTPUT);
  assert_non_null(strstr(err_last()->why, "Broken pipe"));
  close(in);
  close(ends[1]);
}

static void input_that_cannot_be_read(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 2 };
  int in = open("/", O_RDONLY | O_DIRECTORY), out = empty_file();
  assert_err(stream_seal(p, &o, in, out), ERR_INPUT);
  assert_non_null(strstr(err_last()->why, "Is a directory"));
  assert_int_equal(file_bytes(out).size, 0); /* no last chunk: it must not look complete */
  assert_err(stream_open(p, &o, in, out), ERR_INPUT);
  close(in);
  close(out);
}

/* --- progress --- */

struct watcher {
  uint64_t last, end;
  unsigned calls;
};

static err_t watch(void *ctx, const struct stream_progress *progress) {
  struct watcher *w = ctx;
  assert_true(progress->done >= w->last);
  assert_int_equal(progress->total, 123);
  w->last = progress->done;
  w->calls++;
  return w->end && progress->done >= w->end ? ERR_INTERRUPTED : OK;
}

static void progress_is_told(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  for (unsigned threads = 1; threads < 4; threads++) {
    struct watcher w = { 0 };
    struct stream_options o = { .threads = threads, .progress = watch, .ctx = &w, .total = 123 };
    int in = file_of(pattern(1, 5 * BLOCK + 9)), out = empty_file();
    assert_ok(stream_seal(p, &o, in, out));
    assert_int_equal(w.last, 5 * BLOCK + 9);
    assert_int_equal(w.calls, 6);
    w = (struct watcher){ .end = 2 * BLOCK };
    file_rewind(in);
    assert_err(stream_seal(p, &o, in, out), ERR_INTERRUPTED);
    assert_int_equal(w.calls, 2);
    close(in);
    close(out);
  }
}

static err_t until_signal(void *ctx, const struct stream_progress *progress) {
  return signalled ? ERR_INTERRUPTED : OK;
}

/* A stream that waits for a pipe ends at a signal, too. */
static void a_signal_is_noticed_while_waiting(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 2, .progress = until_signal };
  struct sigaction a = { .sa_handler = on_signal };
  int ends[2], out = empty_file();
  signalled = 0;
  sigaction(SIGALRM, &a, NULL);
  assert_int_equal(pipe(ends), 0);
  ualarm(50000, 50000);
  assert_err(stream_seal(p, &o, ends[0], out), ERR_INTERRUPTED);
  ualarm(0, 0);
  close(ends[0]);
  close(ends[1]);
  close(out);
}

/* --- holes --- */

static uint64_t blocks_of(int fd) {
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  return (uint64_t)st.st_blocks * 512;
}

/* Data at the start, in the middle of a page, and a hole at the end. */
static int sparse_file(struct buf *content) {
  static const struct {
    size_t at, size;
  } data[] = { { 0, 10000 }, { 3 * BLOCK + 100, 5000 }, { 5 * BLOCK, BLOCK } };
  size_t size = 9 * BLOCK + 123;
  int fd = empty_file();
  assert_true(buf_reserve(content, size));
  memset(content->data, 0, size);
  content->size = size;
  assert_int_equal(ftruncate(fd, (off_t)size), 0);
  for (size_t i = 0; i < 3; i++) {
    struct bytes p = pattern((unsigned)i, data[i].size);
    memcpy(content->data + data[i].at, p.data, p.size);
    assert_int_equal(pwrite(fd, p.data, p.size, (off_t)data[i].at), p.size);
  }
  return fd;
}

static void holes(void **state) {
  for (unsigned threads = 1; threads < 4; threads++) {
    AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
    struct stream_options o = { .threads = threads, .sparse_in = true, .sparse_out = true };
    AUTO_BUF plain = BUF_EMPTY;
    int in = sparse_file(&plain), out = empty_file(), again = empty_file();
    assert_true(blocks_of(in) < 2 * BLOCK);
    assert_ok(stream_seal(p, &o, in, out));
    assert_bytes(file_bytes(out), sealed_of(p, buf_bytes(&plain)));
    assert_int_equal(lseek(in, 0, SEEK_CUR), plain.size);
    file_rewind(out);
    assert_ok(stream_open(p, &o, out, again));
    assert_bytes(file_bytes(again), buf_bytes(&plain));
    assert_true(blocks_of(again) <= blocks_of(in));
    assert_int_equal(lseek(again, 0, SEEK_CUR), plain.size);
    close(in);
    close(out);
    close(again);
  }
}

/* Where holes would show what was there before, none are made. */
static void no_holes_over_what_was_there(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 1, .sparse_out = true };
  AUTO_BUF plain = BUF_EMPTY;
  close(sparse_file(&plain));
  struct bytes sealed = sealed_of(p, buf_bytes(&plain));
  int in = file_of(sealed), out = file_of(pattern(99, 2 * BLOCK));
  assert_ok(stream_open(p, &o, in, out));
  assert_bytes(file_bytes(out), buf_bytes(&plain));
  close(out);
  out = file_of(bytes_str("before"));
  lseek(out, 0, SEEK_END);
  fcntl(out, F_SETFL, O_APPEND);
  file_rewind(in);
  assert_ok(stream_open(p, &o, in, out));
  struct bytes got = file_bytes(out);
  assert_memory_equal(got.data, "before", 6);
  assert_bytes(bytes_of(got.data + 6, got.size - 6), buf_bytes(&plain));
  close(in);
  close(out);
}

/* A hole before damage is part of what was verified. */
static void holes_before_damage(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct stream_options o = { .threads = 2, .sparse_out = true };
  AUTO_BUF sealed = BUF_EMPTY, zeros = BUF_EMPTY;
  assert_true(buf_reserve(&zeros, 2 * BLOCK));
  memset(zeros.data, 0, 2 * BLOCK);
  buf_put_bytes(&sealed, sealed_of(p, bytes_of(zeros.data, 2 * BLOCK)));
  sealed.data[20 * 16400] ^= 1;
  int in = file_of(buf_bytes(&sealed)), out = empty_file();
  assert_err(stream_open(p, &o, in, out), ERR_DAMAGED);
  assert_bytes(file_bytes(out), bytes_of(zeros.data, (size_t)20 * 16384));
  assert_int_equal(blocks_of(out), 0);
  close(in);
  close(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pipes_with_short_reads),
    cmocka_unit_test(pipes_that_take_little),
    cmocka_unit_test(whole_blocks_do_not_wait),
    cmocka_unit_test(output_that_is_full),
    cmocka_unit_test(output_that_is_gone),
    cmocka_unit_test(input_that_cannot_be_read),
    cmocka_unit_test(progress_is_told),
    cmocka_unit_test(a_signal_is_noticed_while_waiting),
    cmocka_unit_test(holes),
    cmocka_unit_test(no_holes_over_what_was_there),
    cmocka_unit_test(holes_before_damage),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
