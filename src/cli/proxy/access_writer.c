#include "cli/proxy/access_writer.h"

#include "base/file.h"
#include "base/log.h"
#include "transit/proxy/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#define LAST_S 2 /* seconds for what is left, at the end */

struct access_writer {
  char *path; /* NULL: stdout */
  int fd;
  pthread_t thread;
  bool started;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct buf waiting; /* under the lock, as the next two */
  bool reopen, stop;
  struct buf writing; /* the thread's */
  bool cut; /* the last line is there in part, and could not be taken back; the thread's, too */
  _Atomic uint64_t lost;
};

static err_t open_file(const char *path, int *fd) {
  *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (*fd < 0)
    FAIL(ERR_CONFIG, "cannot open the access log %s: %s", path, strerror(errno));
  return OK;
}

err_t access_writer_open(const char *path, struct access_writer **out) {
  AUTO(access_writer) struct access_writer *w = mem_zalloc(sizeof *w);
  if (!w)
    return ERR_NOMEM;
  w->fd = STDOUT_FILENO;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->wake, NULL);
  if (!buf_reserve(&w->waiting, ACCESS_QUEUE_MAX) || !buf_reserve(&w->writing, ACCESS_QUEUE_MAX))
    return ERR_NOMEM;
  if (strcmp(path, "-") != 0) {
    if (!(w->path = mem_strdup(path)))
      return ERR_NOMEM;
    TRY(open_file(path, &w->fd));
  }
  *out = TAKE(w);
  return OK;
}

static void lose(struct access_writer *w, uint64_t lines, const char *why) {
  static _Atomic uint64_t logged;
  uint64_t all = atomic_fetch_add(&w->lost, lines) + lines;
  if (log_seldom(&logged))
    log_warn("proxy", "the access log has lost %llu lines so far: %s", (unsigned long long)all,
             why);
}

void access_writer_put(struct access_writer *w, const struct proxy_ended *e) {
  AUTO_BUF line = BUF_EMPTY;
  access_log_put(&line, e);
  pthread_mutex_lock(&w->lock);
  bool fits = buf_ok(&line) == OK && line.size <= ACCESS_QUEUE_MAX - w->waiting.size;
  if (fits)
    buf_put_bytes(&w->waiting, buf_bytes(&line));
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->lock);
  if (!fits)
    lose(w, 1, "it is written too slowly");
}

/* --- the thread --- */

/* Bytes that went out; 0 when nothing goes, with errno. */
static size_t write_some(int fd, struct bytes data) {
  ssize_t n = write(fd, data.data, data.size);
  if (n < 0 && errno == EAGAIN) {
    struct pollfd p = { fd, POLLOUT, 0 };
    if (poll(&p, 1, LAST_S * 1000) == 1)
      n = write(fd, data.data, data.size);
  }
  return n > 0 ? (size_t)n : 0;
}

static uint64_t count_lines(struct bytes text) {
  uint64_t n = 0;
  for (size_t i = 0; i < text.size; i++)
    n += text.data[i] == '\n';
  return n;
}

/* What is left of text when nothing goes any more, with errno. */
static struct bytes write_all(int fd, struct bytes text) {
  while (text.size) {
    size_t n = write_some(fd, text);
    if (n == 0 && errno != EINTR)
      break;
    text = bytes_of(text.data + n, text.size - n);
  }
  return text;
}

static size_t last_line_size(struct bytes text) {
  const uint8_t *end = text.size ? memrchr(text.data, '\n', text.size) : NULL;
  return end ? text.size - (size_t)(end + 1 - text.data) : text.size;
}

/* Only what we have written, and only where it is the last: others may append, too. */
static bool take_back(int fd, size_t size) {
  struct stat st;
  off_t end = lseek(fd, 0, SEEK_CUR), begin = end - (off_t)size;
  return begin >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == end &&
         ftruncate(fd, begin) == 0 && lseek(fd, begin, SEEK_SET) == begin;
}

/* A line of which a part was written is lost as a whole: what was written of it is taken back, or
 * ended before the next one. */
static void write_lines(struct access_writer *w) {
  struct bytes all = buf_bytes(&w->writing), rest = all;
  if (all.size && w->cut)
    w->cut = write_all(w->fd, bytes_str("\n")).size > 0;
  if (!w->cut)
    rest = write_all(w->fd, all);
  if (rest.size) {
    int error = errno;
    size_t part = last_line_size(bytes_of(all.data, all.size - rest.size));
    if (part)
      w->cut = !take_back(w->fd, part);
    lose(w, count_lines(rest), strerror(error));
  }
  buf_clear(&w->writing);
}

static void open_again(struct access_writer *w) {
  int fd;
  if (!w->path)
    return;
  err_t e = open_file(w->path, &fd);
  if (e != OK) {
    log_err("proxy", e, "going on with the old file");
    return;
  }
  close(w->fd);
  w->fd = fd;
}

static void *writer_main(void *arg) {
  struct access_writer *w = arg;
  bool stop = false;
  pthread_setname_np(pthread_self(), "access log");
  while (!stop) {
    pthread_mutex_lock(&w->lock);
    while (!w->waiting.size && !w->stop && !w->reopen)
      pthread_cond_wait(&w->wake, &w->lock);
    struct buf full = w->waiting;
    w->waiting = w->writing;
    w->writing = full;
    bool reopen = w->reopen;
    w->reopen = false;
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    write_lines(w);
    if (reopen)
      open_again(w);
  }
  return NULL;
}

err_t access_writer_start(struct access_writer *w) {
  if (pthread_create(&w->thread, NULL, writer_main, w) != 0)
    FAIL(ERR_NOMEM, "cannot start a thread");
  w->started = true;
  return OK;
}

static void poke(struct access_writer *w, bool *what) {
  pthread_mutex_lock(&w->lock);
  *what = true;
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->lock);
}

void access_writer_reopen(struct access_writer *w) {
  poke(w, &w->reopen);
}

uint64_t access_writer_lost(const struct access_writer *w) {
  return w->lost;
}

/* A pipe that nobody reads holds its thread for ever: then all of this stays as it is. */
static bool stop(struct access_writer *w) {
  struct timespec until;
  if (!w->started)
    return true;
  poke(w, &w->stop);
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += LAST_S;
  return pthread_timedjoin_np(w->thread, NULL, &until) == 0;
}

void access_writer_free(struct access_writer *w) {
  if (!stop(w)) {
    log_warn("proxy", "the access log takes nothing any more: its last lines are lost");
    return;
  }
  if (w->path && w->fd >= 0)
    close(w->fd);
  buf_free(&w->waiting);
  buf_free(&w->writing);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->lock);
  mem_free(w->path);
  mem_free(w);
}
