/* Cobblestone-256: whole streams, their verified beginnings, and the size by the last chunk. */
#include "vectors.h"

#include "seal/stream.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#define SEALED_MAX (5u << 20)

static bool flagged(const struct vector *v, const char *flag) {
  size_t i;
  json_t *one;
  json_array_foreach(json_object_get(v->test, "flags"), i, one) {
    if (strcmp(json_string_value(one), flag) == 0)
      return true;
  }
  return false;
}

/* The file keeps its texts compressed. */
static bool unpack(struct bytes packed, uint8_t *out, size_t *size) {
#ifdef HAVE_ZLIB
  uLongf n = SEALED_MAX;
  if (uncompress(out, &n, packed.data, packed.size) != Z_OK)
    return false;
  *size = n;
  return true;
#else
  return false;
#endif
}

static bool is_message(struct vector *v, int fd) {
  AUTO_BUF text = BUF_EMPTY;
  uint8_t digest[64];
  struct stat st;
  if (fstat(fd, &st) != 0 || !buf_reserve(&text, (size_t)st.st_size + 1) ||
      pread(fd, text.data, (size_t)st.st_size, 0) != st.st_size ||
      !EVP_Digest(text.data, (size_t)st.st_size, digest, NULL, EVP_sha512(), NULL))
    return false;
  json_t *length = json_object_get(v->test, "msgLength");
  if (!length)
    return st.st_size == 0;
  return json_integer_value(length) == st.st_size &&
         bytes_equal(bytes_of(digest, sizeof digest), vector_hex(v->test, "msgSha512"));
}

/* The size is known by the last chunk alone, whatever the others are. */
static bool size_is_right(struct vector *v, const struct payload *p, int file) {
  struct stream_range none = { .file = file };
  uint64_t got;
  bool known = stream_read_range(p, &none, NULL, &got) == OK;
  bool valid = strcmp(vector_str(v->test, "result"), "valid") == 0;
  return known == (valid || flagged(v, "ValidFinalChunk"));
}

static enum outcome open_stream(struct vector *v, const struct payload *p, int file) {
  enum outcome first = WRONG;
  if (!size_is_right(v, p, file))
    return WRONG;
  for (unsigned threads = 1; threads <= 3; threads++) {
    struct stream_options o = { .threads = threads };
    int out = memfd_create("opened", MFD_CLOEXEC);
    lseek(file, (off_t)payload_shape(p)->prefix, SEEK_SET);
    err_t e = stream_open(p, &o, file, out);
    enum outcome now = !is_message(v, out) ? WRONG : e == OK ? ACCEPTED : REJECTED;
    close(out);
    if (now == WRONG || (threads > 1 && now != first) ||
        (e != OK && e != ERR_DAMAGED && e != ERR_TRUNCATED))
      return WRONG;
    first = now;
  }
  return first;
}

static enum outcome open_sealed(struct vector *v, struct bytes sealed) {
  AUTO(payload) struct payload *p = NULL;
  err_t e = payload_open(vector_hex(v->test, "key"), vector_hex(v->test, "ctx"), sealed, &p);
  if (e != OK) {
    bool expected = e == ERR_WRONG_KEY || e == ERR_BAD_PARAMETER || e == ERR_TRUNCATED;
    return expected && flagged(v, "HeaderFailure") ? REJECTED : WRONG;
  }
  int file = memfd_create("sealed", MFD_CLOEXEC);
  enum outcome o = WRONG;
  if (write(file, sealed.data, sealed.size) == (ssize_t)sealed.size)
    o = open_stream(v, p, file);
  close(file);
  return o;
}

static enum outcome run_chunked(struct vector *v) {
  size_t size = 0;
  AUTO_FREE uint8_t *sealed = mem_alloc(SEALED_MAX);
#ifndef HAVE_ZLIB
  return vector_skip(v, "built without zlib, which unpacks the file's texts");
#endif
  if (!sealed || !unpack(vector_hex(v->test, "ct"), sealed, &size))
    return WRONG;
  return open_sealed(v, bytes_of(sealed, size));
}

const struct family family_chunked = { NULL, run_chunked };
