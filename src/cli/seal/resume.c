/*
 * Resuming. A chunk is sealed under the payload's key with its number as the nonce. If one number
 * were ever used for two different texts, and somebody saw both results, the difference of the
 * texts and the key that authenticates would be known to them. A partial output holds chunks under
 * such a key, and chunks that were sealed by the interrupted run may have been on the disk, and may
 * be gone from it again. So going on under the same key is allowed only where every chunk is sealed
 * from the same text as before:
 *
 * 1. The source must be the same file, unchanged: device, inode, size, and the times of change of
 *    data and inode to the nanosecond, are digested, with the key's name, into the name of the
 *    partial output. Of another state of the source, another partial output is looked for, and none
 *    is there. The inode's time cannot be set by anybody but by turning the clock.
 * 2. Times of change have a grain, and a page that is mapped and dirty changes without them. So the
 *    source is synced first, which makes the next write to such a page show, and of a source that
 *    was changed within the last seconds there is no partial output, but a temporary one, which
 *    nobody goes on with.
 * 3. All that is in the partial output is sealed again from the source, in memory, and compared
 *    byte by byte, the torn chunk at its end included. If a single byte differs, whether the source
 *    changed after all or the disk lost something in a crash, nothing of it is used: the output is
 *    emptied and begun anew, under a new key (a fresh salt). Chunks are verified by this, too.
 * 4. When the end is reached the source is looked at again. If it changed meanwhile the output is
 *    removed: chunks of it may differ from those of the interrupted run.
 * 5. The partial output is locked while it is written: there are no two runs that go on with it.
 *
 * What is left is a source that was changed with its times of change preserved (the clock turned
 * back, a file system that keeps none), in chunks that are no longer in the partial output but were
 * seen there by somebody before. Who has to fear that does not give --resume.
 */
#include "cli/seal/resume.h"

#include "seal/sealed.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SETTLED_S 2
#define START_SIZE (HEADER_SIZE + COBBLESTONE_PREFIX)
#define STEP 64 /* chunks between two looks at the clock */

static err_t reading_failed(void) {
  FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
}

static err_t digest(const struct stat *s, const char *key, char out[static RESUME_TAG]) {
  const uint64_t facts[] = { s->st_dev,
                             s->st_ino,
                             (uint64_t)s->st_size,
                             (uint64_t)s->st_mtim.tv_sec,
                             (uint64_t)s->st_mtim.tv_nsec,
                             (uint64_t)s->st_ctim.tv_sec,
                             (uint64_t)s->st_ctim.tv_nsec };
  const struct bytes parts[] = { bytes_of(facts, sizeof facts), bytes_str(key) };
  uint8_t sum[SHA256_SIZE];
  TRY(crypto_sha256_parts(parts, 2, sum));
  for (size_t i = 0; i < RESUME_TAG / 2; i++)
    snprintf(out + 2 * i, 3, "%02x", sum[i]);
  return OK;
}

static bool long_ago(const struct timespec *t, const struct timespec *now) {
  return now->tv_sec - t->tv_sec > SETTLED_S;
}

