/*
 * Sealed payloads, under keys that fit. The input says what is done to a valid one (bytes changed,
 * taken out, put in, put elsewhere, cut off) or is itself the chunks behind a valid prefix. What
 * comes out, as a stream or as a range, is always what was sealed, from its start on or from where
 * it was asked for; and all of it, without an error, only if nothing was changed.
 */
#include "seal/stream.h"
#include "start.h"

#include <sys/mman.h>
#include <unistd.h>

#define EDIT 7 /* bytes that describe one */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One of each format. */
static struct subject {
  struct payload *payload;
  struct buf plain, sealed; /* without the prefix */
} subjects[2];

static int file_of(struct bytes prefix, struct bytes content) {
  int fd = memfd_create("sealed", MFD_CLOEXEC);
  if (fd < 0 || pwrite(fd, prefix.data, prefix.size, 0) < 0 ||
      pwrite(fd, content.data, content.size, (off_t)prefix.size) != (ssize_t)content.size)
    abort();
  return fd;
}

/* Appends all of a file; closes it. */
static void read_all(int fd, struct buf *out) {
  off_t size = lseek(fd, 0, SEEK_END);
  if (!buf_reserve(out, (size_t)size + 1) || pread(fd, out->data, (size_t)size, 0) != size)
    abort();
  out->size += (size_t)size;
  close(fd);
}

static void make(struct subject *s, size_t size) {
  struct stream_options o = { .threads = 1 };
  for (size_t i = 0; i < size; i++)
    buf_put_char(&s->plain, (char)(i * 7 + i / 256));
  int in = file_of((struct bytes){ 0 }, buf_bytes(&s->plain));
  int out = memfd_create("sealed", MFD_CLOEXEC);
  if (stream_seal(s->payload, &o, in, out) != OK)
    abort();
  close(in);
  read_all(out, &s->sealed);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const uint8_t key[32] = { 1, 2, 3 };
  if (!fuzz_start_crypto() ||
      payload_new(bytes_of(key, 32), bytes_str("fuzz"), &subjects[0].payload) != OK ||
      payload_new_age(bytes_of(key, 16), &subjects[1].payload) != OK)
    return 1;
  make(&subjects[0], 3 * 16384 + 100);
  make(&subjects[1], 2 * 65536);
  return 0;
}

static void replace(struct buf *b, size_t at, size_t gone, struct bytes new) {
  AUTO_BUF rest = BUF_EMPTY;
  buf_put(&rest, b->data + at + gone, b->size - at - gone);
  b->size = at;
  buf_put_bytes(b, new);
  buf_put_bytes(b, buf_bytes(&rest));
}

/* Offsets are near chunks' ends as often as not. */
static void edit(struct buf *b, const uint8_t e[static EDIT], size_t stride) {
  size_t at = (size_t)(e[1] % 8) * stride + (e[1] & 8 ? (size_t)e[2] << 8 | e[3] : e[2] % 20u);
  size_t size = (size_t)(e[4] % 3) * stride + e[5];
  if (at > b->size)
    at = b->size;
  if (size > b->size - at)
    size = b->size - at;
  AUTO_BUF piece = BUF_EMPTY;
  buf_put(&piece, b->data + at, size);
  size_t to = (size_t)(e[6] % 8) * stride;
  switch (e[0] % 5) {
  case 0:
    if (at < b->size)
      b->data[at] ^= e[4];
    break;
  case 1:
    replace(b, at, size, (struct bytes){ 0 });
    break;
  case 2:
    replace(b, to < b->size ? to : b->size, 0, buf_bytes(&piece));
    break;
  case 3:
    b->size = at;
    break;
  default:
    if (to + size <= b->size)
      memcpy(b->data + to, piece.data ? piece.data : (const uint8_t *)"", size);
  }
}

static void open_stream(const struct subject *s, struct bytes sealed, unsigned threads) {
  AUTO_BUF got = BUF_EMPTY;
  struct stream_options o = { .threads = threads };
  int in = file_of((struct bytes){ 0 }, sealed);
  int out = memfd_create("opened", MFD_CLOEXEC);
  err_t e = stream_open(s->payload, &o, in, out);
  close(in);
  read_all(out, &got);
  if (got.size > s->plain.size || (got.size && memcmp(got.data, s->plain.data, got.size) != 0))
    abort();
  if ((e == OK) != bytes_equal(sealed, buf_bytes(&s->sealed)))
    abort();
  if (e == OK ? got.size != s->plain.size : e != ERR_DAMAGED && e != ERR_TRUNCATED)
    abort();
}

static void open_range(const struct subject *s, struct bytes sealed, const uint8_t *where) {
  uint8_t out[1024];
  uint64_t got = 0;
  struct stream_range r = { .offset = (uint64_t)where[0] << 10 | where[1], .length = sizeof out };
  r.file = file_of(payload_prefix(s->payload), sealed);
  err_t e = stream_read_range(s->payload, &r, out, &got);
  close(r.file);
  if (e == OK && (got > sizeof out || (got && r.offset + got > s->plain.size) ||
                  (got && memcmp(out, s->plain.data + r.offset, got) != 0)))
    abort();
  if (e != OK &&
      (bytes_equal(sealed, buf_bytes(&s->sealed)) || (e != ERR_DAMAGED && e != ERR_TRUNCATED)))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_BUF sealed = BUF_EMPTY;
  if (size < 3)
    return 0;
  const struct subject *s = &subjects[data[0] & 1];
  const struct payload_shape *shape = payload_shape(s->payload);
  if (data[0] & 2)
    buf_put(&sealed, data + 3, size - 3);
  else
    buf_put_bytes(&sealed, buf_bytes(&s->sealed));
  for (size_t i = 3; !(data[0] & 2) && i + EDIT <= size && i < 3 + 8 * EDIT; i += EDIT)
    edit(&sealed, data + i, shape->chunk + shape->overhead);
  if (buf_ok(&sealed) != OK)
    return 0;
  open_stream(s, buf_bytes(&sealed), data[0] & 4 ? 2 : 1);
  open_range(s, buf_bytes(&sealed), data + 1);
  return 0;
}
