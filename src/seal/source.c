#include "seal/io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES_MAX 64 /* at most IOV_MAX */
#define PAGE 4096

/* Where a descriptor stands in a regular file; false when it is none. */
static bool stands(int fd, uint64_t *at) {
  struct stat st;
  off_t offset = lseek(fd, 0, SEEK_CUR);
  if (offset < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return false;
  *at = (uint64_t)offset;
  return true;
}

void source_init(struct source *s, struct watch *w, bool seal, int fd) {
  const struct stream_options *o = w->options;
  *s = (struct source){ .watch = w, .fd = fd, .ahead = o->ahead };
  s->left = seal && o->limit ? o->limit : UINT64_MAX;
  s->placed = stands(fd, &s->at);
  s->sparse = s->placed && seal && o->sparse_in;
  s->data_until = s->hole_until = s->at;
  if (s->placed && seal && o->views)
    s->views = o->views->open(fd);
}

void source_end(struct source *s) {
  if (s->views)
    s->watch->options->views->close(s->views);
}

/* After a failed read: OK to try it again. */
static err_t again(const struct source *s) {
  const struct stream_options *o = s->watch->options;
  struct pollfd p = { .fd = s->fd, .events = POLLIN };
  if (errno == EAGAIN && poll(&p, 1, -1) >= 0)
    return OK;
  if (errno != EINTR)
    FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  return o->progress ? o->progress(o->ctx, &s->watch->progress) : OK;
}

/* The parts of the pieces that are empty yet, *got bytes being there. */
static int parts_left(const struct pieces *p, size_t got, struct iovec *v) {
  size_t i = got / p->size, offset = got % p->size;
  int n = 0;
  for (; i < p->count && n < PIECES_MAX; i++, n++) {
    size_t size = i + 1 == p->count ? p->last : p->size;
    v[n] = (struct iovec){ p->first + i * p->stride + offset, size - offset };
    offset = 0;
  }
  return n;
}

/* Where the data or hole ends in which a sparse file stands; false at the file's end. */
static bool find_extent(struct source *s) {
  off_t at = (off_t)s->at, data = lseek(s->fd, at, SEEK_DATA);
  bool hole = data < 0 ? errno == ENXIO : data > at;
  off_t until = hole && data > at ? data : lseek(s->fd, at, data < 0 ? SEEK_SET : SEEK_HOLE);
  if (data < 0) /* up to the end it is all the same */
    until = lseek(s->fd, 0, SEEK_END);
  if (until <= at)
    return false;
  *(hole ? &s->hole_until : &s->data_until) = (uint64_t)until;
  return true;
}

/* Of one part; n as of read(2). */
static ssize_t read_sparse(struct source *s, const struct iovec *v) {
  if (s->at >= s->hole_until && s->at >= s->data_until && !find_extent(s))
    return 0;
  bool hole = s->at < s->hole_until;
  uint64_t left = (hole ? s->hole_until : s->data_until) - s->at;
  size_t size = left < v->iov_len ? (size_t)left : v->iov_len;
  if (!hole)
    return pread(s->fd, v->iov_base, size, (off_t)s->at);
  memset(v->iov_base, 0, size);
  return (ssize_t)size;
}

static ssize_t read_placed(struct source *s, const struct iovec *v, int n) {
  ssize_t got = s->sparse ? read_sparse(s, v) : preadv(s->fd, v, n, (off_t)s->at);
  if (got > 0)
    s->at += (uint64_t)got;
  return got;
}

static ssize_t read_some(struct source *s, const struct iovec *v, int n) {
  if (s->ahead.size) {
    size_t size = s->ahead.size < v->iov_len ? s->ahead.size : v->iov_len;
    memcpy(v->iov_base, s->ahead.data, size);
    s->ahead = bytes_of(s->ahead.data + size, s->ahead.size - size);
    return (ssize_t)size;
  }
  return s->placed ? read_placed(s, v, n) : readv(s->fd, v, n);
}

/* The pieces as far as the limit goes. */
static struct pieces allowed(const struct source *s, const struct pieces *p, size_t *room) {
  struct pieces part = *p;
  *room = (p->count - 1) * p->size + p->last;
  if (s->left >= *room)
    return part;
  *room = (size_t)s->left;
  part.count = (*room + p->size - 1) / p->size;
  part.last = part.count ? *room - (part.count - 1) * p->size : 0;
  return part;
}

err_t source_read(struct source *s, const struct pieces *p, size_t *got) {
  size_t room;
  struct pieces part = allowed(s, p, &room);
  struct iovec v[PIECES_MAX];
  *got = 0;
  while (*got < room) {
    ssize_t n = read_some(s, v, parts_left(&part, *got, v));
    if (n == 0)
      break;
    if (n > 0) {
      *got += (size_t)n;
      s->left -= (uint64_t)n;
    } else
      TRY(again(s));
  }
  return OK;
}

err_t source_ended(struct source *s, bool *ended) {
  struct pieces one = { .first = &s->spare, .count = 1, .size = 1, .last = 1, .stride = 1 };
  size_t got = 1;
  if (!s->ahead.size && s->left) {
    TRY(source_read(s, &one, &got));
    s->ahead = bytes_of(&s->spare, got); /* is read once more */
    s->left += got;
  }
  *ended = !s->left || !got;
  return OK;
}

const uint8_t *source_view(struct source *s, size_t size) {
  if (!s->views || s->ahead.size || s->left <= size)
    return NULL;
  if (s->sparse && s->at >= s->hole_until && s->at >= s->data_until && !find_extent(s))
    return NULL;
  if (s->sparse && (s->at < s->hole_until || s->data_until - s->at < size))
    return NULL;
  const uint8_t *view = s->watch->options->views->view(s->views, s->at, size);
  if (!view)
    return NULL;
  s->at += size;
  s->left -= size;
  return view;
}

void source_passed(struct source *s, uint64_t place) {
  if (s->views)
    s->watch->options->views->passed(s->views, place);
}

err_t source_check(const struct source *s) {
  if (s->views && s->watch->options->views->lost(s->views))
    FAIL(ERR_INPUT, "reading failed: the file was cut off meanwhile, or its disk fails");
  return OK;
}

size_t source_alignment(const struct source *s) {
  return (size_t)((s->at - s->ahead.size) % PAGE);
}

bool source_waits(const struct source *s) {
  struct pollfd p = { .fd = s->fd, .events = POLLIN };
  return !s->placed && !s->ahead.size && poll(&p, 1, 0) == 0;
}

void source_done(const struct source *s) {
  if (s->placed)
    lseek(s->fd, (off_t)s->at, SEEK_SET);
}
