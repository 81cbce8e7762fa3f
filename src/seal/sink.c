#include "seal/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES_MAX 64 /* at most IOV_MAX */
#define PAGE 4096     /* what a hole is made of */

/* Holes are made only behind the end of a file: elsewhere they would show what was there before. */
static bool can_be_sparse(int fd, uint64_t *at) {
  struct stat st;
  off_t offset = lseek(fd, 0, SEEK_CUR);
  int flags = fcntl(fd, F_GETFL);
  if (offset < 0 || flags < 0 || (flags & O_APPEND) || fstat(fd, &st) != 0 ||
      !S_ISREG(st.st_mode) || st.st_size > offset)
    return false;
  *at = (uint64_t)offset;
  return true;
}

void sink_init(struct sink *s, struct watch *w, bool sparse, int fd) {
  *s = (struct sink){ .watch = w, .fd = fd };
  s->sparse = sparse && can_be_sparse(fd, &s->at);
}

/* After a failed write: OK to try it again. */
static err_t again(const struct sink *s) {
  const struct stream_options *o = s->watch->options;
  struct pollfd p = { .fd = s->fd, .events = POLLOUT };
  if (errno == EAGAIN && poll(&p, 1, -1) >= 0)
    return OK;
  if (errno != EINTR)
    FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
  return o->progress ? o->progress(o->ctx, &s->watch->progress) : OK;
}

/* What is left of the parts when n bytes of them are written. */
static int parts_left(struct iovec **v, int count, size_t n) {
  while (count && n >= (*v)->iov_len) {
    n -= (*v)->iov_len;
    (*v)++;
    count--;
  }
  if (count) {
    (*v)->iov_base = (uint8_t *)(*v)->iov_base + n;
    (*v)->iov_len -= n;
  }
  return count;
}

static err_t write_parts(const struct sink *s, struct iovec *v, int count) {
  while ((count = parts_left(&v, count, 0))) {
    ssize_t n = writev(s->fd, v, count);
    if (n < 0)
      TRY(again(s));
    else
      count = parts_left(&v, count, (size_t)n);
  }
  return OK;
}

static bool all_zero(const uint8_t *p, size_t size) {
  return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

static err_t write_data(const struct sink *s, uint64_t at, struct bytes data) {
  while (data.size) {
    ssize_t n = pwrite(s->fd, data.data, data.size, (off_t)at);
    if (n < 0) {
      TRY(again(s));
      continue;
    }
    data = bytes_of(data.data + n, data.size - (size_t)n);
    at += (uint64_t)n;
  }
  return OK;
}

/* Pages of zeros are left out, what is between them is written in one go. */
static err_t write_sparse(struct sink *s, struct bytes data) {
  size_t from = 0, to = 0; /* what waits to be written */
  while (to < data.size) {
    size_t page = PAGE - (size_t)((s->at + to) % PAGE);
    if (page > data.size - to)
      page = data.size - to;
    bool zeros = all_zero(data.data + to, page);
    if (zeros)
      TRY(write_data(s, s->at + from, bytes_of(data.data + from, to - from)));
    to += page;
    if (zeros)
      from = to;
  }
  TRY(write_data(s, s->at + from, bytes_of(data.data + from, to - from)));
  s->at += data.size;
  return OK;
}

err_t sink_write(struct sink *s, const struct pieces *p) {
  struct iovec v[PIECES_MAX];
  for (size_t i = 0; i < p->count;) {
    int n = 0;
    for (; i < p->count && n < PIECES_MAX; i++, n++)
      v[n] = (struct iovec){ p->first + i * p->stride, i + 1 == p->count ? p->last : p->size };
    if (!s->sparse)
      TRY(write_parts(s, v, n));
    for (int k = 0; s->sparse && k < n; k++)
      TRY(write_sparse(s, bytes_of(v[k].iov_base, v[k].iov_len)));
  }
  return OK;
}

err_t sink_done(const struct sink *s) {
  if (!s->sparse)
    return OK;
  if (ftruncate(s->fd, (off_t)s->at) != 0 || lseek(s->fd, (off_t)s->at, SEEK_SET) < 0)
    FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
  return OK;
}
