#include "seal/log_writer.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

/* --- the directory --- */

static err_t lock_dir(struct log_writer *w) {
  w->lock = openat(w->dir, LOG_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (w->lock < 0)
    FAIL(ERR_OUTPUT, "cannot write to %s: %s", w->path, strerror(errno));
  if (flock(w->lock, LOCK_EX | LOCK_NB) == 0)
    return OK;
  if (errno == EWOULDBLOCK)
    REFUSE(ERR_CONFLICT, "Another writer is at work on %s: a log has one at a time.", w->path);
  FAIL(ERR_OUTPUT, "cannot lock %s: %s", w->path, strerror(errno));
}

err_t log_writer_open(const char *dir, enum log_format format, struct log_writer **out) {
  struct log_writer *w AUTO(log_writer) = mem_zalloc(sizeof *w);
  if (!w)
    return ERR_NOMEM;
  w->dir = w->lock = w->fd = -1;
  w->format = format;
  w->path = mem_strdup(dir);
  if (!w->path)
    return ERR_NOMEM;
  TRY(log_dir_open(dir, true, &w->dir));
  TRY(lock_dir(w));
  *out = TAKE(w);
  return OK;
}

void log_writer_free(struct log_writer *w) {
  log_fd_close(&w->fd);
  log_fd_close(&w->lock);
  log_fd_close(&w->dir);
  if (w->key)
    xaes_free(w->key);
  buf_free(&w->plain);
  buf_free(&w->sealed);
  mem_free(w->path);
  mem_free(w);
}

/* --- bytes --- */

static err_t write_all(int fd, uint64_t at, struct bytes b, const char *name) {
  while (b.size) {
    ssize_t n = pwrite(fd, b.data, b.size, (off_t)at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_OUTPUT, "cannot write %s: %s", name, strerror(errno));
    b = bytes_of(b.data + n, b.size - (size_t)n);
    at += (uint64_t)n;
  }
  return OK;
}

/* What is in the file behind the last record that counts is not known, or can't be taken away. */
static void abandon(struct log_writer *w) {
  log_fd_close(&w->fd);
  w->before.present = true;
  w->before.number = w->prefix.number;
  w->before.last = w->tip.last;
  w->before.end = LOG_OPEN;
  w->before.unchecked = false;
  w->before.latest_ns = w->latest_ns;
  memcpy(w->before.chain, w->tip.chain, LOG_CHAIN);
}

/* Appends what w->sealed has, durably; moves nothing but the file's size. */
static err_t append(struct log_writer *w) {
  err_t e = write_all(w->fd, w->size, buf_bytes(&w->sealed), w->name.text);
  if (e != OK) {
    if (ftruncate(w->fd, (off_t)w->size) != 0)
      abandon(w);
    return e;
  }
  if (fdatasync(w->fd) != 0) {
    int number = errno;
    abandon(w);
    FAIL(ERR_OUTPUT, "cannot write %s: %s", w->name.text, strerror(number));
  }
  w->size += w->sealed.size;
  return OK;
}

/* The record as it will be at tip, which moves. */
static err_t seal_record(struct log_writer *w, const struct log_plain *p, struct log_tip *tip) {
  buf_clear(&w->plain);
  buf_clear(&w->sealed);
  log_plain_put(p, &w->plain);
  TRY(buf_ok(&w->plain));
  return log_seal(w->key, &w->prefix, tip, buf_bytes(&w->plain), &w->sealed);
}

err_t log_writer_append(struct log_writer *w, const struct log_batch *b) {
  struct log_tip tip = w->tip;
  struct log_plain p = { .type = LOG_TYPE_LINES,
                         .first_ns = b->first_ns,
                         .last_ns = b->last_ns,
                         .count = b->count,
                         .entries = buf_bytes(&b->entries) };
  if (w->fd < 0)
    FAIL(ERR_OUTPUT, "%s: there is no segment to write to", w->path);
  TRY(buf_ok(&b->entries));
  TRY(seal_record(w, &p, &tip));
  TRY(append(w));
  w->tip = tip;
  w->entries += b->count;
  if (b->last_ns > w->latest_ns)
    w->latest_ns = b->last_ns;
  return OK;
}

/* --- segments --- */

/* The closing record, in w->sealed; and how that leaves the segment. */
static err_t seal_closing(struct log_writer *w, enum log_end end, struct log_before *after) {
  struct log_tip tip = w->tip;
  int64_t now = log_now_ns();
  struct log_plain p = { .type = LOG_TYPE_CLOSED, .first_ns = now, .last_ns = now, .end = end };
  TRY(seal_record(w, &p, &tip));
  *after = (struct log_before){ .present = true,
                                .number = w->prefix.number,
                                .last = tip.last,
                                .end = end,
                                .latest_ns = w->latest_ns };
  memcpy(after->chain, tip.chain, LOG_CHAIN);
  return OK;
}

static err_t close_present(struct log_writer *w, const struct log_before *after) {
  TRY(append(w));
  log_fd_close(&w->fd);
  w->before = *after;
  return OK;
}

/* A segment that is not in its place yet. */
struct fresh {
  int fd;
  struct log_name name;
  struct log_prefix prefix;
  struct xaes *key;
  struct log_tip tip;
  struct buf bytes;
};
static void fresh_free(struct fresh *f) {
  log_fd_close(&f->fd);
  if (f->key)
    xaes_free(f->key);
  buf_free(&f->bytes);
}

static err_t make_bytes(struct log_writer *w, const struct data_key *key,
                        const struct log_before *before, struct fresh *f) {
  struct header h = { .kind = HEADER_LOG, .wrapped = key->wrapped };
  uint8_t header[HEADER_SIZE];
  AUTO_BUF plain = BUF_EMPTY;
  int64_t now = log_now_ns();
  struct log_plain p = {
    .type = LOG_TYPE_OPENED, .first_ns = now, .last_ns = now, .format = w->format, .before = *before
  };
  log_name_make(w->next, now, &f->name);
  f->prefix.number = w->next;
  memcpy(f->prefix.id, w->id, LOG_ID);
  TRY(crypto_random(f->prefix.salt, LOG_SALT));
  TRY(log_prefix_key(&f->prefix, secret_bytes(&key->key), &f->key, f->prefix.commitment));
  TRY(header_write(&h, header));
  buf_put(&f->bytes, header, sizeof header);
  log_prefix_put(&f->prefix, &f->bytes);
  log_plain_put(&p, &plain);
  TRY(buf_ok(&plain));
  return log_seal(f->key, &f->prefix, &f->tip, buf_bytes(&plain), &f->bytes);
}

static err_t write_fresh(const struct log_writer *w, struct fresh *f) {
  if (unlinkat(w->dir, LOG_NEW, 0) != 0 && errno != ENOENT)
    FAIL(ERR_OUTPUT, "cannot remove %s/" LOG_NEW ": %s", w->path, strerror(errno));
  f->fd = openat(w->dir, LOG_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (f->fd < 0)
    FAIL(ERR_OUTPUT, "cannot write to %s: %s", w->path, strerror(errno));
  TRY(write_all(f->fd, 0, buf_bytes(&f->bytes), LOG_NEW));
  if (fsync(f->fd) != 0)
    FAIL(ERR_OUTPUT, "cannot write to %s: %s", w->path, strerror(errno));
  return OK;
}

/* If it may not last there it must not stay either: the next one has the same number. */
static err_t put_in_place(const struct log_writer *w, const struct fresh *f) {
  if (renameat(w->dir, LOG_NEW, w->dir, f->name.text) != 0)
    FAIL(ERR_OUTPUT, "cannot write to %s: %s", w->path, strerror(errno));
  if (file_sync_dir(w->dir, w->path) == OK)
    return OK;
  unlinkat(w->dir, f->name.text, 0);
  return err_fail(ERR_OUTPUT, __FILE__, __LINE__, "cannot write to %s: its directory does not sync",
                  w->path);
}

static void move_to(struct log_writer *w, struct fresh *f) {
  w->fd = f->fd;
  f->fd = -1;
  if (w->key)
    xaes_free(w->key);
  w->key = TAKE(f->key);
  w->name = f->name;
  w->prefix = f->prefix;
  w->tip = f->tip;
  w->size = f->bytes.size;
  w->entries = 0;
  w->latest_ns = w->before.latest_ns;
  w->next++;
  w->begun_us = clock_mono_us();
}

/* The order matters: as long as anything may fail for want of room, the present segment is open. */
err_t log_writer_begin(struct log_writer *w, const struct data_key *key) {
  struct fresh f __attribute__((cleanup(fresh_free))) = { .fd = -1 };
  struct log_before before = w->before;
  bool rotates = w->fd >= 0;
  if (!w->recovered)
    FAIL(ERR_INTERNAL, "%s: how the log ended has not been looked at", w->path);
  if (rotates)
    TRY(seal_closing(w, LOG_ROTATED, &before));
  TRY(make_bytes(w, key, &before, &f));
  err_t e = write_fresh(w, &f);
  if (e == OK && rotates)
    e = close_present(w, &before);
  if (e == OK)
    e = put_in_place(w, &f);
  if (e != OK) {
    unlinkat(w->dir, LOG_NEW, 0);
    return e;
  }
  move_to(w, &f);
  return OK;
}

err_t log_writer_close(struct log_writer *w) {
  struct log_before after;
  if (w->fd < 0)
    return OK;
  TRY(seal_closing(w, LOG_STOPPED, &after));
  return close_present(w, &after);
}

bool log_writer_has_segment(const struct log_writer *w) {
  return w->fd >= 0;
}

const struct log_before *log_writer_before(const struct log_writer *w) {
  return &w->before;
}

struct log_extent log_writer_extent(const struct log_writer *w) {
  if (w->fd < 0)
    return (struct log_extent){ 0 };
  return (struct log_extent){ w->size, w->entries,
                              (int64_t)((clock_mono_us() - w->begun_us) / 1000000) };
}

bool log_may_pass(err_t e) {
  switch (e) {
  case ERR_AWAY:
  case ERR_BUSY:
  case ERR_SEALED:
  case ERR_TIMEOUT:
  case ERR_CLOSED:
  case ERR_THROTTLED:
  case ERR_INTERNAL:
  case ERR_NOMEM:
    return true;
  default:
    return false;
  }
}
