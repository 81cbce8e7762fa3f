/* The access log's writer, and the admin socket's server. */
#include "../asserts.h"

#include "base/file.h"
#include "cli/proxy/access_writer.h"
#include "cli/proxy/admin_server.h"
#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

static char dir[] = "/tmp/strongroom-test.XXXXXX";
static char log_path[64], moved_path[64], socket_path[64];

static void put(struct access_writer *w, const char *service) {
  const struct proxy_ended e = { .service = service, .end = PROXY_END_DONE };
  access_writer_put(w, &e);
}

static unsigned lines_of(const char *path) {
  AUTO_BUF text = BUF_EMPTY;
  unsigned n = 0;
  assert_ok(file_read(path, 64u << 20, &text));
  for (size_t i = 0; i < text.size; i++)
    n += text.data[i] == '\n';
  return n;
}

static void nap(void) {
  const struct timespec pause = { 0, 5000000 };
  nanosleep(&pause, NULL);
}

static void lines_are_written_in_order(void **state) {
  struct access_writer *w = NULL;
  assert_ok(access_writer_open(log_path, &w));
  assert_ok(access_writer_start(w));
  for (unsigned i = 0; i < 500; i++)
    put(w, i < 499 ? "a" : "the last");
  access_writer_free(w);
  AUTO_BUF text = BUF_EMPTY;
  assert_ok(file_read(log_path, 1u << 20, &text));
  assert_int_equal(lines_of(log_path), 500);
  const char *last = strstr(buf_cstr(&text), "the last");
  assert_non_null(last);
  assert_null(strchr(strchr(last, '\n') + 1, '\n'));
}

static void a_file_that_was_moved_is_opened_again(void **state) {
  struct access_writer *w = NULL;
  unlink(log_path);
  assert_ok(access_writer_open(log_path, &w));
  assert_ok(access_writer_start(w));
  put(w, "before");
  while (lines_of(log_path) == 0)
    nap();
  assert_int_equal(rename(log_path, moved_path), 0);
  access_writer_reopen(w);
  while (access(log_path, F_OK) != 0)
    nap();
  put(w, "after");
  access_writer_free(w);
  assert_int_equal(lines_of(moved_path), 1);
  assert_int_equal(lines_of(log_path), 1);
}

/* Nothing takes what waits: the queue fills up, and nobody waits. */
static void what_finds_no_room_is_counted(void **state) {
  struct access_writer *w = NULL;
  unlink(log_path);
  assert_ok(access_writer_open(log_path, &w));
  unsigned put_count = 0;
  for (; access_writer_lost(w) == 0; put_count++)
    put(w, "a");
  put(w, "a");
  assert_int_equal(access_writer_lost(w), 2);
  assert_ok(access_writer_start(w));
  access_writer_free(w);
  assert_int_equal(lines_of(log_path), put_count - 1);
}

static void what_cannot_be_written_is_counted(void **state) {
  struct access_writer *w = NULL;
  if (access("/dev/full", W_OK) != 0)
    skip();
  assert_ok(access_writer_open("/dev/full", &w));
  assert_ok(access_writer_start(w));
  put(w, "a");
  put(w, "b");
  while (access_writer_lost(w) < 2)
    nap();
  access_writer_free(w);
  assert_err(access_writer_open("/nonexistent/access", &w), ERR_CONFIG);
}

static void put_long(struct access_writer *w, char letter) {
  char service[301] = "";
  memset(service, letter, sizeof service - 1);
  put(w, service);
}

