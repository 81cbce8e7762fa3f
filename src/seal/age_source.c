#include "seal/age_source.h"

#include "base/file.h"
#include "seal/age_armor.h"
#include "seal/age_header.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#define PIECE (1u << 16)
#define PIPE_SIZE (1u << 20)
#define LOOK 64       /* more than the first line of either form */
#define SPACE_MAX 4096 /* white space before an armor */

struct age_source {
  struct buf read; /* ahead of the descriptor; what was taken of it is counted */
  size_t taken;
  int in;
  bool armored;

  bool feeding;
  pthread_t thread;
  int from, to; /* the pipe's ends; -1: none */
  err_t fed;    /* the thread's result, once it is joined */
  char why[256];
};

static err_t read_some(int fd, uint8_t *out, size_t room, size_t *got) {
  ssize_t n;
  do
    n = read(fd, out, room);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    FAIL(ERR_INPUT, "cannot read the input: %s", strerror(errno));
  *got = (size_t)n;
  return OK;
}

/* Makes at least n bytes known, or all there are. */
static err_t look(struct age_source *s, size_t n) {
  while (s->read.size < n) {
    size_t got;
    if (!buf_reserve(&s->read, n))
      return ERR_NOMEM;
    TRY(read_some(s->in, s->read.data + s->read.size, n - s->read.size, &got));
    if (got == 0)
      break;
    s->read.size += got;
  }
  return OK;
}

/* False when the other end was closed: whoever reads has what it wants, or gave up. */
static bool put(int fd, struct bytes data) {
  while (data.size) {
    ssize_t n = write(fd, data.data, data.size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    data = bytes_of(data.data + n, data.size - (size_t)n);
  }
  return true;
}

/* Waits until there is input. False when nobody reads the pipe any more. */
static bool wait_input(const struct age_source *s) {
  struct pollfd fds[2] = { { .fd = s->in, .events = POLLIN }, { .fd = s->to, .events = 0 } };
  while (poll(fds, 2, -1) < 0 && errno == EINTR)
    ;
  return !(fds[1].revents & POLLERR);
}

static err_t feed_armor(struct age_source *s) {
  struct armor a = { 0 };
  AUTO_BUF text = BUF_EMPTY, out = BUF_EMPTY;
  size_t got = s->read.size;
  TRY(armor_push(&a, buf_bytes(&s->read), &out));
  if (!buf_reserve(&text, PIECE))
    return ERR_NOMEM;
  do {
    if (!put(s->to, buf_bytes(&out)) || !wait_input(s))
      return OK;
    buf_clear(&out);
    TRY(read_some(s->in, text.data, PIECE, &got));
    TRY(armor_push(&a, bytes_of(text.data, got), &out));
  } while (got);
  TRY(armor_end(&a, &out));
  put(s->to, buf_bytes(&out));
  return OK;
}

static err_t feed_copy(struct age_source *s, struct buf *piece) {
  if (!buf_reserve(piece, PIECE))
    return ERR_NOMEM;
  for (;;) {
    size_t got;
    TRY(read_some(s->in, piece->data, PIECE, &got));
    if (got == 0 || !put(s->to, bytes_of(piece->data, got)) || !wait_input(s))
      return OK;
  }
}

static err_t feed_rest(struct age_source *s) {
  AUTO_BUF piece = BUF_EMPTY;
  if (!put(s->to, bytes_of(s->read.data + s->taken, s->read.size - s->taken)))
    return OK;
  while (wait_input(s)) {
    ssize_t n = splice(s->in, NULL, s->to, NULL, PIPE_SIZE, 0);
    if (n < 0 && errno == EINVAL)
      return feed_copy(s, &piece); /* not what splice() takes */
    if (n < 0 && errno != EINTR && errno != EPIPE)
      FAIL(ERR_INPUT, "cannot read the input: %s", strerror(errno));
    if (n == 0 || (n < 0 && errno == EPIPE))
      break;
  }
  return OK;
}

static void *feed(void *ctx) {
  struct age_source *s = ctx;
  s->fed = s->armored ? feed_armor(s) : feed_rest(s);
  if (s->fed != OK && err_last()->code == s->fed)
    (void)snprintf(s->why, sizeof s->why, "%s", err_last()->why);
  close(s->to);
  return NULL;
}

/* The thread takes no signals: who writes to a pipe that nobody reads would get one. */
static err_t start_feeding(struct age_source *s) {
  int ends[2];
  sigset_t all, before;
  if (pipe2(ends, O_CLOEXEC) != 0)
    FAIL(ERR_INPUT, "cannot make a pipe: %s", strerror(errno));
  s->from = ends[0];
  s->to = ends[1];
  fcntl(s->to, F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is slower, no more */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&s->thread, NULL, feed, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) {
    close(s->to);
    FAIL(ERR_NOMEM, "cannot start a thread: %s", strerror(failed));
  }
  s->feeding = true;
  return OK;
}

static void stop_feeding(struct age_source *s) {
  if (s->from >= 0)
    close(s->from);
  s->from = -1;
  if (s->feeding)
    pthread_join(s->thread, NULL);
  s->feeding = false;
}

/* Which form it has. A binary one begins with a letter, an armor with white space or a dash: of the
 * former no byte too many is read. */
static err_t recognise(struct age_source *s) {
  TRY(look(s, 1));
  if (s->read.size && s->read.data[0] == 'a')
    return OK;
  for (size_t n = LOOK; n <= SPACE_MAX; n *= 2) {
    TRY(look(s, n));
    s->armored = armor_looks_like(buf_bytes(&s->read));
    if (s->armored || s->read.size < n)
      break;
  }
  if (!s->armored && s->read.size)
    FAIL(ERR_NOT_SEALED, "age header: this is no age file");
  return s->armored ? start_feeding(s) : OK;
}

err_t age_source_new(struct bytes start, int in, struct age_source **out) {
  AUTO(age_source) struct age_source *s = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  s->in = in;
  s->from = s->to = -1;
  buf_put_bytes(&s->read, start);
  TRY(buf_ok(&s->read));
  TRY(recognise(s));
  *out = TAKE(s);
  return OK;
}

void age_source_free(struct age_source *s) {
  stop_feeding(s);
  buf_free(&s->read);
  mem_free(s);
}

err_t age_source_read(struct age_source *s, size_t n, struct buf *out) {
  if (!buf_reserve(out, n))
    return ERR_NOMEM;
  while (n) {
    size_t got = s->armored ? 0 : s->read.size - s->taken;
    if (got) {
      got = got < n ? got : n;
      memcpy(out->data + out->size, s->read.data + s->taken, got);
      s->taken += got;
    } else {
      TRY(read_some(s->armored ? s->from : s->in, out->data + out->size, n, &got));
    }
    if (got == 0)
      break;
    out->size += got;
    n -= got;
  }
  return OK;
}

err_t age_source_rest(struct age_source *s, int *fd) {
  struct stat is;
  off_t ahead = s->armored ? 0 : (off_t)(s->read.size - s->taken);
  if (s->armored) {
    *fd = s->from;
    return OK;
  }
  bool file = fstat(s->in, &is) == 0 && (S_ISREG(is.st_mode) || S_ISBLK(is.st_mode));
  *fd = s->in;
  if (ahead == 0 || (file && lseek(s->in, -ahead, SEEK_CUR) >= 0))
    return OK;
  TRY(start_feeding(s));
  *fd = s->from;
  return OK;
}

err_t age_source_end(struct age_source *s, err_t e) {
  stop_feeding(s);
  if (s->fed == OK)
    return e;
  FAIL(s->fed, "%s", s->why);
}
