#include "seal/log_pump_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define CHUNK (64u * 1024)
#define DRAIN_MAX (1024u * 1024) /* the most that a pipe holds */

static void tell(int fd) {
  uint64_t one = 1;
  ssize_t n = write(fd, &one, sizeof one);
  (void)n; /* full: it is told already */
}

/* Under the lock. */
static void collect(struct pump_reader *r, size_t size) {
  size_t before = r->batch.entries.size;
  log_framer_put(&r->framer, log_now_ns(), bytes_of(r->chunk, size), &r->batch);
  size_t after = r->batch.entries.size;
  if (before == 0 && after)
    r->since_us = clock_mono_us();
  if (r->error == OK)
    r->error = log_framer_ok(&r->framer, &r->batch);
  if ((before == 0 && after) || (before < r->enough && after >= r->enough))
    tell(r->wake);
}

static void failed(struct pump_reader *r) {
  int number = errno;
  pthread_mutex_lock(&r->lock);
  r->error = ERR_INPUT;
  snprintf(r->why, sizeof r->why, "reading failed: %s", strerror(number));
  pthread_mutex_unlock(&r->lock);
}

/* False at the end of the input. */
static bool read_some(struct pump_reader *r, size_t most) {
  ssize_t n = read(r->in, r->chunk, most < CHUNK ? most : CHUNK);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return true;
  if (n < 0)
    failed(r);
  if (n <= 0)
    return false;
  pthread_mutex_lock(&r->lock);
  collect(r, (size_t)n);
  bool good = r->error == OK;
  pthread_mutex_unlock(&r->lock);
  return good;
}

/* What is in the pipe already was given to us. */
static void drain(struct pump_reader *r) {
  int available = 0;
  if (ioctl(r->in, FIONREAD, &available) != 0 || available <= 0)
    return;
  size_t left = (size_t)available < DRAIN_MAX ? (size_t)available : DRAIN_MAX;
  while (left) {
    size_t part = left < CHUNK ? left : CHUNK;
    if (!read_some(r, part))
      return;
    left -= part;
  }
}

/* False when it is to stop. */
static bool wait_for_room(struct pump_reader *r) {
  pthread_mutex_lock(&r->lock);
  while ((r->hold || r->batch.entries.size >= r->queue) && !r->stop)
    pthread_cond_wait(&r->room, &r->lock);
  bool goes_on = !r->stop;
  pthread_mutex_unlock(&r->lock);
  return goes_on;
}

static void *read_all(void *arg) {
  struct pump_reader *r = arg;
  struct pollfd fds[] = { { r->in, POLLIN, 0 }, { r->quit, POLLIN, 0 } };
  bool more = true;
  while (more && wait_for_room(r)) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) {
      failed(r);
      break;
    }
    if (fds[1].revents)
      continue;
    more = read_some(r, CHUNK);
  }
  if (more)
    drain(r);
  pthread_mutex_lock(&r->lock);
  log_framer_end(&r->framer, log_now_ns(), &r->batch);
  r->ended = true;
  pthread_mutex_unlock(&r->lock);
  tell(r->wake);
  return NULL;
}

err_t pump_reader_start(struct pump_reader *r, const struct log_pump_options *o, int in, int wake) {
  *r = (struct pump_reader){ .in = in, .wake = wake, .queue = o->queue, .enough = o->flush_bytes };
  r->framer.format = o->format;
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->room, NULL);
  r->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  r->chunk = mem_alloc(CHUNK);
  /* Whoever reads lines must not run out of memory while it has some. */
  if (!r->chunk || !buf_reserve(&r->framer.part, LOG_PART + CHUNK) ||
      !buf_reserve(&r->batch.entries, r->queue + LOG_PART + 4 * CHUNK))
    return ERR_NOMEM;
  if (r->quit < 0 || pthread_create(&r->thread, NULL, read_all, r) != 0)
    FAIL(ERR_INTERNAL, "cannot start a thread");
  r->running = true;
  return OK;
}

void pump_reader_stop(struct pump_reader *r) {
  if (r->running) {
    pump_reader_finish(r);
    pthread_join(r->thread, NULL);
  }
  file_close(&r->quit);
  pthread_cond_destroy(&r->room);
  pthread_mutex_destroy(&r->lock);
  log_batch_free(&r->batch);
  log_framer_free(&r->framer);
  mem_free(r->chunk);
}

bool pump_reader_take(struct pump_reader *r, uint64_t flush_us, struct log_batch *out,
                      uint64_t *due, bool *ended) {
  pthread_mutex_lock(&r->lock);
  bool any = r->batch.entries.size;
  uint64_t then = r->since_us + flush_us;
  bool now =
    any && (r->ended || r->stop || r->batch.entries.size >= r->enough || clock_mono_us() >= then);
  *due = any ? then : UINT64_MAX;
  *ended = r->ended && (now || !any);
  if (now) {
    struct log_batch taken = r->batch;
    r->batch = *out;
    *out = taken;
    pthread_cond_signal(&r->room);
  }
  pthread_mutex_unlock(&r->lock);
  return now;
}

void pump_reader_hold(struct pump_reader *r, bool hold) {
  pthread_mutex_lock(&r->lock);
  r->hold = hold;
  pthread_cond_signal(&r->room);
  pthread_mutex_unlock(&r->lock);
}

void pump_reader_finish(struct pump_reader *r) {
  pthread_mutex_lock(&r->lock);
  r->stop = true;
  pthread_cond_signal(&r->room);
  pthread_mutex_unlock(&r->lock);
  tell(r->quit);
}

err_t pump_reader_error(struct pump_reader *r) {
  pthread_mutex_lock(&r->lock);
  err_t e = r->error;
  pthread_mutex_unlock(&r->lock);
  if (e == ERR_INPUT)
    FAIL(e, "%s", r->why);
  return e;
}