/* A file that may be of so many bytes at most, as on a disk that is full. */
static void limit_files(rlim_t bytes) {
  struct rlimit l;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
  l.rlim_cur = bytes ? bytes : l.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* Two lines find room, of the third a part, and when there is room again the sixth. */
static void fill_up(const char *path, struct buf *text) {
  struct access_writer *w = NULL;
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  struct stat st;
  assert_ok(access_writer_open(path, &w));
  assert_ok(access_writer_start(w));
  put_long(w, 'a');
  while (lines_of(path) < 1)
    nap();
  assert_int_equal(stat(path, &st), 0);
  limit_files((rlim_t)st.st_size * 5 / 2);
  for (char letter = 'b'; letter <= 'e'; letter++)
    put_long(w, letter);
  while (access_writer_lost(w) < 3)
    nap();
  limit_files(0);
  put_long(w, 'f');
  access_writer_free(w);
  signal(SIGXFSZ, before);
  assert_ok(file_read(path, 1u << 20, text));
}

/* The letters of the whole lines, and a dash for each other one. */
static void assert_lines(struct bytes text, const char *letters) {
  struct bytes line;
  for (; *letters; letters++) {
    text = bytes_split(text, '\n', &line);
    bool whole = bytes_starts(line, "{\"time\"") && line.data[line.size - 1] == '}';
    const char *service = memmem(line.data, line.size, "service\":\"", 10);
    assert_int_equal(whole && service ? service[10] : '-', *letters);
  }
  assert_int_equal(text.size, 0);
}

static void lines_are_whole_on_a_full_disk(void **state) {
  AUTO_BUF text = BUF_EMPTY;
  unlink(log_path);
  fill_up(log_path, &text);
  assert_lines(buf_bytes(&text), "abf");
}

static void what_cannot_be_taken_back_is_ended(void **state) {
  AUTO_BUF text = BUF_EMPTY;
  char path[32];
  AUTO_FD fd = memfd_create("log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  fill_up(path, &text);
  assert_lines(buf_bytes(&text), "ab-f");
}

/* --- the admin socket --- */

static void put_metrics(void *ctx, struct buf *out) {
  for (unsigned i = 0; i < 100000; i++) /* more than a socket's buffer takes */
    buf_put_str(out, "up 1234\n");
}
static bool ready(void *ctx, struct buf *why) {
  return true;
}
static void put_status(void *ctx, struct buf *out) {
  buf_put_str(out, "{}");
}

static int dial(void) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  uint64_t budget_us = 5000000;
  int fd = -1;
  snprintf(a.sun_path, sizeof a.sun_path, "%s", socket_path);
  assert_int_equal(net_dial((const struct sockaddr *)&a, sizeof a, SOCK_STREAM, &budget_us, &fd),
                   0);
  assert_true(fcntl(fd, F_SETFL, 0) == 0);
  return fd;
}

static void say(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything, up to the end. */
static size_t hear(int fd, struct buf *out) {
  char piece[4096];
  ssize_t n;
  while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
    buf_put(out, piece, (size_t)n);
  close(fd);
  assert_non_null(buf_cstr(out));
  return out->size;
}

static struct admin_server *serve(void) {
  static const struct admin admin = { put_metrics, ready, put_status, NULL };
  struct admin_server *s = NULL;
  assert_ok(admin_server_open(socket_path, &admin, &s));
  assert_ok(admin_server_start(s));
  return s;
}

static void pages_are_served(void **state) {
  struct admin_server *s = serve();
  AUTO_BUF answer = BUF_EMPTY, page = BUF_EMPTY;
  int silent[3] = { dial(), dial(), dial() }; /* they stand in nobody's way */
  int fd = dial();
  say(fd, "GET /readyz HTT");
  say(fd, "P/1.1\r\nHost: localhost\r\n\r\n");
  hear(fd, &answer);
  assert_true(bytes_starts(buf_bytes(&answer), "HTTP/1.1 200 OK\r\n"));
  fd = dial();
  say(fd, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n and more");
  assert_in_range(hear(fd, &page), 800000, 801000);
  for (unsigned i = 0; i < 3; i++)
    close(silent[i]);
  admin_server_free(s);
}

/* More come than there are places: those who say nothing make room in time. */
static void silent_visitors_leave(void **state) {
  struct admin_server *s = serve();
  AUTO_BUF answer = BUF_EMPTY;
  int silent[8];
  for (unsigned i = 0; i < 8; i++)
    silent[i] = dial();
  int fd = dial();
  say(fd, "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
  hear(fd, &answer);
  assert_non_null(strstr((const char *)answer.data, "\r\n\r\n{}\n"));
  for (unsigned i = 0; i < 8; i++)
    close(silent[i]);
  admin_server_free(s);
}

static int start(void **state) {
  if (!mkdtemp(dir))
    return 1;
  snprintf(log_path, sizeof log_path, "%s/access", dir);
  snprintf(moved_path, sizeof moved_path, "%s/access.1", dir);
  snprintf(socket_path, sizeof socket_path, "%s/admin", dir);
  return 0;
}

static int end(void **state) {
  unlink(log_path);
  unlink(moved_path);
  return rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_are_written_in_order),
    cmocka_unit_test(a_file_that_was_moved_is_opened_again),
    cmocka_unit_test(what_finds_no_room_is_counted),
    cmocka_unit_test(what_cannot_be_written_is_counted),
    cmocka_unit_test(lines_are_whole_on_a_full_disk),
    cmocka_unit_test(what_cannot_be_taken_back_is_ended),
    cmocka_unit_test(pages_are_served),
    cmocka_unit_test(silent_visitors_leave),
  };
  return cmocka_run_group_tests(tests, start, end);
}