err_t resume_look(const struct input *in, const char *key, struct resume_source *out) {
  struct stat s;
  struct timespec now;
  IGNORE(fsync(in->fd) == 0 ? OK : ERR_IO); /* rule 2; a read-only file system has none */
  if (fstat(in->fd, &s) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
    return reading_failed();
  out->settled = long_ago(&s.st_mtim, &now) && long_ago(&s.st_ctim, &now);
  return digest(&s, key, out->tag);
}

void resumed_free(struct resumed *r) {
  if (r->payload)
    payload_free(r->payload);
}

/* As much as there is of size bytes. */
static err_t read_at(int fd, uint64_t at, uint8_t *out, size_t size, size_t *got) {
  for (*got = 0; *got < size;) {
    ssize_t n = pread(fd, out + *got, size - *got, (off_t)(at + *got));
    if (n < 0 && errno != EINTR)
      return reading_failed();
    if (n == 0)
      return OK;
    if (n > 0)
      *got += (size_t)n;
  }
  return OK;
}

struct comparison {
  const struct payload_shape *shape;
  struct payload_cipher *cipher;
  int source, part;
  uint8_t *plain, *sealed, *there; /* room for one chunk, for one that is sealed, twice */
};
static void comparison_free(struct comparison *c) {
  if (c->cipher)
    payload_cipher_free(c->cipher);
  mem_free(c->plain);
  mem_free(c->sealed);
  mem_free(c->there);
}
#define AUTO_COMPARISON __attribute__((cleanup(comparison_free))) struct comparison

static err_t comparison_new(const struct payload *p, int source, int part, struct comparison *c) {
  c->shape = payload_shape(p);
  c->source = source;
  c->part = part;
  c->plain = mem_alloc(c->shape->chunk);
  c->sealed = mem_alloc(c->shape->chunk + c->shape->overhead);
  c->there = mem_alloc(c->shape->chunk + c->shape->overhead);
  if (!c->plain || !c->sealed || !c->there)
    return ERR_NOMEM;
  return payload_cipher_new(p, &c->cipher);
}

enum outcome { SAME, END, DIFFERENT };

/* SAME: all of this chunk is there. END: what is there ends with it, or within it. */
static err_t compare_chunk(struct comparison *c, uint64_t number, enum outcome *out) {
  size_t stride = c->shape->chunk + c->shape->overhead, plain, there;
  TRY(read_at(c->source, number * c->shape->chunk, c->plain, c->shape->chunk, &plain));
  TRY(read_at(c->part, START_SIZE + number * stride, c->there, stride, &there));
  bool last = plain < c->shape->chunk;
  TRY(payload_seal_chunk(c->cipher, number, last, bytes_of(c->plain, plain), c->sealed));
  bool same =
    there <= plain + c->shape->overhead && (there == 0 || memcmp(c->sealed, c->there, there) == 0);
  *out = !same ? DIFFERENT : last || there < stride ? END : SAME;
  return OK;
}

static err_t compare_all(struct comparison *c, const struct resume_job *j, uint64_t *chunks,
                         bool *same) {
  const struct stream_options *o = j->stream;
  enum outcome found = SAME;
  for (*chunks = 0; found == SAME;) {
    TRY(compare_chunk(c, *chunks, &found));
    *chunks += found == SAME;
    struct stream_progress p = { *chunks * c->shape->chunk, o->total };
    if (o->progress && *chunks % STEP == 0)
      TRY(o->progress(o->ctx, &p));
  }
  *same = found == END;
  return OK;
}

/* Whether a header is of the key that was asked for: in whatever version, if none was named. */
static bool is_of_key(const struct header *h, const char *key) {
  struct key_name asked, found;
  return key_name_parse(key, &asked) == OK && key_name_parse(h->wrapped.key_id, &found) == OK &&
         strcmp(asked.name, found.name) == 0 &&
         (!asked.version[0] || strcmp(asked.version, found.version) == 0);
}

/* NULL for a start that is not whole, or not of this key and context. */
static err_t open_payload(const struct resume_job *j, int part, struct payload **out) {
  uint8_t start[START_SIZE];
  struct header h;
  size_t got;
  TRY(read_at(part, 0, start, sizeof start, &got));
  struct bytes text = bytes_of(start, got);
  if (got < sizeof start || header_read(text, &h) != OK || !is_of_key(&h, j->key))
    return OK;
  err_t e = sealed_begin_open(j->keys, j->context, text, out);
  bool other = e == ERR_WRONG_KEY || e == ERR_DAMAGED || e == ERR_NOT_FOUND ||
               e == ERR_BAD_PARAMETER || e == ERR_NOT_SEALED;
  return other ? OK : e;
}

/* Both descriptors behind the chunks that are kept; what is torn is cut off. */
static err_t stand_behind(const struct comparison *c, uint64_t chunks) {
  off_t in = (off_t)(chunks * c->shape->chunk);
  off_t out = (off_t)(START_SIZE + chunks * (c->shape->chunk + c->shape->overhead));
  if (lseek(c->source, in, SEEK_SET) != in)
    return reading_failed();
  if (ftruncate(c->part, out) != 0 || lseek(c->part, out, SEEK_SET) != out)
    FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
  return OK;
}

err_t resume_begin(const struct resume_job *j, const struct input *in, struct output *part,
                   struct resumed *out) {
  AUTO_RESUMED r = { 0 };
  AUTO_COMPARISON c = { 0 };
  bool same = false;
  if (output_has_begun(part))
    TRY(open_payload(j, output_fd(part), &r.payload));
  if (r.payload) {
    TRY(comparison_new(r.payload, in->fd, output_fd(part), &c));
    TRY(compare_all(&c, j, &r.chunks, &same));
  }
  if (!same)
    return output_restart(part);
  TRY(stand_behind(&c, r.chunks));
  *out = r;
  r.payload = NULL;
  return OK;
}
