#include "seal/age_source.h"

#include "seal/age_armor.h"
#include "seal/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define PIECE (1u << 16)
#define PIPE_SIZE (1u << 20)
#define LOOK 64        /* more than the first line of either form */
#define SPACE_MAX 4096 /* white space before an armor */

struct age_source {
  struct buf read; /* ahead of the descriptor; what was taken of it is counted */
  size_t taken;
  int in;
  bool armored;

  bool feeding;
  pthread_t thread;
  int from, to; /* the pipe's ends; -1: none */
  err_t fed;    /* the thread's result and the words for it, once it is joined */
  struct err_last last;
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
  size_t got = 0, more = n > s->read.size ? n - s->read.size : 0;
  if (more == 0)
    return OK;
  if (!buf_reserve(&s->read, more))
    return ERR_NOMEM;
  TRY(io_read(s->in, s->read.data + s->read.size, more, &got));
  s->read.size += got;
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

static void *feed(void *ctx) {
  struct age_source *s = ctx;
  s->fed = feed_armor(s);
  s->last = *err_last();
  /* A payload that seems to end here would be taken for whole: with one byte more it is not. */
  if (s->fed != OK)
    put(s->to, bytes_str("?"));
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
  size_t known = s->armored ? 0 : s->read.size - s->taken, got = 0;
  known = known < n ? known : n;
  if (known)
    buf_put(out, s->read.data + s->taken, known);
  s->taken += known;
  TRY(buf_ok(out));
  if (known == n)
    return OK;
  if (!buf_reserve(out, n - known))
    return ERR_NOMEM;
  TRY(io_read(s->armored ? s->from : s->in, out->data + out->size, n - known, &got));
  out->size += got;
  return OK;
}

void age_source_rest(struct age_source *s, struct bytes *ahead, int *fd) {
  *ahead = (struct bytes){ 0 };
  if (!s->armored && s->taken < s->read.size)
    *ahead = bytes_of(s->read.data + s->taken, s->read.size - s->taken);
  *fd = s->armored ? s->from : s->in;
}

err_t age_source_end(struct age_source *s, err_t e) {
  stop_feeding(s);
  if (s->fed == OK)
    return e;
  err_restore(&s->last);
  return s->fed;
}
